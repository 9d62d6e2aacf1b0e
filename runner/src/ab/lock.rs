//! Libraries that the base was built with in another version. One program links one version of a library, so that both
//! sides are measured with the candidate's.

use std::collections::{BTreeMap, BTreeSet};

use toml::{Table, Value};

/// The package whose libraries count.
const CORE: &str = "multios-core";

/// One sentence for each library of the base's subsystems that the candidate has in other versions.
pub(super) fn differences(base: &str, candidate: &str) -> Vec<String> {
    let (base, candidate) = (libraries(base), libraries(candidate));
    let differs = |(name, versions): (&String, &BTreeSet<String>)| {
        let now = candidate.get(name).filter(|now| *now != versions)?;
        let list = |versions: &BTreeSet<String>| versions.iter().cloned().collect::<Vec<_>>().join(" and ");
        Some(format!(
            "{name} was {} at the base, and both sides are measured with {}",
            list(versions),
            list(now)
        ))
    };
    base.iter().filter_map(differs).collect()
}

/// The versions of each library that the subsystems need, directly or not. A lock file that cannot be read has none.
fn libraries(lock: &str) -> BTreeMap<String, BTreeSet<String>> {
    let lock: Table = lock.parse().unwrap_or_default();
    let packages = lock.get("package").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let field = |package: &Value, key: &str| package.get(key).and_then(Value::as_str).map(str::to_owned);
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut open = vec![CORE.to_owned()];
    while let Some(wanted) = open.pop() {
        // A dependency is `name`, or `name version` where there are several.
        let mut words = wanted.split(' ');
        let (name, version) = (words.next().unwrap_or_default(), words.next());
        for package in packages {
            let (Some(found_name), Some(found_version)) = (field(package, "name"), field(package, "version"))
            else {
                continue;
            };
            if found_name != name || version.is_some_and(|version| version != found_version) {
                continue;
            }
            if found.entry(found_name).or_default().insert(found_version) {
                let dependencies = package.get("dependencies").and_then(Value::as_array);
                open.extend(dependencies.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned));
            }
        }
    }
    found.remove(CORE);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock(digest: &str, digest_of_other: &str) -> String {
        format!(
            "version = 4\n[[package]]\nname = \"multios-core\"\nversion = \"0.1.0\"\ndependencies = [\"sha\"]\n\
             [[package]]\nname = \"sha\"\nversion = \"1.0.0\"\ndependencies = [\"digest {digest}\"]\n\
             [[package]]\nname = \"digest\"\nversion = \"{digest}\"\n\
             [[package]]\nname = \"digest\"\nversion = \"{digest_of_other}\"\n"
        )
    }

    #[test]
    fn a_library_below_a_library_counts() {
        let found = differences(&lock("0.1.0", "9.0.0"), &lock("0.1.1", "9.0.0"));
        assert_eq!(found, ["digest was 0.1.0 at the base, and both sides are measured with 0.1.1"]);
    }

    #[test]
    fn what_the_subsystems_do_not_need_does_not_count() {
        assert!(differences(&lock("0.1.0", "9.0.0"), &lock("0.1.0", "9.9.9")).is_empty());
        assert!(differences("not a lock file", &lock("0.1.0", "1.0.0")).is_empty());
    }
}
