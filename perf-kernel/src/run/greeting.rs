//! The first record of a boot, and the last one if the plan cannot be run.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use xxhash_rust::xxh3::xxh3_128;

use crate::plan::{self, Plan, PlanError};
use crate::suites::select;
use crate::units::Ticks;
use crate::wire::{EndReason, FORMAT_VERSION, Hello, Link, Record, Refused, Resumes, Sender};

/// What the caller knows of the boot before anything else is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// [`fingerprint`] of the kernel file as it lies in memory, or of the executable.
    pub image_hash: String,
    /// The plan as it came, padding included.
    pub plan_file: Vec<u8>,
    /// Ticks since the first instruction.
    pub entry_ticks: Ticks,
    /// What this start goes on with.
    pub resumes: Option<Resumes>,
}

/// XXH3-128 of `bytes` as 32 hex digits: how images and plans are told apart.
#[must_use]
pub fn fingerprint(bytes: &[u8]) -> String {
    alloc::format!("{:032x}", xxh3_128(bytes))
}

/// Sends `hello`, reads the plan, and returns it. A plan that cannot be run is `refused` on the wire, and the boot has
/// ended.
///
/// # Errors
/// Why the plan cannot be run.
pub fn greet<L: Link>(sender: &mut Sender<L>, identity: &Identity) -> Result<Plan, PlanError> {
    let parsed = plan::parse(&identity.plan_file);
    let planned = parsed.as_ref().ok().and_then(|plan| select(plan).ok()).map_or(0, |benches| benches.len());
    let hello = Hello {
        format_version: FORMAT_VERSION,
        nonce: parsed.as_ref().map_or_else(|_| String::new(), |plan| plan.nonce.clone()),
        image_hash: identity.image_hash.clone(),
        plan_hash: fingerprint(plan::trim(&identity.plan_file)),
        version: env!("CARGO_PKG_VERSION").to_string(),
        compiler: env!("COMPILER").to_string(),
        benches_planned: u32::try_from(planned).unwrap_or(u32::MAX),
        entry_ticks: identity.entry_ticks,
        resumes: identity.resumes.clone(),
    };
    // The sender counts what the link refuses and keeps the frames: a boot without a line goes on.
    let _ = sender.send(Record::Hello(hello));
    if let Err(error) = &parsed {
        let reason = alloc::format!("failed to {error}");
        let _ = sender.send(Record::Refused(Refused { reason }));
        let _ = sender.end(EndReason::Refused);
    }
    parsed
}
