//! Memory of programs: pages brought, mapped, protected, and copied from.

use core::hint::black_box;
use core::ops::Range;

use multios_core::memory::FRAME_BYTES;
use multios_core::memory::paging::Access;

use super::user::{TimedProcess, refused, with_user_mode};
use crate::measure::{Batch, BenchError, Bencher, Expected};
use crate::platform::{CopyError, Program, UserProcess};
use crate::suites::buffer::{buffer, scale_bytes};
use crate::units::{Bytes, Ticks};

/// Where the memory begins that these benches map; a page behind it and one before it stay free.
const BASE: u64 = 0x1000_0000;
/// Pages that are touched in one run of the program.
const RUN_PAGES_MAX: u64 = 256;
/// Ranges that are protected before all are made writable again.
const PROTECTED_MAX: u64 = 8;

/// One iteration is the first write to a page: the exception, a frame of zeros, its entry, and the write again. The
/// loop is the program's, which adds four instructions. The pages are taken away again between runs, untimed.
pub(super) fn first_touch(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    add_cost_of_clearing(bencher)?;
    with_user_mode(bencher, |bencher, machine| {
        let mut program = TimedProcess::new(machine.start(Program::TouchPages).map_err(refused)?);
        program.process.reserve(pages(RUN_PAGES_MAX), Access::ReadWrite).map_err(refused)?;
        let measured = bencher.measure_timed(Expected::Each(1), |touches| touch(&mut program, touches));
        program.explain(measured)
    })
}

/// Touches `touches` new pages, in as many runs as it takes.
fn touch(program: &mut TimedProcess<'_>, touches: u64) -> Batch {
    let mut all = Batch { ticks: 0, sum: 0, end: Ticks(0) };
    let mut left = touches;
    while left > 0 {
        let count = left.min(RUN_PAGES_MAX);
        let Batch { ticks, sum, end } = program.run([BASE, count]);
        let is_new = program.process.discard(pages(RUN_PAGES_MAX)) == Ok(count);
        all.ticks += ticks;
        all.sum = all.sum.wrapping_add(if is_new { sum } else { u64::MAX });
        all.end = end;
        left -= count;
    }
    all
}

/// One iteration maps as many pages as the scale says, of frames filled with zeros, and unmaps them.
pub(super) fn map_and_unmap(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    add_cost_of_clearing(bencher)?;
    with_user_mode(bencher, |bencher, machine| {
        let count = bencher.scale();
        let mut process = machine.start(Program::Exit).map_err(refused)?;
        process.activate();
        // Memory that is too small for the scale skips it.
        process.map(pages(count), Access::ReadWrite).map_err(refused)?;
        process.unmap(pages(count)).map_err(refused)?;
        bencher.measure(Expected::Each(1), || {
            let is_mapped = process.map(pages(count), Access::ReadWrite).is_ok();
            u64::from(is_mapped && process.unmap(pages(count)) == Ok(count))
        })
    })
}

/// One iteration write-protects as many mapped pages as the scale says and makes the processor forget them. Each one
/// finds its pages writable: they are made so between the timed parts, and looked at before.
pub(super) fn protect(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    with_user_mode(bencher, |bencher, machine| {
        let (count, counter) = (bencher.scale(), bencher.counter());
        let mut process = machine.start(Program::Exit).map_err(refused)?;
        process.activate();
        let all = pages(count * PROTECTED_MAX);
        process.map(all.clone(), Access::ReadWrite).map_err(refused)?;
        let bytes = count * FRAME_BYTES;
        bencher.measure_timed(Expected::Each(1), |ranges| {
            let mut whole = Batch { ticks: 0, sum: 0, end: Ticks(0) };
            let mut left = ranges;
            while left > 0 {
                let part = left.min(PROTECTED_MAX);
                let mut start = BASE;
                let mut body = || {
                    let range = start..start + bytes;
                    start = range.end;
                    u64::from(process.protect(range, Access::Read) == Ok(count))
                };
                let batch = counter.time(&mut body, part);
                let is_protected =
                    (BASE..start).step_by(4096).all(|page| process.access(page) == Some(Access::Read));
                let is_whole = process.protect(all.clone(), Access::ReadWrite) == Ok(count * PROTECTED_MAX);
                whole.ticks += batch.ticks;
                whole.sum =
                    whole.sum.wrapping_add(if is_protected && is_whole { batch.sum } else { u64::MAX });
                whole.end = batch.end;
                left -= part;
            }
            whole
        })
    })
}

