//! What set-up decides, on machines made of fake programs.

#[path = "set_up/world.rs"]
mod world;

use std::process::Command;

use world::World;

const UPDATE: &str = "apt-get -q -o Acquire::Retries=3 -o Dpkg::Use-Pty=0 update";
const INSTALL: &str =
    "apt-get -q -o Acquire::Retries=3 -o Dpkg::Use-Pty=0 install -y --no-install-recommends";
const TOOLCHAIN: &str =
    "rustc-web cargo-web rust-web-src rust-web-llvm lld-22 llvm-22 rustfmt-web rust-web-clippy";
const RUSTUP: &str = "rustup toolchain install 1.96.0 --profile minimal --no-self-update --component rust-src \
    --component llvm-tools --component clippy --component rustfmt";

#[test]
fn a_complete_machine_is_left_alone() {
    let world = World::new().with_programs().with_debian("1.96.0").with_llvm_links();
    let run = world.run(&[]);
    assert_eq!(
        run.lines(),
        [format!(
            "set-up: Rust 1.96.0 from Debian ({}/usr/bin): already installed, with its library source and LLVM tools",
            world.root().display()
        )]
    );
    assert_eq!(world.calls(), [""; 0]);
    let environment = world.environment();
    assert!(environment.contains(&format!("PATH=\"{}/usr/bin:$PATH\"", world.root().display())));
    assert!(environment.contains("unset RUSTUP_TOOLCHAIN"));
}

#[test]
fn the_subcommands_of_the_chosen_cargo_come_before_those_of_a_users_folder() {
    let world = World::new().with_programs().with_debian("1.96.0").with_llvm_links();
    world.run(&[]);
    let script = format!("{}\nprintf %s \"$PATH\"", world.environment());
    let shell =
        Command::new("/bin/sh").args(["-c", &script]).env_clear().env("HOME", "/home/someone").output();
    let path = String::from_utf8(shell.expect("a shell").stdout).expect("a path");
    let chosen = path.find(&format!("{}/usr/bin", world.root().display())).expect("the chosen compiler");
    let own = path.find("/home/someone/.cargo/bin").expect("else Cargo looks there first");
    assert!(chosen < own, "{path}");
}

#[test]
fn a_second_run_does_not_touch_its_file() {
    let world = World::new().with_programs().with_debian("1.96.0").with_llvm_links();
    world.run(&[]);
    world.age_environment();
    let before = world.environment_time();
    world.run(&[]);
    assert_eq!(world.environment_time(), before);
}

#[test]
fn a_fitting_toolchain_of_rustup_wins_over_an_old_one_of_debian() {
    let world =
        World::new().with_programs().with_debian("1.95.0").with_llvm_links().with_rustup_toolchain("1.96.0");
    let run = world.run(&[]);
    assert!(run.output.contains("Rust 1.96.0 from rustup"), "{}", run.output);
    assert_eq!(world.calls(), [""; 0]);
    assert!(world.environment().contains("RUSTUP_TOOLCHAIN=1.96.0-x86_64-unknown-linux-gnu"));
}

#[test]
fn a_stable_toolchain_of_the_right_release_does() {
    let world = World::new().with_programs().with_rustup_toolchain_called("stable", "1.96.0");
    let run = world.run(&[]);
    assert!(run.output.contains("Rust 1.96.0 from rustup"), "{}", run.output);
    assert!(world.environment().contains("RUSTUP_TOOLCHAIN=stable-x86_64-unknown-linux-gnu"));
}

#[test]
fn a_bare_machine_gets_debian_packages_where_apt_offers_them() {
    let world = World::new().with_apt("1.96.0+dfsg1-1", "1.96.0+dfsg1-1");
    let run = world.run(&[]);
    assert!(run.output.contains("from Debian"), "{}", run.output);
    assert!(run.output.ends_with("installed now, as apt offers it\n"), "{}", run.output);
    let calls = [format!("{INSTALL} qemu-system-x86 ovmf gcc libc6-dev"), format!("{INSTALL} {TOOLCHAIN}")];
    assert_eq!(world.calls(), calls);
    assert!(world.has_llvm_links());
    let again = world.run(&[]);
    assert!(again.output.contains("already installed"), "{}", again.output);
    assert_eq!(world.calls(), calls);
}

