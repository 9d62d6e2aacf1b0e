//! Why a build of two sides failed, out of what cargo said.

use super::AbError;

/// The error that the `lines` of a build that failed tell of.
pub(super) fn diagnose(lines: &[String]) -> AbError {
    let has_failed = |package: &str| {
        let mark = format!("could not compile `{package}`");
        lines.iter().any(|line| line.contains(&mark))
    };
    let errors = || first_error(lines);
    if has_failed("multios-core-base") {
        AbError::BaseBroken { errors: errors() }
    } else if has_failed("multios-core-candidate") || has_failed("perf-kernel-candidate") {
        AbError::CandidateBroken { errors: errors() }
    } else if has_failed("perf-kernel-base") {
        AbError::InterfaceChanged { errors: errors() }
    } else {
        let last = lines.iter().rev().find(|line| line.starts_with("error"));
        let reason = last.or(lines.last()).map_or("cargo says nothing", String::as_str);
        AbError::BuildStopped { reason: reason.trim_start_matches("error: ").to_owned() }
    }
}

/// The first error and its place. All that the compiler said has been shown.
fn first_error(lines: &[String]) -> String {
    let mut from_first = lines.iter().skip_while(|line| !line.starts_with("error"));
    let error = from_first.next().map_or("no error", String::as_str);
    let place = from_first.next().and_then(|line| line.trim().strip_prefix("--> "));
    place.map_or_else(|| error.to_owned(), |place| format!("{error} ({place})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    const ERROR: &str =
        "warning: unused\n  |\n\nerror[E0599]: no method named `usage`\n   --> a.rs:3:1\n\nerror: more\n";

    #[test]
    fn the_package_that_failed_says_whose_fault_it_is() {
        let of =
            |package: &str| diagnose(&lines(&format!("{ERROR}error: could not compile `{package}` (lib)\n")));
        let expected = "error[E0599]: no method named `usage` (a.rs:3:1)";
        assert!(matches!(of("perf-kernel-base"), AbError::InterfaceChanged { errors } if errors == expected));
        assert!(matches!(of("multios-core-base"), AbError::BaseBroken { errors } if errors == expected));
        assert!(matches!(of("perf-kernel-candidate"), AbError::CandidateBroken { .. }));
    }

    #[test]
    fn a_broken_candidate_is_not_blamed_on_the_interface() {
        let both = "error: could not compile `perf-kernel-base` (lib)\nerror: could not compile `perf-kernel-candidate` (lib)";
        assert!(matches!(diagnose(&lines(both)), AbError::CandidateBroken { .. }));
    }

    #[test]
    fn any_other_end_is_told_in_the_words_of_cargo() {
        let text = "   Compiling x\nerror: no matching package named `y` found\nlocation searched: crates\n";
        let AbError::BuildStopped { reason } = diagnose(&lines(text)) else { panic!("not in the code") };
        assert_eq!(reason, "no matching package named `y` found");
    }
}
