#!/bin/sh
# Makes this machine fit to build and run everything here: one Rust compiler for host and kernel, QEMU, OVMF, a C
# compiler. Installs what is missing (as root), and writes the choice of compiler as a file that `make` sources.
#
# Usage: set-up.sh [--check] [--tests] [ENVIRONMENT_FILE]
#   --check                  installs nothing: says what is missing and what would install it.
#   --tests                  also what only tests need: a browser for the dashboard, and what drives it.
#   TOOLCHAIN=debian|rustup  takes that compiler instead of the first that fits.
#   SET_UP_ROOT=FOLDER       looks for /usr and its files below FOLDER (tests).
set -eu

# The kernel's library source must be the compiler's own, and the boot loader's stages build with this release.
RELEASE=1.96
RUSTUP_RELEASE=1.96.0
HOST=x86_64-unknown-linux-gnu
TOOLCHAIN_PACKAGES='rustc-web cargo-web rust-web-src rust-web-llvm lld-22 llvm-22 rustfmt-web rust-web-clippy'
RUSTUP_INSTALL="rustup toolchain install $RUSTUP_RELEASE --profile minimal --no-self-update"
RUSTUP_INSTALL="$RUSTUP_INSTALL --component rust-src --component llvm-tools --component clippy --component rustfmt"

root=${SET_UP_ROOT:-}
toolchain=${TOOLCHAIN:-}
rustup_home=${RUSTUP_HOME:-${HOME:-/root}/.rustup}
may_install=yes
has_tests=no
while :; do
    case ${1:-} in
        --check) may_install=no ;;
        --tests) has_tests=yes ;;
        *) break ;;
    esac
    shift
done
environment_file=${1:-target/toolchain.env}
# What is chosen: kind, folder of programs, and why.
kind=
programs=
why=

main() {
    check_request
    find_toolchain
    packages=$(missing_packages)
    if [ -z "$kind" ] || [ -n "$packages" ]; then
        install_missing
    fi
    write_environment
    say "Rust $(release_of "$programs/rustc") from $kind ($programs): $why"
}

say() {
    printf 'set-up: %s\n' "$*"
}

die() {
    printf 'set-up: %s\n' "$@" >&2
    exit 1
}

check_request() {
    case $toolchain in
        '' | debian | rustup) ;;
        *) die "TOOLCHAIN is '$toolchain'; set it to debian or rustup, or leave it out" ;;
    esac
    machine="$(uname -s) $(uname -m)"
    [ "$machine" = 'Linux x86_64' ] || die "this is $machine; building needs Linux on x86_64"
}

is_root() {
    [ "$(id -u)" = 0 ]
}

has() {
    command -v "$1" >/dev/null 2>&1
}

# --- The compiler that is there ---

find_toolchain() {
    if [ "$toolchain" != rustup ] && debian_is_complete; then
        choose Debian "$root/usr/bin" 'already installed, with its library source and LLVM tools'
    elif [ "$toolchain" != debian ] && rustup_folder=$(complete_rustup_folder); then
        choose rustup "$rustup_folder/bin" 'already installed, with its library source and LLVM tools'
    fi
}

choose() {
    kind=$1
    programs=$2
    why=$3
    [ -z "$toolchain" ] || why="$why (TOOLCHAIN=$toolchain)"
}

release_of() {
    "$1" --version 2>/dev/null | cut -d ' ' -f 2
}

is_fitting_release() {
    case $(release_of "$1") in
        "$RELEASE".*) return 0 ;;
        *) return 1 ;;
    esac
}

all_executable() {
    for file in "$@"; do
        [ -x "$file" ] || return 1
    done
}

debian_is_complete() {
    debian_has_compiler && all_executable "$(tool_folder "$root/usr")/llvm-objcopy" "$(tool_folder "$root/usr")/llvm-objdump"
}

# Whether the compiler of the distribution is there, whatever its LLVM tools.
debian_has_compiler() {
    all_executable "$root/usr/bin/rustc" "$root/usr/bin/cargo" "$root/usr/bin/rust-lld" "$root/usr/bin/rustfmt" \
        "$root/usr/bin/cargo-fmt" "$root/usr/bin/cargo-clippy" "$root/usr/bin/clippy-driver" &&
        has_library_source "$root/usr" && is_fitting_release "$root/usr/bin/rustc"
}

