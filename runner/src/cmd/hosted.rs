//! `hosted`: the same suites as a Linux process.

use std::time::Duration;

use perf_kernel::plan::Plan;

use super::arguments::HostedOptions;
use super::{measured, planning, revision};
use crate::performance::{Target, TestRequest};
use crate::store::Folder;

pub(super) fn hosted(options: &HostedOptions) -> anyhow::Result<u8> {
    let request = TestRequest {
        plan: planning::plan(&Plan::quick(), &options.boot)?,
        target: Target::hosted(options.program.clone(), Duration::from_secs(options.silence))?,
        boots: options.boot.boots.unwrap_or(1),
        revision: revision::measured(&options.boot),
        folder: Folder::find(options.output.store.db.as_deref())?,
        purpose: options.boot.purpose(),
    };
    measured::run(&request, options.boot.html.as_deref(), &options.output)
}
