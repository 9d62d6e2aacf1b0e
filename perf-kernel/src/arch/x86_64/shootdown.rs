//! Making CPUs forget translations.
//!
//! One CPU at a time asks. Whoever waits here, for its turn or for answers, answers others meanwhile: two CPUs that ask at
//! the same time with interrupts off would otherwise wait for each other for good.

use core::ops::Range;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};

use super::apic::{self, Destination, Message};
use super::per_cpu::{self, CpuArea};
use super::processor::spin_until;
use super::recovery::Over;
use super::signals;
use super::user::translations;
use crate::units::Ticks;

/// How long an answer may take: some seconds at any frequency. A CPU that does not answer may use memory that is to be
/// given back.
const PATIENCE: Ticks = Ticks(20_000_000_000);

/// Whether a CPU asks.
static IS_TAKEN: AtomicBool = AtomicBool::new(false);
/// The question: the root of the address space, and the pages. Written while nobody has a bit below.
static ROOT: AtomicU64 = AtomicU64::new(0);
static PAGES: [AtomicU64; 2] = [const { AtomicU64::new(0) }; 2];
/// CPUs, as bits, that have not answered.
static WAITED_FOR: AtomicU64 = AtomicU64::new(0);

/// What CPUs are to forget.
#[derive(Clone, Debug)]
pub(super) enum Forget {
    /// These pages of the address space with this root, as far as a CPU uses it.
    Pages(u64, Range<u64>),
    /// The whole address space with this root, which is used no more.
    Space(u64),
    /// Pages of the kernel, whatever address space is in use.
    Kernel,
}

/// No address space has it as its root, as the page there is the processor's.
const ANY_ROOT: u64 = 0;

/// Makes all other CPUs forget; when it returns, none of them uses what stood in the tables before the call. The
/// caller sees to its own CPU.
///
/// # Panics
/// If a CPU does not answer.
pub(super) fn ask_others(forget: &Forget) {
    if per_cpu::count() > 1 {
        // Whoever has its turn is not kept from ending it.
        x86_64::instructions::interrupts::without_interrupts(|| ask(forget));
    }
}

fn ask(forget: &Forget) {
    // The tables were changed before the areas are looked at: a CPU that begins to use them later has nothing cached.
    fence(Ordering::SeqCst);
    let own = per_cpu::index();
    let root = match forget {
        Forget::Pages(root, _) | Forget::Space(root) => *root,
        Forget::Kernel => ANY_ROOT,
    };
    // One on standby forgets everything before it goes on.
    let is_asked = |area: &CpuArea| {
        area.index != own
            && (root == ANY_ROOT || area.translations.may_use(root))
            && !area.is_on_standby.load(Ordering::Acquire)
    };
    if !per_cpu::areas().any(is_asked) {
        return;
    }
    let Some(apic) = apic::local() else { return };
    wait_until(|| IS_TAKEN.compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed).is_ok());
    let pages = match forget {
        Forget::Pages(_, pages) => pages.clone(),
        Forget::Space(_) | Forget::Kernel => 0..0,
    };
    ROOT.store(root, Ordering::Relaxed);
    PAGES[0].store(pages.start, Ordering::Relaxed);
    PAGES[1].store(pages.end, Ordering::Relaxed);
    let asked = per_cpu::areas().filter(|area| is_asked(area)).fold(0, |bits, area| bits | 1 << area.index);
    WAITED_FOR.store(asked, Ordering::Release);
    for area in per_cpu::areas().filter(|area| asked & (1 << area.index) != 0) {
        let sent = apic.send(Destination::Cpu(area.apic_id()), Message::Interrupt(signals::SHOOTDOWN));
        sent.expect("the interrupt controller takes commands");
    }
    wait_until(|| WAITED_FOR.load(Ordering::Acquire) == 0);
    IS_TAKEN.store(false, Ordering::Release);
}

/// Forgets who asks and who is asked: it is over, and the other CPUs are stopped.
pub(super) fn abandon(_over: &Over) {
    WAITED_FOR.store(0, Ordering::Relaxed);
    IS_TAKEN.store(false, Ordering::Release);
}

/// Answers, if the calling CPU is asked.
pub(super) fn answer() {
    let bit = 1 << per_cpu::index();
    if WAITED_FOR.load(Ordering::Acquire) & bit == 0 {
        return;
    }
    let root = ROOT.load(Ordering::Relaxed);
    let [start, end] = [&PAGES[0], &PAGES[1]].map(|word| word.load(Ordering::Relaxed));
    if root == ANY_ROOT {
        translations::forget_all();
    } else if start == end {
        translations::leave(root);
    } else {
        translations::forget(root, start..end);
    }
    WAITED_FOR.fetch_and(!bit, Ordering::Release);
}

fn wait_until(is_so: impl Fn() -> bool) {
    let is_in_time = spin_until(PATIENCE, || {
        let is_over = is_so();
        if !is_over {
            answer();
        }
        is_over
    });
    assert!(is_in_time, "a CPU did not forget translations");
}
