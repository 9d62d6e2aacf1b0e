//! The plan of a run: what qemu.toml says, and the command line over it.

use std::fs;
use std::path::Path;

use perf_kernel::plan::{self, Plan, PlanError, Preset};

use super::arguments::BootOptions;
use super::failure::CommandError;
use crate::performance::plan_text;

/// `base` with what the command line asks for, checked as the kernel will check it.
pub(super) fn plan(base: &Plan, options: &BootOptions) -> anyhow::Result<Plan> {
    let mut plan = match options.plan.as_deref() {
        None => base.clone(),
        Some("quick") => Plan::of(Preset::Quick),
        Some("standard") => Plan::of(Preset::Standard),
        Some("full") => Plan::of(Preset::Full),
        Some(file) => read(Path::new(file))?,
    };
    if !options.filter.is_empty() {
        plan.filter.clone_from(&options.filter);
    }
    plan.scales = options.scales.map_or(plan.scales, Into::into);
    plan.seed = options.seed.unwrap_or(plan.seed);
    plan.raw_samples |= options.raw;
    check(&plan)?;
    Ok(plan)
}

fn read(path: &Path) -> anyhow::Result<Plan> {
    let text = fs::read(path).map_err(|error| {
        let reason =
            format!("{error}; --plan takes quick, standard, full, or a file with the keys of plan.toml");
        CommandError::File { what: format!("read the plan {}", path.display()), reason }
    })?;
    plan::parse(&text).map_err(|error| match error {
        PlanError::Syntax(reason) | PlanError::Value(reason) => {
            CommandError::File { what: format!("read the plan {}", path.display()), reason }.into()
        }
        PlanError::Selection(error) => selection(error),
        other => anyhow::Error::new(other),
    })
}

/// The kernel reads the same text by the same function, so that it cannot refuse what passes here.
fn check(plan: &Plan) -> anyhow::Result<()> {
    let text = plan_text(plan)?;
    plan::pad(&text)?;
    plan::parse(text.as_bytes()).map(drop).map_err(|error| match error {
        PlanError::Selection(error) => selection(error),
        other => anyhow::Error::new(other).context("check the plan"),
    })
}

fn selection(error: perf_kernel::suites::SelectionError) -> anyhow::Error {
    anyhow::Error::new(error).context("select benches")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmd::failure::{exit_code, sentence};
    use perf_kernel::plan::ScaleChoice;

    fn options() -> BootOptions {
        BootOptions {
            boots: None,
            plan: None,
            filter: Vec::new(),
            scales: None,
            seed: None,
            raw: false,
            revision: None,
            aside: false,
            html: None,
        }
    }

    #[test]
    fn the_command_line_lies_over_the_file() {
        let base = Plan { samples_max: 77, filter: vec!["env/".into()], ..Plan::standard() };
        let options = BootOptions {
            filter: vec!["memory/alloc-small".into()],
            scales: Some(crate::cmd::arguments::Scales::All),
            seed: Some(9),
            raw: true,
            ..options()
        };
        let plan = plan(&base, &options).expect("it is right");
        assert_eq!((plan.samples_max, plan.seed, plan.raw_samples), (77, 9, true));
        assert_eq!((plan.filter, plan.scales), (options.filter, ScaleChoice::All));
    }

    #[test]
    fn a_preset_replaces_the_file() {
        let base = Plan { samples_max: 77, ..Plan::quick() };
        let plan = plan(&base, &BootOptions { plan: Some("full".into()), ..options() });
        assert_eq!(plan.expect("it is right"), Plan::full());
    }

    #[test]
    fn a_plan_file_is_read_and_its_errors_are_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("p.toml");
        let of = |text: &str| {
            fs::write(&path, text).expect("room");
            let chosen = Some(path.display().to_string());
            plan(&Plan::quick(), &BootOptions { plan: chosen, ..options() })
        };
        assert_eq!(of("seed = 4").expect("it is right").seed, 4);
        for (text, part) in [
            ("sample_max = 3", "unknown field `sample_max`"),
            ("samples_max = 1", "samples_max is 1; it must be 10 to 1000000"),
            ("filter = [\"nope/\"]", "no bench id begins with \"nope/\""),
        ] {
            let error = of(text).expect_err("it is wrong");
            assert!(sentence(&error).contains(part), "{}", sentence(&error));
            assert_eq!(exit_code(&error), crate::exit_code::CONFIGURATION);
        }
    }

    #[test]
    fn a_word_that_is_neither_preset_nor_file_is_explained() {
        let error = plan(&Plan::quick(), &BootOptions { plan: Some("fast".into()), ..options() });
        let error = sentence(&error.expect_err("no such file"));
        assert!(
            error.starts_with("failed to read the plan fast: ") && error.contains("standard, full"),
            "{error}"
        );
    }
}