has_library_source() {
    [ -f "$1/lib/rustlib/src/rust/library/core/src/lib.rs" ]
}

# Where the boot loader's build looks for LLVM tools.
tool_folder() {
    printf '%s\n' "$1/lib/rustlib/$HOST/bin"
}

complete_rustup_folder() {
    for folder in "$rustup_home/toolchains/$RELEASE".*-"$HOST" "$rustup_home/toolchains/stable-$HOST"; do
        if rustup_is_complete "$folder"; then
            printf '%s\n' "$folder"
            return 0
        fi
    done
    return 1
}

rustup_is_complete() {
    all_executable "$1/bin/rustc" "$1/bin/cargo" "$1/bin/rustfmt" "$1/bin/cargo-fmt" "$1/bin/cargo-clippy" \
        "$1/bin/clippy-driver" "$(tool_folder "$1")/rust-lld" "$(tool_folder "$1")/llvm-objcopy" \
        "$(tool_folder "$1")/llvm-objdump" && has_library_source "$1" && is_fitting_release "$1/bin/rustc"
}

# --- What else is there ---

missing_packages() {
    has qemu-system-x86_64 || printf 'qemu-system-x86 '
    has_ovmf || printf 'ovmf '
    has cc || printf 'gcc libc6-dev '
    [ "$has_tests" = no ] || missing_test_packages
}

# By commands and not by packages: a node from elsewhere brings an npm that Debian's package would conflict with.
missing_test_packages() {
    has chromium || has chromium-browser || has google-chrome || printf 'chromium '
    has node || printf 'nodejs '
    has npm || printf 'npm '
}

# The same places as in runner/src/source/qemu/firmware.rs.
has_ovmf() {
    for pair in OVMF/OVMF_CODE_4M.fd:OVMF/OVMF_VARS_4M.fd edk2/x64/OVMF_CODE.4m.fd:edk2/x64/OVMF_VARS.4m.fd \
        edk2/ovmf/OVMF_CODE.fd:edk2/ovmf/OVMF_VARS.fd; do
        if [ -f "$root/usr/share/${pair%:*}" ] && [ -f "$root/usr/share/${pair#*:}" ]; then
            return 0
        fi
    done
    return 1
}

# --- Installing ---

install_missing() {
    if [ "$may_install" = no ]; then
        explain 'nothing was installed, as this is a check. As root, "make setup" or:'
    fi
    is_root || explain 'nothing was installed, as that needs root. As root:'
    [ -z "$packages" ] || install_other_packages
    [ -n "$kind" ] || install_toolchain
}

explain() {
    missing=$packages
    [ -n "$kind" ] || missing="Rust $RELEASE with its library source and LLVM tools; $missing"
    exec >&2
    say "missing: ${missing% }"
    say "$1"
    if [ -n "$kind" ] || [ "$toolchain" = rustup ]; then
        [ -z "$packages" ] || print_apt_command "$packages"
    elif debian_has_compiler; then
        [ -z "$packages" ] || print_apt_command "$packages"
        print_link_commands
    else
        print_apt_command "$packages$TOOLCHAIN_PACKAGES"
        print_link_commands
    fi
    if [ -z "$kind" ] && [ "$toolchain" != debian ]; then
        say 'or, for the compiler alone and without root:'
        printf '    %s\n' "$RUSTUP_INSTALL"
    fi
    say 'Then repeat the command that you gave.'
    exit 1
}

print_apt_command() {
    printf '    apt-get update && apt-get install -y --no-install-recommends %s\n' "${1% }"
}

print_link_commands() {
    for tool in llvm-objcopy llvm-objdump; do
        printf '    ln -sf %s %s\n' "../../../../bin/$tool-22" "$(tool_folder "$root/usr")/$tool"
    done
}

install_other_packages() {
    say "installing ${packages% }"
    # shellcheck disable=SC2086 # a list of names
    apt_install $packages || die "apt-get could not install ${packages% }; its messages are above"
    left=$(missing_packages)
    [ -z "$left" ] || die "still missing after apt-get: ${left% }"
}

install_toolchain() {
    case $toolchain in
        debian) install_debian || die "apt offers no Rust $RELEASE here; try TOOLCHAIN=rustup" ;;
        rustup) install_rustup ;;
        *) install_debian || install_rustup "apt offers no Rust $RELEASE" ;;
    esac
}

