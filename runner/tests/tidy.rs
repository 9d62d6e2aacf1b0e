//! The rules of the workspace that a program can check.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use perf_kernel::suites::{Bench, SUITES, Suite};

const LINES_MAX: usize = 500;

/// Folders and files in which `unsafe` may stand.
const UNSAFE_HOMES: [&str; 4] = [
    "perf-kernel/src/arch/",
    "perf-kernel/src/bin/perf-kernel.rs",
    "multios-core/src/memory/",
    "multios-core/src/sync/",
];

const TOP_LEVEL: [&str; 9] = [
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "Makefile",
    "README.md",
    "docs",
    "multios-core",
    "perf-kernel",
    "qemu.toml",
];

#[test]
fn the_top_level_holds_only_what_it_should() {
    let allowed: BTreeSet<&str> = TOP_LEVEL.into_iter().chain(["runner", "target"]).collect();
    let entries = fs::read_dir(root()).expect("the workspace can be read");
    let names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    let strays: Vec<&String> =
        names.iter().filter(|name| !name.starts_with('.') && !allowed.contains(name.as_str())).collect();
    assert!(strays.is_empty(), "not part of the fixed top level: {strays:?}");
}

#[test]
fn no_source_file_is_longer_than_a_reader_can_hold() {
    let long: Vec<String> = sources()
        .into_iter()
        .map(|(path, text)| (path, text.lines().count()))
        .filter(|(_, lines)| *lines > LINES_MAX)
        .map(|(path, lines)| format!("{path}: {lines} lines"))
        .collect();
    assert!(long.is_empty(), "split by idea:\n{}", long.join("\n"));
}

#[test]
fn module_roots_hold_no_logic() {
    let with_logic: Vec<String> = sources()
        .into_iter()
        .filter(|(path, _)| path.ends_with("/mod.rs") || path.ends_with("/lib.rs"))
        .filter(|(_, text)| text.lines().any(|line| code_of(line).trim_start().starts_with("impl ")))
        .map(|(path, _)| path)
        .collect();
    assert!(with_logic.is_empty(), "mod.rs and lib.rs hold docs, mod and pub use only: {with_logic:?}");
}

#[test]
fn unsafe_code_stands_only_in_its_homes() {
    let strays: Vec<String> = sources()
        .into_iter()
        .filter(|(path, _)| !UNSAFE_HOMES.iter().any(|home| path.starts_with(home)))
        .flat_map(|(path, text)| lines_with_unsafe(&path, &text))
        .collect();
    assert!(strays.is_empty(), "unsafe outside its homes:\n{}", strays.join("\n"));
}

