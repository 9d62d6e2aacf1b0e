//! Names the kernel's entry symbol to the linker, and the compiler to the program.

use std::env;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=x86_64-multios.json");
    println!("cargo:rustc-env=COMPILER={}", compiler());
    let is_kernel = env::var_os("CARGO_FEATURE_KERNEL").is_some();
    let is_bare_metal = env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "multios");
    if is_kernel && is_bare_metal {
        // The loader jumps to the ELF entry: it must be the code that switches SSE on, not Rust's.
        println!("cargo:rustc-link-arg-bin=perf-kernel=-ekernel_entry");
    }
}

/// The first line of `rustc --version`; Cargo names the compiler in `RUSTC`.
fn compiler() -> String {
    let program = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(program).arg("--version").output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    text.lines().next().unwrap_or_default().to_owned()
}
