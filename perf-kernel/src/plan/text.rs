//! A plan as the text of plan.toml, which is the ramdisk of the image.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::Deserialize;

use super::{Baud, ColdChoice, Plan, Preset, ScaleChoice, UartChoice};
use crate::suites::{SelectionError, select};

/// The size of the plan file in an image: shorter plans are padded with line feeds, so that another plan of any
/// length can take its place without moving a block.
pub const PLAN_FILE_BYTES: usize = 16 * 1024;

/// Why a plan cannot be run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// The file is not text.
    #[error("read plan.toml: it is not UTF-8 text")]
    NotText,
    /// The text is not a plan; the message names line, column and key.
    #[error("read plan.toml: {0}")]
    Syntax(String),
    /// A field has a value that cannot be run.
    #[error("read plan.toml: {0}")]
    Value(String),
    /// A filter selects nothing.
    #[error("read plan.toml: {0}")]
    Selection(#[from] SelectionError),
    /// The plan does not fit the image.
    #[error("write plan.toml: it has {0} bytes and the image holds {PLAN_FILE_BYTES}")]
    TooLong(usize),
}

/// Reads the plan in `file`. Every field is optional: what is missing comes from `preset`, and an empty file is the
/// preset `quick`.
///
/// # Errors
/// Refuses anything but text, unknown keys, wrong types, values out of range and filters that select nothing.
pub fn parse(file: &[u8]) -> Result<Plan, PlanError> {
    let text = core::str::from_utf8(trim(file)).map_err(|_| PlanError::NotText)?;
    let overrides: Overrides =
        toml::from_str(text).map_err(|error| PlanError::Syntax(on_one_line(&error)))?;
    let plan = overrides.onto_preset();
    check(&plan)?;
    select(&plan)?;
    Ok(plan)
}

/// The bytes of `file` without the padding at its end.
#[must_use]
pub fn trim(file: &[u8]) -> &[u8] {
    let padding = |byte: &u8| matches!(*byte, 0 | b'\n' | b'\r' | b' ');
    let length = file.iter().rposition(|byte| !padding(byte)).map_or(0, |last| last + 1);
    &file[..length]
}

/// `text` as the plan file of an image.
///
/// # Errors
/// Refuses text longer than [`PLAN_FILE_BYTES`].
pub fn pad(text: &str) -> Result<Vec<u8>, PlanError> {
    let mut file = Vec::from(text.as_bytes());
    if file.len() > PLAN_FILE_BYTES {
        return Err(PlanError::TooLong(file.len()));
    }
    file.resize(PLAN_FILE_BYTES, b'\n');
    Ok(file)
}

/// The keys of plan.toml.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Overrides {
    preset: Preset,
    filter: Option<Vec<String>>,
    scales: Option<ScaleChoice>,
    seed: Option<u64>,
    nonce: Option<String>,
    warm_up_ms_max: Option<u64>,
    sampling_ms_max: Option<u64>,
    samples_max: Option<u32>,
    exact_warm_up_instructions_max: Option<u64>,
    exact_sampling_instructions_max: Option<u64>,
    exact_samples_max: Option<u32>,
    rounds: Option<u16>,
    bench_ms_max: Option<u64>,
    bench_s_max: Option<u32>,
    raw_samples: Option<bool>,
    cold: Option<ColdChoice>,
    scratch_disks: Option<Vec<String>>,
    uart: Option<UartChoice>,
    baud: Option<Baud>,
    exit_port: Option<u16>,
    linger_ms: Option<u64>,
    resets_max: Option<u16>,
}

