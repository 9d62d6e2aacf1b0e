//! `audit`: how good the detector is on one's own history.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;

use super::arguments::StoreOptions;
use super::failure::CommandError;
use super::output::print;
use super::{detect, tracked};
use crate::audit::{LabelledSet, Material, POINTS_MIN, Study, generate, study};
use crate::exit_code;
use crate::history::{Detector, Key, Point};
use crate::progress::note;
use crate::report::{Palette, audit_text, to_json};
use crate::store::{Series, Store};

#[derive(Args, Clone, Debug)]
pub(super) struct AuditOptions {
    /// Only histories of this machine, by the first digits of its fingerprint
    #[arg(long, value_name = "FINGERPRINT")]
    machine: Option<String>,
    /// Series from CSV files, as `detect` reads them, instead of the stored histories
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with = "machine")]
    from: Vec<PathBuf>,
    /// Steps of each size that are put in; ten times as many histories are shuffled
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    replicates: u32,
    /// Where random numbers start
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    /// Print JSON (docs/json.md)
    #[arg(long)]
    json: bool,
    /// Write labelled series with the noise of the histories into this new folder, and audit nothing
    #[arg(long, value_name = "FOLDER")]
    generate: Option<PathBuf>,
    #[command(flatten)]
    store: StoreOptions,
}

pub(super) fn audit(options: &AuditOptions) -> anyhow::Result<u8> {
    let histories = if options.from.is_empty() { stored(options)? } else { read(&options.from)? };
    if let Some(folder) = &options.generate {
        let materials: Vec<Material> = histories.iter().filter_map(|points| Material::of(points)).collect();
        return match generate(&materials, options.seed) {
            Ok(set) => write(folder, &set).map(|()| exit_code::OK),
            Err(error) => Ok(no_data(&format!("failed to {error}"))),
        };
    }
    let replicates = usize::try_from(options.replicates).context("count the replicates")?;
    let of = Study { detector: Detector::default(), replicates, seed: options.seed };
    let audit = study(&histories, of);
    if audit.histories == 0 {
        return Ok(no_data(&format!(
            "nothing can be audited: {} histories, and none has {POINTS_MIN} points with a level above zero",
            histories.len()
        )));
    }
    print(&if options.json { to_json(&audit, 2) } else { audit_text(&audit, Palette::of(&io::stdout())) })?;
    Ok(exit_code::OK)
}

fn no_data(text: &str) -> u8 {
    note(text);
    exit_code::NO_DATA
}

fn stored(options: &AuditOptions) -> anyhow::Result<Vec<Vec<Point>>> {
    let Some(store) = tracked::open(&options.store)? else { return Ok(Vec::new()) };
    let mut histories = Vec::new();
    for machine in tracked::machines(&store, options.machine.as_deref())? {
        histories.extend(of_machine(&store, &machine.name)?);
    }
    Ok(histories)
}

fn of_machine(store: &Store, machine: &str) -> anyhow::Result<Vec<Vec<Point>>> {
    let points = |series: Series| {
        let point = |point: &crate::store::SeriesPoint| Point {
            value: point.value,
            commit: point.revision.as_deref().or(point.image_hash.as_deref()).map(Key::of),
            unit: Some(Key::of(&point.unit)),
        };
        series.points.iter().map(point).collect()
    };
    Ok(store.all_series(machine)?.into_iter().map(points).collect())
}

fn read(files: &[PathBuf]) -> anyhow::Result<Vec<Vec<Point>>> {
    files.iter().map(|path| detect::read(path)).collect()
}

/// Writes the set as `series/NAME.csv` and `labels.json` into a folder that must not exist yet.
fn write(folder: &Path, set: &LabelledSet) -> anyhow::Result<()> {
    let what = || format!("write labelled series into {}", folder.display());
    if folder.exists() {
        let reason = "it exists already; name a new folder".to_owned();
        return Err(CommandError::File { what: what(), reason }.into());
    }
    let series = folder.join("series");
    fs::create_dir_all(&series).with_context(what)?;
    for (name, values) in &set.series {
        let mut text = "index,value\n".to_owned();
        for (index, value) in values.iter().enumerate() {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{index},{value}");
        }
        fs::write(series.join(format!("{name}.csv")), text).with_context(what)?;
    }
    fs::write(folder.join("labels.json"), to_json(&set.labels, 1)).with_context(what)?;
    print(&format!("{} series are in {}\n", set.series.len(), folder.display()))
}
