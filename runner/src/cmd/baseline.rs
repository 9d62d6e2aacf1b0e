//! `baseline`: what later runs are held against.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, Subcommand};

use super::against::{Against, against, choose, missing, named_or_read, read, rolling_notes};
use super::arguments::StoreOptions;
use super::failure::CommandError;
use super::output::print;
use super::share::share;
use super::show::{load, open};
use crate::baseline::{Baseline, BaselineFile, BaselineKind, BaselineName, crept_since, refusals, trimmed};
use crate::exit_code;
use crate::report::{Palette, baseline_figures, baseline_lines, creep_lines};
use crate::store::{Folder, MachineLine, Others, RunName, Selector, Store, UnixSeconds};

/// Boots of other runs that a run is judged by before it is pinned.
const OTHERS_MAX: u32 = 60;

#[derive(Args, Clone, Debug)]
pub(super) struct BaselineOptions {
    #[command(subcommand)]
    pub(super) action: BaselineAction,
    #[command(flatten)]
    pub(super) store: StoreOptions,
}

#[derive(Clone, Debug, Subcommand)]
pub(super) enum BaselineAction {
    /// Keep a run as the baseline of its machine, instead of the one that has the name
    Pin {
        /// What to call it
        name: BaselineName,
        /// The run
        #[arg(default_value = "last", value_name = "RUN[:BOOT]")]
        run: Selector,
        /// Keep it though it is unhealthy or unlike other runs; the reason is kept with it
        #[arg(long, value_name = "REASON")]
        anyway: Option<String>,
    },
    /// Let the newest healthy boots before a run be its baseline
    Roll {
        /// What to call it
        name: BaselineName,
        /// How many boots
        #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..=1000))]
        boots: u32,
        /// The machine, by the beginning of its fingerprint's name [default: that of the newest run]
        #[arg(long, value_name = "FINGERPRINT")]
        machine: Option<String>,
    },
    /// List the baselines
    List,
    /// Show the figures of a baseline, or the boots that it now rolls over
    Show {
        /// A baseline or a file
        name: String,
    },
    /// Forget a baseline
    Remove {
        /// Its name
        name: BaselineName,
        /// Only that of this machine, by the beginning of its fingerprint's name
        #[arg(long, value_name = "FINGERPRINT")]
        machine: Option<String>,
    },
    /// Write a baseline as one JSON file that a repository can keep (docs/formats/baseline.md)
    Export {
        /// Its name
        name: BaselineName,
        /// The file; - is standard output
        file: PathBuf,
    },
    /// Take the baseline of a file that `export` or `--json` wrote
    Import {
        /// The file
        file: PathBuf,
        /// What to call it [default: its name in the file, or the file's]
        #[arg(long)]
        name: Option<BaselineName>,
    },
    /// List the benches that moved away from a pinned baseline by steps too small to see
    Creep {
        /// A baseline or a file
        name: String,
        /// The run that is held against it
        #[arg(default_value = "last", value_name = "RUN")]
        run: Selector,
        /// Smallest change that matters
        #[arg(long, value_name = "SHARE", default_value = "1%", value_parser = share)]
        margin: f64,
    },
}

pub(super) fn baseline(options: &BaselineOptions) -> anyhow::Result<u8> {
    let to = &options.store;
    match &options.action {
        BaselineAction::Pin { name, run, anyway } => pin(to, name, run, anyway.as_deref()),
        BaselineAction::Roll { name, boots, machine } => roll(to, name, *boots, machine.as_deref()),
        BaselineAction::List => list(to),
        BaselineAction::Show { name } => show(to, name),
        BaselineAction::Remove { name, machine } => remove(to, name, machine.as_deref()),
        BaselineAction::Export { name, file } => export(to, name, file),
        BaselineAction::Import { file, name } => import(to, file, name.as_ref()),
        BaselineAction::Creep { name, run, margin } => creep(to, name, run, *margin),
    }
}

