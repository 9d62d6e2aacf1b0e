//! Taking a page from CPUs that have cached where it is.

use alloc::format;
use core::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use super::user::{refused, with_user_mode};
use crate::arch::counter;
use crate::measure::{BenchError, Bencher};
use crate::platform::{Platform, SharedPage, UserMode};
use crate::suites::buffer::scale_bytes;

/// A sample is the time to unmap a page that every CPU has read just before and waits to read again: each of the others is
/// interrupted, and none may find the page afterwards.
pub(super) fn shootdown(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    let cpus = scale_bytes(bencher)?;
    let there = bencher.platform().cpus();
    if there < cpus {
        return Err(BenchError::Skipped(format!("the machine has {there} of {cpus} CPUs")));
    }
    with_user_mode(bencher, |bencher, user| measure(bencher, user, cpus))
}

fn measure(bencher: &mut Bencher<'_>, user: &dyn UserMode, cpus: usize) -> Result<(), BenchError> {
    let platform = bencher.platform();
    let page = user.shared_page().map_err(refused)?;
    // The first one finds page tables missing.
    sample(platform, &*page, cpus)?;
    bencher.measure_values(|| sample(platform, &*page, cpus))
}

fn sample(platform: &dyn Platform, page: &dyn SharedPage, cpus: usize) -> Result<u64, BenchError> {
    page.map().map_err(refused)?;
    let round = Round::new(page, cpus - 1);
    platform
        .run_on_cpus(cpus, &|cpu| if cpu == 0 { round.take() } else { round.watch() })
        .map_err(BenchError::Skipped)?;
    round.ticks()
}

/// One sample, as all CPUs see it.
struct Round<'page> {
    page: &'page dyn SharedPage,
    others: usize,
    /// CPUs that have read the page.
    readers: AtomicUsize,
    is_taken: AtomicBool,
    /// CPUs that did not find the page before, or found it after it was taken, or waited in vain.
    wrong: AtomicUsize,
    ticks: AtomicU64,
}

impl<'page> Round<'page> {
    const fn new(page: &'page dyn SharedPage, others: usize) -> Self {
        Self {
            page,
            others,
            readers: AtomicUsize::new(0),
            is_taken: AtomicBool::new(false),
            wrong: AtomicUsize::new(0),
            ticks: AtomicU64::new(0),
        }
    }

    /// What the first CPU does.
    fn take(&self) {
        self.check(self.page.read() == Some(0));
        let have_read = || self.readers.load(Ordering::Acquire) == self.others;
        self.check(self.page.wait_until(&have_read));
        let start = counter::start();
        let unmapped = self.page.unmap();
        let ticks = counter::stop().since(start).0;
        self.check(unmapped == Ok(1));
        self.ticks.store(ticks, Ordering::Relaxed);
        self.is_taken.store(true, Ordering::Release);
        self.check(self.page.read().is_none());
    }

    /// What the others do.
    fn watch(&self) {
        self.check(self.page.read() == Some(0));
        self.readers.fetch_add(1, Ordering::AcqRel);
        let is_taken = self.page.wait_until(&|| self.is_taken.load(Ordering::Acquire));
        self.check(is_taken && self.page.read().is_none());
    }

    fn check(&self, is_right: bool) {
        if !is_right {
            self.wrong.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn ticks(&self) -> Result<u64, BenchError> {
        match self.wrong.load(Ordering::Relaxed) {
            0 => Ok(self.ticks.load(Ordering::Relaxed)),
            wrong => Err(BenchError::Failed(format!("the page was not as it should be {wrong} times"))),
        }
    }
}