install_debian() {
    if ! debian_has_compiler; then
        apt_offers_toolchain || return 1
        say "installing Rust $RELEASE from Debian's packages, which apt offers"
        # shellcheck disable=SC2086 # a list of names
        apt_install $TOOLCHAIN_PACKAGES || return 1
        debian_has_compiler || return 1
    fi
    link_llvm_tools
    debian_is_complete || return 1
    choose Debian "$root/usr/bin" 'installed now, as apt offers it'
}

# Debian has no llvm-tools component; its own tools of the compiler's LLVM do the same.
link_llvm_tools() {
    for tool in llvm-objcopy llvm-objdump; do
        link="$(tool_folder "$root/usr")/$tool"
        [ -x "$link" ] || ln -sf "../../../../bin/$tool-22" "$link"
    done
}

install_rustup() {
    reason=${1:-"TOOLCHAIN=rustup asks for it"}
    PATH="${CARGO_HOME:-${HOME:-/root}/.cargo}/bin:$PATH"
    has rustup || die "$reason, and rustup is not there either; install rustup and repeat"
    say "installing Rust $RUSTUP_RELEASE by rustup: $reason"
    $RUSTUP_INSTALL || die "rustup could not install Rust $RUSTUP_RELEASE ($reason); its messages are above"
    folder=$(complete_rustup_folder) ||
        die "rustup's Rust $RUSTUP_RELEASE lacks parts; try: rustup toolchain uninstall $RUSTUP_RELEASE"
    choose rustup "$folder/bin" "installed now: $reason"
}

apt_offers_toolchain() {
    has apt-get || return 1
    are_candidates_fitting && return 0
    apt_update && are_candidates_fitting
}

# Whether apt has every package, the compiler in the right release.
are_candidates_fitting() {
    candidate=$(apt_candidate rustc-web)
    case $candidate in
        "$RELEASE".*) ;;
        *) return 1 ;;
    esac
    for package in $TOOLCHAIN_PACKAGES; do
        is_known "$package" || return 1
    done
}

# Whether apt's lists have the package.
is_known() {
    case $(apt_candidate "$1") in
        '' | '(none)') return 1 ;;
    esac
}

apt_candidate() {
    LC_ALL=C apt-cache policy "$1" 2>/dev/null | sed -n 's/^  Candidate: //p'
}

# Installs at once where the package lists are good, and refreshes them where they are not.
apt_install() {
    has apt-get || die "no apt-get here; install by hand: $*"
    # A new system or container has no lists at all.
    is_known "$1" || apt_update
    apt_get install -y --no-install-recommends "$@" && return 0
    apt_update && apt_get install -y --no-install-recommends "$@"
}

apt_update() {
    [ -z "${is_updated:-}" ] || return 0
    is_updated=yes
    apt_get update
}

apt_get() {
    DEBIAN_FRONTEND=noninteractive apt-get -q -o Acquire::Retries=3 -o Dpkg::Use-Pty=0 "$@" </dev/null
}

# --- The result ---

# The file keeps its time while its text is the same.
write_environment() {
    text=$(environment_text)
    if [ -f "$environment_file" ] && [ "$(cat "$environment_file")" = "$text" ]; then
        return 0
    fi
    mkdir -p "$(dirname "$environment_file")"
    printf '%s\n' "$text" >"$environment_file"
}

environment_text() {
    printf '# The compiler that set-up chose; written anew by every set-up.\n'
    # shellcheck disable=SC2016 # expanded by the reader
    printf 'PATH="%s:$PATH"\n' "$programs"
    # Cargo looks for its subcommands there first, unless PATH names the folder: then behind the compiler's own.
    # shellcheck disable=SC2016 # expanded by the reader
    printf 'PATH="$PATH:${CARGO_HOME:-${HOME:-/root}/.cargo}/bin"\nexport PATH\n'
    if [ "$kind" = rustup ]; then
        # Calls that reach rustup's proxies by another path get the same compiler.
        printf 'RUSTUP_TOOLCHAIN=%s\nexport RUSTUP_TOOLCHAIN\n' "$(basename "$(dirname "$programs")")"
    else
        printf 'unset RUSTUP_TOOLCHAIN\n'
    fi
}

main
