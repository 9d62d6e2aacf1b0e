//! `run`: boots in QEMU.

use super::arguments::RunOptions;
use super::{measured, planning, revision};
use crate::config;
use crate::performance::{Target, TestRequest};
use crate::store::Folder;

pub(super) fn run(options: &RunOptions) -> anyhow::Result<u8> {
    let config = config::load(&options.config)?;
    let profile = config.profile(&options.profile)?;
    let request = TestRequest {
        plan: planning::plan(&profile.plan, &options.boot)?,
        target: Target::qemu(profile.clone(), options.image.clone())?,
        boots: options.boot.boots.unwrap_or(1),
        revision: revision::measured(&options.boot),
        folder: Folder::find(options.output.store.db.as_deref())?,
        purpose: options.boot.purpose(),
    };
    measured::run(&request, options.boot.html.as_deref(), &options.output)
}