#[test]
fn old_package_lists_are_refreshed_once() {
    let world = World::new().with_programs().with_apt("1.85.0", "1.96.1+dfsg1-1");
    let run = world.run(&[]);
    assert!(run.output.contains("from Debian"), "{}", run.output);
    assert_eq!(world.calls(), [UPDATE.to_owned(), format!("{INSTALL} {TOOLCHAIN}")]);
}

#[test]
fn missing_package_lists_are_fetched_first() {
    let world = World::new().with_apt("(none)", "1.96.0");
    world.run(&[]);
    let programs = format!("{INSTALL} qemu-system-x86 ovmf gcc libc6-dev");
    assert_eq!(world.calls(), [UPDATE.to_owned(), programs, format!("{INSTALL} {TOOLCHAIN}")]);
}

#[test]
fn rustup_serves_where_apt_has_only_old_packages() {
    let world = World::new().with_programs().with_apt("1.85.0", "1.85.0").with_rustup();
    let run = world.run(&[]);
    assert!(run.output.ends_with("installed now: apt offers no Rust 1.96\n"), "{}", run.output);
    assert_eq!(world.calls(), [UPDATE, RUSTUP]);
}

#[test]
fn rustup_serves_where_there_is_no_apt() {
    let world = World::new().with_programs().with_rustup();
    let run = world.run(&[]);
    assert!(run.output.contains("from rustup"), "{}", run.output);
    assert_eq!(world.calls(), [RUSTUP]);
}

#[test]
fn a_failing_install_is_repeated_with_fresh_lists() {
    let world = World::new().with_apt("1.96.0", "1.96.0").failing_installs(1);
    world.run(&[]);
    let programs = format!("{INSTALL} qemu-system-x86 ovmf gcc libc6-dev");
    assert_eq!(
        world.calls(),
        [programs.clone(), UPDATE.to_owned(), programs, format!("{INSTALL} {TOOLCHAIN}")]
    );
}

#[test]
fn the_user_may_choose_rustup() {
    let world = World::new().with_programs().with_debian("1.96.0").with_llvm_links().with_rustup();
    let run = world.run(&[("TOOLCHAIN", "rustup")]);
    assert!(run.output.contains("from rustup"), "{}", run.output);
    assert_eq!(world.calls(), [RUSTUP]);
}

#[test]
fn the_user_may_choose_debian() {
    let world = World::new()
        .with_programs()
        .with_rustup_toolchain("1.96.0")
        .with_apt("1.96.0", "1.96.0")
        .with_rustup();
    let run = world.run(&[("TOOLCHAIN", "debian")]);
    assert!(run.output.contains("from Debian"), "{}", run.output);
    assert_eq!(world.calls(), [format!("{INSTALL} {TOOLCHAIN}")]);
}

#[test]
fn a_choice_that_cannot_be_had_is_an_error() {
    let world = World::new().with_programs().with_apt("1.85.0", "1.85.0").with_rustup();
    let message = world.fail(&[("TOOLCHAIN", "debian")]);
    assert_eq!(message, "set-up: apt offers no Rust 1.96 here; try TOOLCHAIN=rustup\n");
    assert_eq!(world.calls(), [UPDATE]);
}

#[test]
fn an_unknown_choice_is_an_error() {
    let world = World::new().with_programs().with_debian("1.96.0").with_llvm_links();
    let message = world.fail(&[("TOOLCHAIN", "nix")]);
    assert_eq!(message, "set-up: TOOLCHAIN is 'nix'; set it to debian or rustup, or leave it out\n");
}

