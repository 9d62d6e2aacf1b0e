//! The manifests of the workspace that links two builds, made from those of the candidate and the base.

use toml::{Table, Value};

/// Sections that only a package's own tests and tools need.
const NOT_LINKED: [&str; 5] = ["dev-dependencies", "test", "bench", "example", "build-dependencies"];

/// A package beside another, under the name by which the other's code calls it.
pub(super) struct Dependency {
    /// The name in the code that uses it, with `-`.
    pub(super) name: &'static str,
    /// The package.
    pub(super) package: &'static str,
    /// Its folder, seen from the package that uses it.
    pub(super) path: &'static str,
}

impl Dependency {
    fn value(&self) -> Value {
        let pair = |key: &str, value: &str| (key.to_owned(), Value::from(value));
        Value::Table([pair("package", self.package), pair("path", self.path)].into_iter().collect())
    }
}

/// The root of a workspace with only `members`; all else, profiles and versions above all, is that of `root`.
pub(super) fn workspace(root: &Table, members: &[&str]) -> Table {
    let mut root = root.clone();
    if let Some(workspace) = table(&mut root, "workspace") {
        workspace.remove("exclude");
        workspace.insert("members".to_owned(), members.to_vec().into());
        if let Some(dependencies) = table(workspace, "dependencies") {
            // Members name each other by paths of their own.
            dependencies.retain(|_, dependency| dependency.get("path").is_none());
        }
    }
    root
}

/// The library `package` under the name `name`, with its sources in `folder`. What it calls like one of `replaced` is
/// that package.
pub(super) fn library(package: &Table, name: &str, folder: &str, replaced: &[Dependency]) -> Table {
    let mut package = linked(package, replaced);
    rename(&mut package, name);
    let library = package.entry("lib").or_insert_with(|| Value::Table(Table::new()));
    if let Value::Table(library) = library {
        let path = library.get("path").and_then(Value::as_str).unwrap_or("src/lib.rs").to_owned();
        library.insert("path".to_owned(), format!("{folder}/{path}").into());
        // The name in the code that uses it is the user's choice.
        library.remove("name");
    }
    // Build scripts may speak of a program by its name, so that it must be known, though it is never built from here.
    for program in programs(&mut package) {
        if let Some(path) = program.get("path").and_then(Value::as_str) {
            let path = format!("{folder}/{path}");
            program.insert("path".to_owned(), path.into());
        }
    }
    package
}

/// `package` under the name `name`, where it lies.
pub(super) fn renamed(package: &Table, name: &str) -> Table {
    let mut package = linked(package, &[]);
    rename(&mut package, name);
    package
}

/// The programs of `package` as a package without a library, which is `library` instead; the features of the programs
/// are those of that library too.
pub(super) fn programs_with(package: &Table, library: &Dependency, others: &[Dependency]) -> Table {
    let mut package = linked(package, others);
    package.remove("lib");
    if let Some(dependencies) = table(&mut package, "dependencies") {
        dependencies.insert(library.name.to_owned(), library.value());
    }
    if let Some(features) = table(&mut package, "features") {
        for (feature, enables) in features.iter_mut() {
            if let Value::Array(enables) = enables {
                enables.push(format!("{}/{feature}", library.name).into());
            }
        }
    }
    package
}

/// `package` with `dependencies` over its own, and without what is not linked.
fn linked(package: &Table, dependencies: &[Dependency]) -> Table {
    let mut package = package.clone();
    package.retain(|section, _| !NOT_LINKED.contains(&section));
    let own = package.entry("dependencies").or_insert_with(|| Value::Table(Table::new()));
    if let Value::Table(own) = own {
        own.extend(dependencies.iter().map(|dependency| (dependency.name.to_owned(), dependency.value())));
    }
    package
}

fn rename(package: &mut Table, name: &str) {
    if let Some(head) = table(package, "package") {
        head.insert("name".to_owned(), name.into());
    }
}

fn programs(package: &mut Table) -> impl Iterator<Item = &mut Table> {
    package.get_mut("bin").and_then(Value::as_array_mut).into_iter().flatten().filter_map(Value::as_table_mut)
}

fn table<'a>(parent: &'a mut Table, key: &str) -> Option<&'a mut Table> {
    parent.get_mut(key)?.as_table_mut()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CORE: Dependency = Dependency { name: "core", package: "core-base", path: "../base/core" };

    fn read(text: &str) -> Table {
        text.parse().expect("it is TOML")
    }

    #[test]
    fn a_workspace_keeps_versions_and_profiles() {
        let root = read(
            "[workspace]\nmembers = [\"a\", \"b\"]\nexclude = [\"c\"]\n[workspace.dependencies]\na = { path = \"a\" }\n\
             sha2 = \"1\"\n[profile.kernel]\nlto = \"fat\"\n",
        );
        let expected = read(
            "[workspace]\nmembers = [\"x\"]\n[workspace.dependencies]\nsha2 = \"1\"\n[profile.kernel]\nlto = \"fat\"\n",
        );
        assert_eq!(workspace(&root, &["x"]), expected);
    }

    #[test]
    fn a_library_gets_another_name_and_other_subsystems() {
        let package = read(
            "[package]\nname = \"suites\"\n[[bin]]\nname = \"k\"\npath = \"src/bin/k.rs\"\n[dependencies]\n\
             core.workspace = true\nspin = \"1\"\n[dev-dependencies]\nproptest = \"1\"\n",
        );
        let expected = read(
            "[package]\nname = \"suites-base\"\n[lib]\npath = \"/there/src/lib.rs\"\n[[bin]]\nname = \"k\"\n\
             path = \"/there/src/bin/k.rs\"\n[dependencies]\ncore = { package = \"core-base\", path = \"../base/core\" }\n\
             spin = \"1\"\n",
        );
        assert_eq!(library(&package, "suites-base", "/there", &[CORE]), expected);
    }

    #[test]
    fn programs_pass_their_features_on_to_the_library() {
        let package = read(
            "[package]\nname = \"suites\"\n[features]\nkernel = [\"dep:x\"]\n[dependencies]\nx = \"1\"\n[lib]\ntest = true\n",
        );
        let library = Dependency { name: "suites", package: "suites-candidate", path: "../suites-candidate" };
        let expected = read(
            "[package]\nname = \"suites\"\n[features]\nkernel = [\"dep:x\", \"suites/kernel\"]\n[dependencies]\nx = \"1\"\n\
             core = { package = \"core-base\", path = \"../base/core\" }\n\
             suites = { package = \"suites-candidate\", path = \"../suites-candidate\" }\n",
        );
        assert_eq!(programs_with(&package, &library, &[CORE]), expected);
    }
}
