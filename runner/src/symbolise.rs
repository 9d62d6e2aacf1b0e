//! Addresses of a crash as function, file and line.

use std::path::Path;

use addr2line::Loader;
use perf_kernel::wire::Crash;

/// Why addresses stay numbers.
#[derive(Debug, thiserror::Error)]
#[error("read the symbols of {path}: {reason}")]
pub struct SymboliseError {
    path: String,
    reason: String,
}

/// The backtrace of `crash` in words, innermost frame first, inlined functions as frames of their own, by the debug
/// information of the kernel at `elf`.
///
/// # Errors
/// The file is missing, or has no debug information that can be read.
pub fn backtrace(crash: &Crash, elf: &Path) -> Result<Vec<String>, SymboliseError> {
    let failed = |reason: String| SymboliseError { path: elf.display().to_string(), reason };
    let loader = Loader::new(elf).map_err(|error| failed(error.to_string()))?;
    let mut lines = Vec::new();
    for (address, place) in places(crash) {
        let frames = frames(&loader, place.wrapping_sub(crash.image_base));
        let number = lines.len();
        match frames.as_slice() {
            [] => lines.push(format!("{number:>2}: {address:#018x} (no symbol)")),
            frames => {
                let numbered = frames.iter().enumerate();
                lines.extend(numbered.map(|(place, frame)| format!("{:>2}: {frame}", number + place)));
            }
        }
    }
    Ok(lines)
}

/// The addresses of a crash with the places to look up. A return address is behind its call, which may be the last
/// instruction of its line or function; the address of an exception is exact.
fn places(crash: &Crash) -> Vec<(u64, u64)> {
    let faulting = crash.registers.map(|registers| registers.rip);
    let returns = crash.backtrace.iter().copied().filter(|address| Some(*address) != faulting);
    let exact = faulting.map(|address| (address, address));
    exact.into_iter().chain(returns.map(|address| (address, address.wrapping_sub(1)))).collect()
}

/// The functions at `place`, inlined ones first; empty if nothing is known.
fn frames(loader: &Loader, place: u64) -> Vec<String> {
    let mut found = Vec::new();
    if let Ok(mut frames) = loader.find_frames(place) {
        while let Ok(Some(frame)) = frames.next() {
            let name = frame.function.and_then(|name| Some(name.demangle().ok()?.into_owned()));
            let location = frame.location.and_then(|location| {
                let line = location.line.map(|line| format!(":{line}")).unwrap_or_default();
                Some(format!(" at {}{line}", short(location.file?)))
            });
            if name.is_some() || location.is_some() {
                let name = name.as_deref().map_or("(no name)", without_hash);
                found.push(format!("{name}{}", location.unwrap_or_default()));
            }
        }
    }
    if found.is_empty() {
        let symbol = loader.find_symbol(place);
        found
            .extend(symbol.map(|name| without_hash(&addr2line::demangle_auto(name.into(), None)).to_owned()));
    }
    found
}

/// A function's name without the hash that the compiler adds.
fn without_hash(name: &str) -> &str {
    match name.rsplit_once("::h") {
        Some((name, hash)) if hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()) => name,
        _ => name,
    }
}

/// A file's name from its crate on: where a machine keeps its sources helps nobody.
fn short(file: &str) -> &str {
    let beginnings = ["/perf-kernel/", "/multios-core/", "/library/", "/registry/src/"];
    let start = beginnings.iter().filter_map(|beginning| file.find(beginning)).min();
    let file = start.map_or(file, |start| &file[start + 1..]);
    // A registry's folder has a name that says nothing.
    file.strip_prefix("registry/src/").and_then(|rest| rest.split_once('/')).map_or(file, |(_, rest)| rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use perf_kernel::wire::Registers;

    fn crash(rip: Option<u64>, backtrace: Vec<u64>, image_base: u64) -> Crash {
        Crash {
            cause: "#PF".into(),
            message: String::new(),
            bench: None,
            cpu: 0,
            registers: rip.map(|rip| Registers { rip, ..Registers::default() }),
            backtrace,
            image_base,
            ticks: None,
        }
    }

    /// The address of a function of this test program in its own ELF file.
    fn own_function() -> (std::path::PathBuf, u64) {
        use object::{Object as _, ObjectSymbol as _};
        let path = std::env::current_exe().expect("it runs");
        let bytes = std::fs::read(&path).expect("it is there");
        let file = object::File::parse(&*bytes).expect("it is ELF");
        let symbol = file.symbols().find(|symbol| {
            symbol.name().is_ok_and(|name| name.contains("symbolise") && name.contains("own_function"))
        });
        let address = symbol.expect("it is not inlined").address();
        (path, address)
    }

    #[test]
    fn an_address_becomes_function_file_and_line() {
        let (path, address) = own_function();
        let base = 0xffff_8000_0000_0000;
        let lines =
            backtrace(&crash(Some(base + address), vec![base + address + 1], base), &path).expect("symbols");
        assert_eq!(lines.len(), 2, "{lines:?}");
        for line in &lines {
            assert!(line.contains("own_function"), "{line}");
            assert!(line.contains("symbolise.rs:"), "{line}");
        }
    }

    #[test]
    fn an_address_without_a_symbol_stays_a_number() {
        let (path, _) = own_function();
        let lines = backtrace(&crash(None, vec![1 << 60], 0), &path).expect("symbols");
        assert_eq!(lines, [" 0: 0x1000000000000000 (no symbol)"]);
    }

    #[test]
    fn a_file_that_is_no_kernel_is_named() {
        let error =
            backtrace(&crash(None, vec![3], 0), Path::new("/etc/passwd")).expect_err("text").to_string();
        assert!(error.starts_with("read the symbols of /etc/passwd: "), "{error}");
    }

    #[test]
    fn names_and_files_are_shown_without_noise() {
        assert_eq!(without_hash("core::panic::h0123456789abcdef"), "core::panic");
        assert_eq!(short("/any/where/perf-kernel/src/run/mod.rs"), "perf-kernel/src/run/mod.rs");
        assert_eq!(short("/x/registry/src/index-77/talc-5.1.1/src/lib.rs"), "talc-5.1.1/src/lib.rs");
    }
}