impl Overrides {
    fn onto_preset(self) -> Plan {
        let preset = Plan::of(self.preset);
        Plan {
            preset: self.preset,
            filter: self.filter.unwrap_or(preset.filter),
            scales: self.scales.unwrap_or(preset.scales),
            seed: self.seed.unwrap_or(preset.seed),
            nonce: self.nonce.unwrap_or(preset.nonce),
            warm_up_ms_max: self.warm_up_ms_max.unwrap_or(preset.warm_up_ms_max),
            sampling_ms_max: self.sampling_ms_max.unwrap_or(preset.sampling_ms_max),
            samples_max: self.samples_max.unwrap_or(preset.samples_max),
            exact_warm_up_instructions_max: self
                .exact_warm_up_instructions_max
                .unwrap_or(preset.exact_warm_up_instructions_max),
            exact_sampling_instructions_max: self
                .exact_sampling_instructions_max
                .unwrap_or(preset.exact_sampling_instructions_max),
            exact_samples_max: self.exact_samples_max.unwrap_or(preset.exact_samples_max),
            rounds: self.rounds.or(preset.rounds),
            bench_ms_max: self.bench_ms_max.unwrap_or(preset.bench_ms_max),
            bench_s_max: self.bench_s_max.or(preset.bench_s_max),
            raw_samples: self.raw_samples.unwrap_or(preset.raw_samples),
            cold: self.cold.unwrap_or(preset.cold),
            scratch_disks: self.scratch_disks.unwrap_or(preset.scratch_disks),
            uart: self.uart.unwrap_or(preset.uart),
            baud: self.baud.unwrap_or(preset.baud),
            exit_port: self.exit_port.or(preset.exit_port),
            linger_ms: self.linger_ms.unwrap_or(preset.linger_ms),
            resets_max: self.resets_max.unwrap_or(preset.resets_max),
        }
    }
}

fn check(plan: &Plan) -> Result<(), PlanError> {
    let in_range = |name: &str, value: u64, low: u64, high: u64| {
        let is_in_range = (low..=high).contains(&value);
        let error = || PlanError::Value(alloc::format!("{name} is {value}; it must be {low} to {high}"));
        is_in_range.then_some(()).ok_or_else(error)
    };
    let baud = u64::from(plan.baud.0);
    in_range("samples_max", u64::from(plan.samples_max), 10, 1_000_000)?;
    in_range("exact_samples_max", u64::from(plan.exact_samples_max), 10, 1_000_000)?;
    in_range("rounds", plan.rounds.map_or(1, u64::from), 1, 1_000)?;
    in_range("warm_up_ms_max", plan.warm_up_ms_max, 0, 3_600_000)?;
    in_range("sampling_ms_max", plan.sampling_ms_max, 1, 3_600_000)?;
    in_range("bench_ms_max", plan.bench_ms_max, 1, 86_400_000)?;
    in_range("bench_s_max", plan.bench_s_max.map_or(1, u64::from), 1, 86_400)?;
    in_range("linger_ms", plan.linger_ms, 0, 3_600_000)?;
    in_range("baud", baud, 300, 4_000_000)?;
    in_range("resets_max", u64::from(plan.resets_max), 0, 100)?;
    if plan.scratch_disks.iter().any(|serial| serial.trim().is_empty()) {
        return Err(PlanError::Value("scratch_disks has a blank serial number".to_string()));
    }
    in_range("nonce length", plan.nonce.len() as u64, 0, 64)
}

