//! From text to profiles.

use std::collections::BTreeMap;
use std::ops::{Range, RangeInclusive};
use std::path::Path;
use std::time::Duration;

use perf_kernel::plan::{Plan, PlanError};
use perf_kernel::units::Bytes;
use toml::Spanned;

use super::keys::{File, Keys, PlanKeys};
use super::{Config, ConfigError, Profile};

/// The profile that all others inherit from unless they say otherwise.
const DEFAULT: &str = "default";

/// Reads and checks the file at `path`.
///
/// # Errors
/// See [`ConfigError`]; every wrong key is named with its line.
pub fn load(path: &Path) -> Result<Config, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => ConfigError::Missing { path: path.to_owned() },
        _ => ConfigError::Io { path: path.to_owned(), error },
    })?;
    parse(path, &text)
}

/// Checks `text` as the contents of `path`, which error messages name.
///
/// # Errors
/// As [`load`].
pub fn parse(path: &Path, text: &str) -> Result<Config, ConfigError> {
    let reader = Reader { path, text };
    let file: File = toml::from_str(text).map_err(|error| {
        let message = format!("{}; correct or remove it", error.message().replace('\n', " "));
        reader.error(error.span(), message)
    })?;
    let mut profiles = BTreeMap::new();
    for name in file.profile.keys() {
        let keys = reader.inherited(&file, name)?;
        profiles.insert(name.clone(), reader.profile(&file, name, keys)?);
    }
    Ok(Config { path: path.to_owned(), profiles })
}

/// The text being read, for messages.
struct Reader<'a> {
    path: &'a Path,
    text: &'a str,
}