/// One iteration checks a range of user memory and copies it into the kernel's.
pub(super) fn copy_in(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    let length = scale_bytes(bencher)?;
    let mut expected = buffer(bencher, length)?;
    let mut copied = buffer(bencher, length)?;
    bencher.fill_random(expected.as_mut_slice());
    bencher.set_bytes(Bytes(bencher.scale()));
    with_user_mode(bencher, |bencher, machine| {
        let mut process = machine.start(Program::Exit).map_err(refused)?;
        let range = pages(bencher.scale().div_ceil(FRAME_BYTES));
        process.map(range.clone(), Access::ReadWrite).map_err(refused)?;
        refuses_what_it_should(&mut *process, &range)?;
        let failed = |error: CopyError| BenchError::Failed(alloc::format!("failed to {error}"));
        process.copy_out(BASE, expected.as_slice()).map_err(failed)?;
        let bytes = copied.as_mut_slice();
        bencher.measure(Expected::Each(1), || u64::from(process.copy_in(BASE, black_box(bytes)).is_ok()))?;
        if copied.as_slice() != expected.as_slice() {
            return Err(BenchError::Failed("the copy is not what the program has".into()));
        }
        Ok(())
    })
}

/// Copies that must fail, and one that brings a page; `range` is mapped.
fn refuses_what_it_should(process: &mut dyn UserProcess, range: &Range<u64>) -> Result<(), BenchError> {
    let mut word = [0xff; 8];
    let later = range.end + FRAME_BYTES..range.end + 2 * FRAME_BYTES;
    process.reserve(later.clone(), Access::ReadWrite).map_err(refused)?;
    let outcomes = [
        process.copy_in(0xffff_8000_0000_0000, &mut word) == Err(CopyError::NotUser),
        process.copy_in(0x0000_7fff_ffff_effc, &mut word) == Err(CopyError::NotUser),
        process.copy_in(u64::MAX - 3, &mut word) == Err(CopyError::NotUser),
        process.copy_out(8, &word) == Err(CopyError::NotUser),
        process.copy_in(range.end, &mut word) == Err(CopyError::Faulted),
        process.copy_in(range.end - 4, &mut word) == Err(CopyError::Faulted),
        process.copy_in(later.start + 8, &mut word).is_ok() && word == [0; 8],
        process.protect(later.clone(), Access::Read) == Ok(1),
        process.copy_out(later.start, &word) == Err(CopyError::Faulted),
        process.unmap(later) == Ok(1),
    ];
    match outcomes.iter().position(|is_right| !is_right) {
        Some(at) => Err(BenchError::Failed(alloc::format!("the checked copy {at} did what it must not"))),
        None => Ok(()),
    }
}

/// What it costs to fill a page with zeros, which the kernel must before it gives one away.
fn add_cost_of_clearing(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    const BYTES: usize = 4096;
    let mut page = buffer(bencher, BYTES)?;
    let bytes: &mut [u8] = page.as_mut_slice();
    let mut clear = || {
        let page: &mut [u8; BYTES] = match black_box(&mut *bytes).try_into() {
            Ok(page) => page,
            Err(_) => return 0_u64,
        };
        page.fill(0);
        black_box(page);
        0
    };
    let counter = bencher.counter();
    let ticks = (0..9).map(|_| counter.time(&mut clear, 1).ticks).min().unwrap_or(0);
    bencher.add_figure("page_clear_ticks_min", ticks);
    Ok(())
}

/// The first `count` pages from [`BASE`].
const fn pages(count: u64) -> Range<u64> {
    BASE..BASE + count * FRAME_BYTES
}