/// The message of a TOML error without its picture of the line.
fn on_one_line(error: &toml::de::Error) -> String {
    error.to_string().trim_end().replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Nanoseconds;

    #[test]
    fn an_empty_file_is_the_quick_plan() {
        assert_eq!(parse(b""), Ok(Plan::quick()));
        assert_eq!(parse(&pad("").expect("it is short")), Ok(Plan::quick()));
    }

    #[test]
    fn fields_override_the_preset() {
        let plan =
            parse(b"preset = \"full\"\nfilter = [\"memory/\"]\nuart = { port = 760 }\n").expect("a plan");
        assert_eq!(plan.scales, ScaleChoice::All);
        assert_eq!(plan.uart, UartChoice::Port(0x2f8));
    }

    #[test]
    fn a_written_plan_reads_back() {
        let plan = Plan { exit_port: Some(0xf4), nonce: "n-1".to_string(), ..Plan::standard() };
        let text = toml::to_string(&plan).expect("a plan is TOML");
        assert!(!text.contains("rounds"), "kernels that do not know the key take the plan too");
        assert_eq!(parse(&pad(&text).expect("it is short")), Ok(plan.clone()));
        let plan = Plan { rounds: Some(7), ..plan };
        let text = toml::to_string(&plan).expect("a plan is TOML");
        assert_eq!(parse(text.as_bytes()), Ok(plan));
    }

    #[test]
    fn resets_are_written_down_only_where_they_are_not_the_usual_ones() {
        for resets_max in [0, 7] {
            let plan = Plan { resets_max, ..Plan::quick() };
            let text = toml::to_string(&plan).expect("a plan is TOML");
            assert_eq!(parse(text.as_bytes()), Ok(plan));
        }
        let text = toml::to_string(&Plan::quick()).expect("a plan is TOML");
        assert!(!text.contains("resets_max"), "kernels that do not know the key take the plan too");
        assert!(matches!(parse(b"resets_max = 101\n"), Err(PlanError::Value(_))));
    }

    #[test]
    fn unknown_keys_are_named() {
        let error = parse(b"sample_max = 3\n").expect_err("the key is wrong").to_string();
        assert!(error.contains("sample_max"), "{error}");
        assert!(!error.contains('\n'));
    }

    #[test]
    fn values_out_of_range_are_named() {
        let error = parse(b"samples_max = 1\n").expect_err("too few").to_string();
        assert!(error.contains("samples_max is 1; it must be 10 to 1000000"), "{error}");
    }

    #[test]
    fn filters_that_select_nothing_are_refused() {
        assert!(matches!(parse(b"filter = [\"nope/\"]"), Err(PlanError::Selection(_))));
    }

    #[test]
    fn scratch_disks_are_named_one_by_one() {
        let plan = parse(b"scratch_disks = [\"S-1\", \"S-2\"]\n").expect("a plan");
        assert_eq!(plan.scratch_disks, ["S-1", "S-2"]);
        let text = toml::to_string(&plan).expect("a plan is TOML");
        assert_eq!(parse(text.as_bytes()), Ok(plan));
        let text = toml::to_string(&Plan::quick()).expect("a plan is TOML");
        assert!(!text.contains("scratch_disks"), "kernels that do not know the key take the plan too");
        assert!(matches!(parse(b"scratch_disks = [\" \"]\n"), Err(PlanError::Value(_))));
    }

    #[test]
    fn cold_figures_are_asked_for_refused_or_left_to_the_machine() {
        for (text, choice) in [
            ("cold = true\n", ColdChoice::Always),
            ("cold = false\n", ColdChoice::Never),
            ("cold = \"auto\"\n", ColdChoice::Auto),
        ] {
            let plan = parse(text.as_bytes()).expect("a plan");
            assert_eq!(plan.cold, choice);
            let written = toml::to_string(&plan).expect("a plan is TOML");
            assert_eq!(
                written.contains("cold"),
                choice != ColdChoice::Auto,
                "older kernels take the plan too"
            );
            assert_eq!(parse(written.as_bytes()), Ok(plan));
        }
        let error = parse(b"cold = \"very\"\n").expect_err("no such choice").to_string();
        assert!(error.contains("cold must be true, false or \"auto\""), "{error}");
    }

    #[test]
    fn the_deadline_of_a_bench_is_the_kernels_unless_it_is_given() {
        let text = toml::to_string(&Plan::quick()).expect("a plan is TOML");
        assert!(!text.contains("bench_s_max"), "kernels that do not know the key take the plan too");
        let plan = parse(b"bench_s_max = 7\n").expect("a plan");
        assert_eq!(plan.bench_time_max(), Nanoseconds::from_milliseconds(7_000));
        let text = toml::to_string(&plan).expect("a plan is TOML");
        assert_eq!(parse(text.as_bytes()), Ok(plan));
        for wrong in ["bench_s_max = 0", "bench_s_max = 86401"] {
            assert!(matches!(parse(wrong.as_bytes()), Err(PlanError::Value(_))), "{wrong}");
        }
    }

    #[test]
    fn binary_files_are_refused() {
        assert_eq!(parse(&[0xff, 0xfe, 1]), Err(PlanError::NotText));
    }
}