#[test]
fn without_root_the_commands_are_printed_and_nothing_is_done() {
    let world = World::new().with_apt("1.96.0", "1.96.0").with_rustup().without_root();
    let message = world.fail(&[]);
    let apt = format!(
        "    apt-get update && apt-get install -y --no-install-recommends qemu-system-x86 ovmf gcc libc6-dev {TOOLCHAIN}\n"
    );
    assert!(message.contains(&apt), "{message}");
    assert!(message.contains("    ln -sf ../../../../bin/llvm-objcopy-22 "), "{message}");
    assert!(message.contains(&format!("    {RUSTUP}\n")), "{message}");
    assert_eq!(world.calls(), [""; 0]);
    assert!(!world.has_environment());
}

#[test]
fn without_root_only_what_is_missing_is_asked_for() {
    let world = World::new().with_debian("1.96.0").with_llvm_links().without_root();
    let message = world.fail(&[]);
    let apt = "    apt-get update && apt-get install -y --no-install-recommends qemu-system-x86 ovmf gcc libc6-dev\n";
    assert!(message.contains(apt), "{message}");
    assert!(!message.contains("rustup"), "{message}");
}

#[test]
fn without_root_the_choice_of_rustup_is_respected() {
    let world = World::new().with_programs().with_rustup().without_root();
    let message = world.fail(&[("TOOLCHAIN", "rustup")]);
    assert!(message.contains(RUSTUP) && !message.contains("apt-get"), "{message}");
}

#[test]
fn without_root_a_complete_machine_is_fine() {
    let world = World::new().with_programs().with_rustup_toolchain("1.96.0").without_root();
    assert!(world.run(&[]).output.contains("from rustup"));
}

#[test]
fn a_check_installs_nothing() {
    let world = World::new().with_programs().with_apt("1.96.0", "1.96.0");
    let message = world.fail_with("--check");
    assert!(message.contains("as this is a check"), "{message}");
    assert!(
        message.contains(&format!("apt-get install -y --no-install-recommends {TOOLCHAIN}\n")),
        "{message}"
    );
    assert_eq!(world.calls(), [""; 0]);
}

#[test]
fn missing_links_to_llvm_tools_are_made() {
    let world = World::new().with_programs().with_debian("1.96.0");
    world.run(&[]);
    assert!(world.has_llvm_links());
    assert_eq!(world.calls(), [""; 0]);
}

#[test]
fn a_toolchain_without_library_source_does_not_fit() {
    let world = World::new().with_programs().with_rustup_toolchain("1.96.0").with_rustup();
    world.remove_library_source();
    world.run(&[]);
    assert_eq!(world.calls(), [RUSTUP]);
}

#[test]
fn a_machine_with_neither_apt_nor_rustup_is_told_what_to_do() {
    let world = World::new().with_programs();
    let message = world.fail(&[]);
    assert!(message.contains("install rustup and repeat"), "{message}");
}

#[test]
fn a_browser_is_installed_for_tests_only() {
    let world =
        World::new().with_programs().with_debian("1.96.0").with_llvm_links().with_apt("1.96.0", "1.96.0");
    world.run(&[]);
    assert_eq!(world.calls(), [""; 0]);
    world.run_with("--tests");
    let browser = [format!("{INSTALL} chromium nodejs npm")];
    assert_eq!(world.calls(), browser);
    world.run_with("--tests");
    assert_eq!(world.calls(), browser, "it is there now");
}

#[test]
fn a_node_that_brings_its_npm_is_kept() {
    let world = World::new()
        .with_programs()
        .with_debian("1.96.0")
        .with_llvm_links()
        .with_node()
        .with_apt("1.96.0", "1.96.0");
    world.run_with("--tests");
    assert_eq!(world.calls(), [format!("{INSTALL} chromium")]);
}

#[test]
fn a_missing_browser_is_explained_where_nothing_may_be_installed() {
    let world =
        World::new().with_programs().with_debian("1.96.0").with_llvm_links().with_node().without_root();
    let errors = world.fail_with("--tests");
    assert!(
        errors.contains("missing: chromium")
            && errors.contains("install -y --no-install-recommends chromium"),
        "{errors}"
    );
    world.run(&[]);
}
