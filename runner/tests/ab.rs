//! The workspace that links two builds, made from a small project under git.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::SystemTime;

use runner::ab::{AbError, Workspace, prepare};
use tempfile::TempDir;

/// A project of the same shape as this one, with two commits of its subsystems.
struct Project(TempDir);

impl Project {
    fn new() -> Self {
        let project = Self(tempfile::tempdir().expect("a folder"));
        let files = [
            (
                "Cargo.toml",
                "[workspace]\nmembers = [\"multios-core\", \"perf-kernel\"]\n[profile.hosted]\nlto = \"fat\"\n",
            ),
            ("Cargo.lock", "version = 4\n[[package]]\nname = \"multios-core\"\nversion = \"0.1.0\"\n"),
            ("multios-core/Cargo.toml", "[package]\nname = \"multios-core\"\nversion = \"0.1.0\"\n"),
            ("multios-core/src/lib.rs", "// first\n"),
            (
                "perf-kernel/Cargo.toml",
                "[package]\nname = \"perf-kernel\"\n[features]\nhosted = []\n[dependencies]\nmultios-core.workspace = true\n",
            ),
            ("perf-kernel/build.rs", "fn main() {}\n"),
            ("perf-kernel/x86_64-multios.json", "{}\n"),
            ("perf-kernel/src/bin/perf-hosted.rs", "mod subjects;\n"),
            ("perf-kernel/src/ab/hosted.rs", "// two\n"),
        ];
        for (path, text) in files {
            project.write(path, text);
        }
        project.git(&["init", "--quiet"]);
        project.commit("first");
        project.write("multios-core/src/lib.rs", "// second\n");
        project.commit("second");
        project
    }

    /// This project itself, as one commit.
    fn ours() -> Self {
        let project = Self(tempfile::tempdir().expect("a folder"));
        let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut copy = Command::new("cp");
        copy.arg("-r")
            .args(["Cargo.toml", "Cargo.lock", "multios-core", "perf-kernel"].map(|it| ours.join(it)));
        assert!(copy.arg(project.root()).status().expect("it is there").success());
        project.git(&["init", "--quiet"]);
        project.commit("only");
        project
    }

    fn root(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().expect("it lies in the project")).expect("room");
        fs::write(path, text).expect("room");
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    fn git(&self, arguments: &[&str]) {
        let identity =
            ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main"];
        let output = Command::new("git").arg("-C").arg(self.root()).args(identity).args(arguments).output();
        let output = output.expect("git is there");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    fn commit(&self, tag: &str) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", tag]);
        self.git(&["tag", tag]);
    }

    fn prepare(&self, base: &str) -> Workspace {
        prepare(self.root(), base).unwrap_or_else(|error| panic!("{error}"))
    }

    fn refuse(&self, base: &str) -> AbError {
        prepare(self.root(), base).expect_err("it cannot be prepared")
    }

    fn time_of(&self, path: &str) -> SystemTime {
        fs::metadata(self.root().join(path)).and_then(|data| data.modified()).expect("it is there")
    }
}

const BASE_SOURCE: &str = "target/ab/base/multios-core/src/lib.rs";

#[test]
fn the_base_is_the_commit_and_the_candidate_the_working_tree() {
    let project = Project::new();
    project.write("multios-core/src/lib.rs", "// third, not committed\n");
    let workspace = project.prepare("first");
    assert!(workspace.sides.contains("(first)") && workspace.sides.ends_with(" with uncommitted changes"));
    assert_eq!(project.read(BASE_SOURCE), "// first\n");
    assert!(project.read("target/ab/base/multios-core/Cargo.toml").contains("name = \"multios-core-base\""));
    let root = project.root().canonicalize().expect("it is there");
    let candidate = project.read("target/ab/workspace/multios-core-candidate/Cargo.toml");
    assert!(candidate.contains(&root.join("multios-core/src/lib.rs").display().to_string()), "{candidate}");
    let suites = project.read("target/ab/workspace/perf-kernel-base/Cargo.toml");
    assert!(suites.contains("../../base/multios-core"), "{suites}");
    assert_eq!(project.read("target/ab/workspace/perf-kernel/src/subjects/hosted.rs"), "// two\n");
    assert!(project.read("target/ab/workspace/Cargo.toml").contains("lto = \"fat\""));
}