fn pin(
    options: &StoreOptions,
    name: &BaselineName,
    selector: &Selector,
    anyway: Option<&str>,
) -> anyhow::Result<u8> {
    let mut store = open(options, selector)?;
    let run = load(&store, selector)?;
    let what = || format!("pin run {} as {name}", run.head.id);
    let document = trimmed(&run);
    let mixed = run.side(None).map(|side| side.mixed).unwrap_or_default();
    if let Some(difference) = mixed.first() {
        let reason = format!("its boots are not alike: {} differs; pin one of them", difference.field);
        return Err(CommandError::Refused { what: what(), reason }.into());
    }
    let machine = run.fingerprint().name();
    let others = store.newest_boots(&machine, Others::Except(&run.head.id), OTHERS_MAX)?;
    let refused = refusals(&run, &others);
    let accepted = match anyway.map(str::trim) {
        _ if refused.is_empty() => None,
        Some(reason) if !reason.is_empty() => Some(format!("{reason} (it {})", refused.join("; it "))),
        _ => {
            let reason = format!("it {}; --anyway REASON keeps it nevertheless", refused.join("; it "));
            return Err(CommandError::Refused { what: what(), reason }.into());
        }
    };
    // What cannot be read back as a baseline must not become one.
    let fresh = BaselineFile::parse(document.to_text().as_bytes(), name, UnixSeconds::now());
    let mut fresh = fresh.with_context(what)?.into_entries();
    fresh.iter_mut().for_each(|entry| entry.accepted.clone_from(&accepted));
    let replaced = replace(&mut store, &fresh)?;
    let boots = document.boots.len();
    print(&format!("{name} is now run {} ({boots} boots) on machine {machine}{replaced}\n", run.head.id))?;
    Ok(exit_code::OK)
}

fn roll(
    options: &StoreOptions,
    name: &BaselineName,
    boots: u32,
    machine: Option<&str>,
) -> anyhow::Result<u8> {
    let newest = Selector { run: RunName::Last(0), boot: None };
    let mut store = open(options, &newest)?;
    let machine = machine_named(&store, machine)?;
    let entry = Baseline {
        name: name.clone(),
        fingerprint: machine.fingerprint,
        set: UnixSeconds::now(),
        accepted: None,
        kind: BaselineKind::Rolling { boots },
    };
    let replaced = replace(&mut store, &[entry])?;
    print(&format!(
        "{name} is now the newest {boots} healthy boots on machine {}{replaced}\n",
        machine.name
    ))?;
    Ok(exit_code::OK)
}

fn list(options: &StoreOptions) -> anyhow::Result<u8> {
    let folder = Folder::find(options.db.as_deref())?;
    let store = Store::open_existing(folder.database())?;
    let baselines = store.map_or(Ok(Vec::new()), |store| store.baselines(None))?;
    print(&baseline_lines(&baselines, Palette::of(&io::stdout())))?;
    Ok(exit_code::OK)
}

fn show(options: &StoreOptions, name: &str) -> anyhow::Result<u8> {
    let store = store(options)?;
    let palette = Palette::of(&io::stdout());
    for entry in named_or_read(&store, name)? {
        let lines = baseline_lines(std::slice::from_ref(&entry), palette);
        let body = match &entry.kind {
            BaselineKind::Pinned(document) => baseline_figures(&document.side(name), palette),
            BaselineKind::Rolling { boots } => window_now(&store, &entry, *boots)?,
        };
        print(&format!("{lines}\n{body}\n"))?;
    }
    Ok(exit_code::OK)
}

/// The boots that a rolling baseline would consist of for the next run.
fn window_now(store: &Store, entry: &Baseline, boots: u32) -> anyhow::Result<String> {
    let chosen = choose(store, entry, boots, Others::All)?;
    let names: Vec<_> = chosen.chosen.iter().map(|(run, number)| format!("{run}:{number}")).collect();
    let mut text =
        format!("boots now: {}\n", if names.is_empty() { "none".to_owned() } else { names.join(", ") });
    for line in rolling_notes(entry.name.as_str(), boots, &chosen) {
        text.push_str(&format!("{line}\n"));
    }
    Ok(text)
}

fn remove(options: &StoreOptions, name: &BaselineName, machine: Option<&str>) -> anyhow::Result<u8> {
    let mut store = store(options)?;
    let named = store.baselines(Some(name))?.into_iter().map(|entry| entry.fingerprint.name());
    let chosen: Vec<_> = named.filter(|found| found.starts_with(machine.unwrap_or_default())).collect();
    if chosen.is_empty() {
        return Err(missing(name.as_str()).into());
    }
    for machine in &chosen {
        store.remove_baselines(name, Some(machine))?;
    }
    print(&format!("{name} is forgotten for {} machines\n", chosen.len()))?;
    Ok(exit_code::OK)
}