impl Reader<'_> {
    /// The keys of profile `name` with everything that it inherits.
    fn inherited(&self, file: &File, name: &str) -> Result<Keys, ConfigError> {
        let mut keys = Keys::default();
        let mut seen = Vec::new();
        let mut next = Some((name.to_owned(), None));
        while let Some((name, place)) = next {
            let Some(profile) = file.profile.get(&name) else {
                // Without a [profile.default] a profile stands alone.
                let Some(place) = place else { break };
                let known = file.profile.keys().cloned().collect::<Vec<_>>().join(", ");
                return Err(
                    self.error(place, format!("no profile \"{name}\" to inherit from; there are {known}"))
                );
            };
            if seen.contains(&name) {
                let message =
                    format!("profile \"{name}\" inherits from itself; end the chain at \"{DEFAULT}\"");
                return Err(self.error(Some(profile.span()), message));
            }
            let own = profile.as_ref();
            next = match &own.inherits {
                Some(base) => Some((base.as_ref().clone(), Some(Some(base.span())))),
                None => (name != DEFAULT).then(|| (DEFAULT.to_owned(), None)),
            };
            keys = keys.or(own);
            seen.push(name);
        }
        Ok(keys)
    }

    /// The finished profile.
    fn profile(&self, file: &File, name: &str, keys: Keys) -> Result<Profile, ConfigError> {
        let missing =
            |key| ConfigError::Incomplete { path: self.path.to_owned(), profile: name.to_owned(), key };
        let memory = self.in_range("memory_mib", keys.memory_mib, 64..=1 << 20)?;
        let smp = self.in_range("smp", keys.smp, 1..=255)?;
        let silence = self.in_range("silence_s_max", keys.silence_s_max, 1..=86_400)?;
        let boot = self.in_range("boot_s_max", keys.boot_s_max, 1..=7 * 86_400)?;
        let plan = self.plan(file, keys.plan.as_ref())?;
        if let (Some(bench), Some(silence)) = (plan.bench_s_max, silence)
            && u64::from(bench) >= silence
        {
            let message =
                format!("plan: bench_s_max is {bench}; it must be less than silence_s_max, {silence}");
            return Err(self.error(keys.plan.as_ref().map(Spanned::span), message));
        }
        Ok(Profile {
            name: name.to_owned(),
            firmware: keys.firmware.ok_or_else(|| missing("firmware"))?,
            machine: keys.machine.ok_or_else(|| missing("machine"))?,
            cpu: keys.cpu.ok_or_else(|| missing("cpu"))?,
            memory: Bytes::from_mebibytes(memory.ok_or_else(|| missing("memory_mib"))?),
            smp: smp.ok_or_else(|| missing("smp"))?,
            accelerator: keys.accelerator.ok_or_else(|| missing("accelerator"))?,
            has_serial: keys.serial.ok_or_else(|| missing("serial"))?,
            silence_max: Duration::from_secs(silence.ok_or_else(|| missing("silence_s_max"))?),
            boot_max: Duration::from_secs(boot.ok_or_else(|| missing("boot_s_max"))?),
            plan,
        })
    }

    /// The file's plan with the profile's own keys over it.
    fn plan(&self, file: &File, own: Option<&Spanned<PlanKeys>>) -> Result<Plan, ConfigError> {
        let mut table = file.plan.as_ref().map(|plan| plan.as_ref().clone()).unwrap_or_default();
        if let Some(own) = own {
            own.as_ref().lay_over(&mut table);
        }
        let place = own.map(Spanned::span).or_else(|| file.plan.as_ref().map(Spanned::span));
        perf_kernel::plan::parse(table.to_string().as_bytes()).map_err(|error| {
            let reason = match error {
                PlanError::Syntax(reason) | PlanError::Value(reason) => reason,
                PlanError::Selection(reason) => reason.to_string(),
                other @ (PlanError::NotText | PlanError::TooLong(_)) => other.to_string(),
            };
            self.error(place, format!("plan: {reason}"))
        })
    }

    fn in_range<T: Copy + PartialOrd + std::fmt::Display>(
        &self,
        key: &str,
        value: Option<Spanned<T>>,
        range: RangeInclusive<T>,
    ) -> Result<Option<T>, ConfigError> {
        let Some(value) = value else { return Ok(None) };
        if range.contains(value.as_ref()) {
            return Ok(Some(*value.as_ref()));
        }
        let message = format!("{key} is {}; it must be {} to {}", value.as_ref(), range.start(), range.end());
        Err(self.error(Some(value.span()), message))
    }

    /// `message` with the line where `place` begins.
    fn error(&self, place: Option<Range<usize>>, message: String) -> ConfigError {
        let start = place.map_or(0, |place| place.start);
        let line = self.text.bytes().take(start).filter(|byte| *byte == b'\n').count() + 1;
        ConfigError::Key { path: self.path.to_owned(), line, message }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{AcceleratorChoice, Firmware};
    use perf_kernel::plan::{Preset, ScaleChoice};

    const BASE: &str = "[profile.default]\nfirmware = \"bios\"\nmachine = \"q35\"\ncpu = \"max\"\nmemory_mib = 512\n\
        smp = 1\naccelerator = \"auto\"\nserial = true\nsilence_s_max = 60\nboot_s_max = 900\n";

    fn read(more: &str) -> Result<Config, ConfigError> {
        parse(Path::new("qemu.toml"), &format!("{BASE}{more}"))
    }

    fn message(more: &str) -> String {
        read(more).expect_err("the text is wrong").to_string()
    }

    #[test]
    fn the_file_of_this_project_has_the_promised_profiles() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../qemu.toml");
        let config = load(&path).expect("it is right");
        for name in ["default", "bios", "uefi", "smp4", "icount", "kvm", "no-uart"] {
            let profile = config.profile(name).expect("it is there");
            assert_eq!(profile.plan.preset, Preset::Quick);
        }
        assert_eq!(config.profile("uefi").map(|profile| profile.firmware).ok(), Some(Firmware::Uefi));
        assert_eq!(
            config.profile("icount").map(|profile| profile.accelerator).ok(),
            Some(AcceleratorChoice::Icount)
        );
        assert_eq!(config.profile("no-uart").map(|profile| profile.has_serial).ok(), Some(false));
    }

    #[test]
    fn a_profile_inherits_what_it_does_not_say() {
        let config = read(
            "[profile.small]\nmemory_mib = 256\n[profile.many]\ninherits = \"small\"\nsmp = 4\nplan = \"full\"\n",
        )
        .expect("it is right");
        let many = config.profile("many").expect("it is there");
        assert_eq!((many.memory, many.smp, many.cpu.as_str()), (Bytes::from_mebibytes(256), 4, "max"));
        assert_eq!(many.plan, Plan::full());
    }

    #[test]
    fn plan_keys_lie_over_those_of_the_file() {
        let config = read(
            "plan = { samples_max = 50 }\n[profile.x]\nplan = { seed = 9 }\n[plan]\nscales = \"all\"\nseed = 3\n",
        )
        .expect("it is right");
        let default = &config.profile("default").expect("it is there").plan;
        assert_eq!((default.samples_max, default.seed, default.scales), (50, 3, ScaleChoice::All));
        let x = &config.profile("x").expect("it is there").plan;
        assert_eq!((x.samples_max, x.seed), (Plan::quick().samples_max, 9));
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line() {
        let text = message("[profile.x]\ncpus = 4\n");
        assert!(text.starts_with("read qemu.toml, line 12: unknown field `cpus`, expected one of"), "{text}");
        let text = message("[extra]\n");
        assert!(text.starts_with("read qemu.toml, line 11: unknown field `extra`"), "{text}");
    }

    #[test]
    fn a_wrong_type_is_named_with_its_line() {
        let text = message("[profile.x]\nsmp = \"four\"\n");
        assert!(
            text.starts_with("read qemu.toml, line 12: invalid type: string \"four\", expected u32"),
            "{text}"
        );
        let text = message("[profile.x]\nfirmware = \"efi\"\n");
        assert!(text.contains("line 12: unknown variant `efi`, expected `bios` or `uefi`"), "{text}");
        let text = message("[profile.x]\nplan = 3\n");
        assert!(text.contains("line 12: expected the name of a preset"), "{text}");
    }

    #[test]
    fn a_value_out_of_range_is_named_with_its_line() {
        let text = message("[profile.x]\nmemory_mib = 1\n");
        assert_eq!(text, "read qemu.toml, line 12: memory_mib is 1; it must be 64 to 1048576");
    }

    #[test]
    fn a_wrong_plan_is_named_with_its_line() {
        let text = message("[profile.x]\nplan = { sample_max = 4 }\n");
        assert!(text.starts_with("read qemu.toml, line 12: plan: "), "{text}");
        assert!(text.contains("sample_max"), "{text}");
        let text = message("[plan]\nfilter = [\"nope/\"]\n");
        assert!(text.contains("no bench id begins with \"nope/\""), "{text}");
    }

    #[test]
    fn a_deadline_of_benches_that_comes_after_the_hosts_is_refused() {
        let text = message("[profile.x]\nplan = { bench_s_max = 60 }\n");
        let expected = "plan: bench_s_max is 60; it must be less than silence_s_max, 60";
        assert_eq!(text, format!("read qemu.toml, line 12: {expected}"));
        assert!(read("[profile.x]\nplan = { bench_s_max = 59 }\n").is_ok());
    }

    #[test]
    fn inheriting_from_nothing_or_oneself_is_refused() {
        assert_eq!(
            message("[profile.x]\ninherits = \"y\"\n"),
            "read qemu.toml, line 12: no profile \"y\" to inherit from; there are default, x"
        );
        let text = message("[profile.x]\ninherits = \"y\"\n[profile.y]\ninherits = \"x\"\n");
        assert!(text.contains("inherits from itself"), "{text}");
    }

    #[test]
    fn a_missing_key_is_named() {
        let error = parse(Path::new("q.toml"), "[profile.x]\nfirmware = \"bios\"\n").expect_err("no machine");
        assert_eq!(
            error.to_string(),
            "read q.toml: profile \"x\" has no \"machine\"; set it there or in [profile.default]"
        );
    }

    #[test]
    fn an_unknown_profile_lists_the_known_ones() {
        let config = read("[profile.x]\n").expect("it is right");
        let error = config.profile("y").expect_err("there is none").to_string();
        assert_eq!(error, "find profile \"y\" in qemu.toml: it has default, x");
    }

    #[test]
    fn a_file_that_is_not_there_says_what_to_do() {
        let error = load(Path::new("/nonexistent/qemu.toml")).expect_err("it is not there").to_string();
        assert!(error.contains("not found; start in the project's folder"), "{error}");
    }
}