#[test]
fn there_are_no_mutable_statics_and_no_ignored_tests() {
    let found: Vec<String> = sources()
        .into_iter()
        .filter(|(path, _)| path != "runner/tests/tidy.rs")
        .flat_map(|(path, text)| {
            let hits = text.lines().map(code_of).enumerate().filter(|(_, code)| {
                code.split("'static mut ").any(|part| part.contains("static mut "))
                    || code.trim_start().starts_with("#[ignore")
            });
            hits.map(|(line, code)| format!("{path}:{}: {}", line + 1, code.trim())).collect::<Vec<_>>()
        })
        .collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn bench_ids_are_well_formed_and_unique() {
    let mut seen = BTreeSet::new();
    for (suite, bench) in catalogue_benches() {
        let (head, subject) = bench.id.split_once('/').expect("an id has two parts");
        assert_eq!(head, suite.name, "{} stands in another suite", bench.id);
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        assert!(subject.chars().all(is_plain), "{} is not suite/subject", bench.id);
        assert!(seen.insert(bench.id), "{} stands twice", bench.id);
        assert!(!bench.iteration.is_empty(), "{} does not say what an iteration is", bench.id);
        let ascending = bench.scales.windows(2).all(|pair| pair[0].value < pair[1].value);
        assert!(ascending, "the scales of {} do not ascend", bench.id);
    }
}

#[test]
fn the_tables_are_the_catalogue() {
    let text = fs::read_to_string(root().join("docs/catalogue.toml")).expect("the catalogue can be read");
    let catalogue: toml::Table = text.parse().expect("the catalogue is TOML");
    let suites = catalogue["suite"].as_table().expect("suites");
    let mut promised = BTreeMap::new();
    for (name, suite) in suites {
        let suite = suite.as_table().expect("a suite is a table");
        for bench in suite["bench"].as_array().expect("benches") {
            let bench = bench.as_table().expect("a bench is a table");
            promised.insert(text_of(bench, "id"), promised_line(suite, bench));
        }
        assert!(SUITES.iter().any(|built| built.name == name), "the suite {name} has no table");
    }
    let built: BTreeMap<String, String> = catalogue_benches()
        .into_iter()
        .map(|(suite, bench)| (bench.id.to_owned(), built_line(suite, bench)))
        .collect();
    let ids: BTreeSet<&String> = promised.keys().chain(built.keys()).collect();
    for id in ids {
        assert_eq!(built.get(id), promised.get(id), "{id}: the table (left) is not the catalogue (right)");
    }
}

#[test]
fn paths_named_in_the_docs_exist() {
    let mut dead = Vec::new();
    for path in files(&root(), &["md"]) {
        let text = fs::read_to_string(root().join(&path)).expect("a document can be read");
        for name in named_paths(&text) {
            let is_there = root().join(&name).exists() || parent(&path).join(&name).exists();
            if !is_there {
                dead.push(format!("{path}: {name}"));
            }
        }
    }
    assert!(dead.is_empty(), "paths that do not exist:\n{}", dead.join("\n"));
}

#[test]
fn the_project_speaks_of_itself_alone() {
    const FOREIGN: [&str; 4] = ["/work/", "../shared", "shared/catalogue", "/root/"];
    let mut found = Vec::new();
    for path in files(&root(), &["rs", "md", "toml", "sh", "yml", "json"]) {
        if path == "runner/tests/tidy.rs" {
            continue;
        }
        let text = fs::read_to_string(root().join(&path)).expect("a file can be read");
        let foreign = FOREIGN.iter().filter(|word| text.contains(**word));
        found.extend(foreign.map(|word| format!("{path}: {word}")));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// The benches of the catalogue with their suites. Suites for tests of the harness are not part of it.
fn catalogue_benches() -> Vec<(&'static Suite, &'static Bench)> {
    SUITES.iter().flat_map(|suite| suite.benches.iter().map(move |bench| (*suite, bench))).collect()
}

fn built_line(suite: &Suite, bench: &Bench) -> String {
    let scales: Vec<&str> = bench.scales.iter().map(|scale| scale.name).collect();
    let limits: Vec<String> = bench.limits.unwrap_or(suite.limits).iter().map(ToString::to_string).collect();
    let needs: BTreeSet<&str> = suite.needs.iter().chain(bench.needs).map(|need| need.name()).collect();
    let unit = bench.unit.name().unwrap_or("time");
    format!(
        "{} | scales {scales:?} ({}) | limits {limits:?} | needs {needs:?} | unit {unit}",
        bench.iteration, bench.scale_is
    )
}

fn promised_line(suite: &toml::Table, bench: &toml::Table) -> String {
    let scales = strings(bench.get("scales"));
    let limit = bench
        .get("limit")
        .or_else(|| suite.get("limit"))
        .map_or("none", |limit| limit.as_str().expect("a limit is text"));
    let limits: Vec<String> = limit
        .split("; ")
        .filter(|limit| *limit != "none")
        .map(|limit| limit.replace(" between samples", "").replace(" keys", ""))
        .collect();
    let needs: BTreeSet<String> =
        strings(suite.get("needs")).into_iter().chain(strings(bench.get("needs"))).collect();
    let unit = bench.get("unit").and_then(toml::Value::as_str).unwrap_or("time");
    let unit = if unit == "ns" { "time" } else { unit };
    let scale_is = bench.get("scale_is").and_then(toml::Value::as_str).unwrap_or("");
    format!(
        "{} | scales {scales:?} ({scale_is}) | limits {limits:?} | needs {needs:?} | unit {unit}",
        text_of(bench, "does")
    )
}

fn text_of(table: &toml::Table, key: &str) -> String {
    table[key].as_str().expect("text").to_owned()
}

fn strings(value: Option<&toml::Value>) -> Vec<String> {
    let array = value.and_then(toml::Value::as_array);
    array.into_iter().flatten().map(|item| item.to_string().trim_matches('"').to_owned()).collect()
}

fn lines_with_unsafe(path: &str, text: &str) -> Vec<String> {
    let is_unsafe = |code: &str| {
        ["unsafe {", "unsafe fn", "unsafe impl", "unsafe extern"].iter().any(|form| code.contains(form))
    };
    let lines = text.lines().enumerate().filter(|(_, line)| is_unsafe(code_of(line)));
    lines.filter(|_| path != "runner/tests/tidy.rs").map(|(at, _)| format!("{path}:{}", at + 1)).collect()
}

/// A line up to its comment.
fn code_of(line: &str) -> &str {
    line.split("//").next().unwrap_or(line)
}

/// What stands in back quotes or link brackets of a document and looks like a path of this workspace.
fn named_paths(text: &str) -> Vec<String> {
    const STARTS: [&str; 6] = ["docs/", "perf-kernel/", "multios-core/", "runner/", ".github/", ".ci/"];
    let quoted = text.split('`').skip(1).step_by(2);
    let linked = text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next());
    let is_path = |name: &&str| {
        let is_file_link = name.ends_with(".md") && !name.contains("://");
        let is_plain = !name.contains([' ', '*', '<', '{', '|', ':']);
        is_plain && (STARTS.iter().any(|start| name.starts_with(start)) || is_file_link)
    };
    quoted.chain(linked).filter(is_path).map(str::to_owned).collect()
}

/// Every Rust source of the workspace with its text.
fn sources() -> Vec<(String, String)> {
    let read = |path: String| {
        let text = fs::read_to_string(root().join(&path)).expect("a source can be read");
        (path, text)
    };
    let all: Vec<_> = files(&root(), &["rs"]).into_iter().map(read).collect();
    assert!(all.len() > 20, "the workspace has sources");
    all
}

/// Files below `folder` with one of `endings`, as paths from the root, hidden and built ones apart.
fn files(folder: &Path, endings: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder can be read") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let is_hidden = name.starts_with('.') && name != ".github" && name != ".ci";
            if is_hidden || name == "target" {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if endings.iter().any(|ending| name.ends_with(&format!(".{ending}"))) {
                let path = path.strip_prefix(root()).expect("it lies below the root");
                found.push(path.to_string_lossy().into_owned());
            }
        }
    }
    found.sort();
    found
}

fn parent(path: &str) -> PathBuf {
    root().join(path).parent().map(Path::to_path_buf).unwrap_or_default()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the runner lies in the workspace").to_path_buf()
}