fn export(options: &StoreOptions, name: &BaselineName, file: &Path) -> anyhow::Result<u8> {
    let entries = store(options)?.baselines(Some(name))?;
    if entries.is_empty() {
        return Err(missing(name.as_str()).into());
    }
    let text = BaselineFile::new(name.clone(), entries)?.to_text();
    if file == Path::new("-") {
        print(&text)?;
        return Ok(exit_code::OK);
    }
    write_whole(file, &text)?;
    print(&format!("{} now holds {name}\n", file.display()))?;
    Ok(exit_code::OK)
}

fn import(options: &StoreOptions, file: &Path, name: Option<&BaselineName>) -> anyhow::Result<u8> {
    let found = read(file)?;
    let name = name.unwrap_or(found.name()).clone();
    let entries = BaselineFile::new(name.clone(), found.into_entries())?.into_entries();
    let mut store = Store::open(Folder::find(options.db.as_deref())?.database())?;
    let replaced = replace(&mut store, &entries)?;
    print(&format!("{name} now holds {} machines of {}{replaced}\n", entries.len(), file.display()))?;
    Ok(exit_code::OK)
}

fn creep(options: &StoreOptions, name: &str, selector: &Selector, margin: f64) -> anyhow::Result<u8> {
    let store = open(options, selector)?;
    let run = load(&store, selector)?;
    let Against { baseline, .. } = against(&store, name, &run)?;
    let BaselineKind::Pinned(document) = &baseline.kind else {
        let what = format!("look for creep from {name}");
        let reason = "it rolls on with the creep; name a pinned baseline".to_owned();
        return Err(CommandError::File { what, reason }.into());
    };
    if baseline.fingerprint != run.fingerprint() {
        let what = format!("look for creep from {name} to run {}", run.head.id);
        let reason =
            "it has no entry for the machine of that run; `multios-perf check` shows the differences";
        return Err(CommandError::NotComparable { what, reason: reason.to_owned() }.into());
    }
    let series = store.all_series(&baseline.fingerprint.name())?;
    let found = crept_since(document, &series, &run.head.id, margin);
    print(&creep_lines(name, &found, margin, Palette::of(&io::stdout())))?;
    Ok(if found.is_empty() { exit_code::OK } else { exit_code::DIFFERENT })
}

/// The database, which need not be there yet.
fn store(options: &StoreOptions) -> anyhow::Result<Store> {
    let folder = Folder::find(options.db.as_deref())?;
    let path = folder.database();
    let what = || format!("find baselines in {}", path.display());
    let remedy = || "nothing is stored there yet".to_owned();
    Store::open_existing(path)?.ok_or_else(|| CommandError::Missing { what: what(), remedy: remedy() }.into())
}

/// Stores `entries` and says in words what they stand in the place of.
fn replace(store: &mut Store, entries: &[Baseline]) -> anyhow::Result<String> {
    let mut replaced = Vec::new();
    for entry in entries {
        let old = store.baselines(Some(&entry.name))?;
        let old = old.into_iter().filter(|old| old.fingerprint == entry.fingerprint);
        replaced.extend(old.map(|old| match old.kind {
            BaselineKind::Pinned(document) => format!("run {}", document.run),
            BaselineKind::Rolling { boots } => format!("the newest {boots} boots"),
        }));
    }
    store.put_baselines(entries)?;
    Ok(if replaced.is_empty() { String::new() } else { format!("; before it was {}", replaced.join(", ")) })
}

/// The machine whose fingerprint's name begins with `name`; that of the newest run without one.
fn machine_named(store: &Store, name: Option<&str>) -> anyhow::Result<MachineLine> {
    let wanted = name.unwrap_or_default();
    let machines = store.machines()?.into_iter().filter(|machine| machine.name.starts_with(wanted));
    let mut machines: Vec<_> = machines.collect();
    if machines.is_empty() || (name.is_some() && machines.len() > 1) {
        let number = machines.len();
        let what = format!("find the machine \"{wanted}\"");
        let reason =
            format!("{number} stored machines are called so; `multios-perf baseline list` shows names");
        return Err(CommandError::NoSuchBoot { what, reason }.into());
    }
    Ok(machines.swap_remove(0))
}

/// Writes `file` whole or not at all: half a baseline in a repository is worse than the old one.
fn write_whole(file: &Path, text: &str) -> anyhow::Result<()> {
    let what = || format!("write the baseline {}", file.display());
    let mut new = file.as_os_str().to_owned();
    new.push(".new");
    fs::write(&new, text).and_then(|()| fs::rename(&new, file)).with_context(what)
}