#[test]
fn a_base_can_be_the_candidate_itself() {
    let project = Project::new();
    let workspace = project.prepare("HEAD");
    assert!(!workspace.sides.contains("uncommitted"), "{}", workspace.sides);
    assert_eq!(project.read(BASE_SOURCE), "// second\n");
}

#[test]
fn preparing_again_changes_nothing_that_cargo_would_build_anew() {
    let project = Project::new();
    project.prepare("first");
    let paths = [BASE_SOURCE, "target/ab/workspace/Cargo.toml", "target/ab/workspace/perf-kernel/build.rs"];
    let before = paths.map(|path| project.time_of(path));
    project.prepare("first");
    assert_eq!(before, paths.map(|path| project.time_of(path)));
}

#[test]
fn another_base_is_newer_than_whatever_was_built_of_the_one_before() {
    let project = Project::new();
    project.prepare("second");
    let mark = project.root().join("mark");
    fs::write(&mark, "").expect("room");
    project.prepare("first");
    assert!(project.time_of(BASE_SOURCE) >= project.time_of("mark"), "not the time of the older commit");
}

#[test]
fn a_base_that_was_half_written_is_written_anew() {
    let project = Project::new();
    project.prepare("first");
    fs::remove_file(project.root().join("target/ab/base/commit")).expect("it is there");
    project.write(BASE_SOURCE, "// half");
    project.prepare("first");
    assert_eq!(project.read(BASE_SOURCE), "// first\n");
}

#[test]
fn what_is_no_base_is_refused_by_name() {
    let project = Project::new();
    assert!(
        matches!(project.refuse("nosuch"), AbError::UnknownRevision { revision } if revision == "nosuch")
    );
    assert!(matches!(project.refuse("--help"), AbError::UnknownRevision { .. }), "it is no option of git");
    project.git(&["rm", "--quiet", "-r", "--cached", "multios-core"]);
    project.git(&["commit", "--quiet", "--message", "none"]);
    assert!(matches!(project.refuse("HEAD"), AbError::Unusable { .. }));
    fs::remove_dir_all(project.root().join(".git")).expect("it is there");
    assert!(matches!(project.refuse("HEAD"), AbError::NotARepository { .. }));
}

#[test]
fn cargo_takes_the_workspace_with_both_builds_of_this_project() {
    let project = Project::ours();
    let workspace = project.prepare("only");
    let mut cargo = Command::new("cargo");
    cargo.args(["metadata", "--offline", "--format-version", "1", "--manifest-path"]);
    let output = cargo.arg(workspace.folder.join("Cargo.toml")).output().expect("cargo is there");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let nodes = found["resolve"]["nodes"].as_array().expect("what needs what");
    let needs = |package: &str| -> Vec<&str> {
        let is_it = |node: &&serde_json::Value| node["id"].as_str().is_some_and(|id| id.contains(package));
        let node = nodes.iter().find(is_it).unwrap_or_else(|| panic!("no {package}"));
        let packages = node["deps"].as_array().into_iter().flatten().filter_map(|it| it["pkg"].as_str());
        packages.filter(|package| package.contains("multios-core")).collect()
    };
    let (base, candidate) = (needs("/perf-kernel-base#"), needs("/perf-kernel-candidate#"));
    assert!(base.len() == 1 && base[0].contains("target/ab/base/multios-core"), "{base:?}");
    assert!(candidate.len() == 1 && candidate[0].contains("multios-core-candidate"), "{candidate:?}");
}
