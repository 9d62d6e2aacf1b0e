//! Address spaces against a slow model: maps of single pages, on physical memory that is a map of tables.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::ops::Range;

use proptest::prelude::*;
use spin::Mutex;

use super::{Access, AddressSpace, FaultError, MapError, PageHardware, SpaceUsage, Touch, USER_END};
use crate::memory::{FRAME_BYTES, FrameCache, Frames};

const FIRST_FRAME: u64 = 1 << 20;
const KERNEL: u64 = 0x1000;
/// Places where pages lie close together: inside a table and across the borders of tables of each level.
const PLACES: [u64; 4] =
    [0x40_0000, 0x60_0000 - 4 * FRAME_BYTES, (1 << 30) - 4 * FRAME_BYTES, (1 << 39) - 4 * FRAME_BYTES];
/// Pages at each place that the tests use.
const SPAN: u64 = 8;

/// Physical memory that faults on a table which was never cleared, and a cache of translations.
struct FakeHardware {
    memory: RefCell<BTreeMap<u64, Box<[u64; 512]>>>,
    invalidated: RefCell<BTreeSet<u64>>,
    retired: Cell<u64>,
}

impl FakeHardware {
    fn new() -> Self {
        let kernel: [u64; 512] =
            core::array::from_fn(|index| if index < 256 { 0 } else { index as u64 * 0x1000 + 3 });
        let memory = RefCell::new(BTreeMap::from([(KERNEL, Box::new(kernel))]));
        Self { memory, invalidated: RefCell::default(), retired: Cell::new(0) }
    }
}

impl PageHardware for &FakeHardware {
    fn load(&self, table: u64, index: usize) -> u64 {
        self.memory.borrow()[&table][index]
    }

    fn store(&self, table: u64, index: usize, entry: u64) {
        self.memory.borrow_mut().get_mut(&table).expect("a cleared frame")[index] = entry;
    }

    fn clear(&self, frame: u64) {
        self.memory.borrow_mut().insert(frame, Box::new([0; 512]));
    }

    fn invalidate(&self, _root: u64, pages: Range<u64>) {
        self.invalidated.borrow_mut().extend(pages.step_by(4096));
    }

    fn retire(&self, root: u64) {
        self.retired.set(root);
    }
}

/// What each page of a program is.
#[derive(Default)]
struct Model {
    mapped: BTreeMap<u64, Access>,
    reserved: BTreeMap<u64, Access>,
}

impl Model {
    fn occupied(&self, pages: &[u64]) -> bool {
        pages.iter().any(|page| self.mapped.contains_key(page) || self.reserved.contains_key(page))
    }
}

#[derive(Clone, Debug)]
enum Step {
    Map(Range<u64>, Access),
    Reserve(Range<u64>, Access),
    Unmap(Range<u64>),
    Discard(Range<u64>),
    Protect(Range<u64>, Access),
    Touch(u64, Touch),
}

fn ranges() -> impl Strategy<Value = Range<u64>> {
    (0..PLACES.len(), 0..SPAN, 1..=SPAN).prop_map(|(place, first, pages)| {
        let start = PLACES[place] + first * FRAME_BYTES;
        start..start + pages.min(SPAN - first) * FRAME_BYTES
    })
}

fn accesses() -> impl Strategy<Value = Access> {
    prop_oneof![Just(Access::Read), Just(Access::ReadWrite), Just(Access::ReadExecute)]
}

fn touches() -> impl Strategy<Value = Touch> {
    prop_oneof![Just(Touch::Read), Just(Touch::Write), Just(Touch::Execute)]
}

fn steps() -> impl Strategy<Value = Step> {
    prop_oneof![
        (ranges(), accesses()).prop_map(|(range, access)| Step::Map(range, access)),
        (ranges(), accesses()).prop_map(|(range, access)| Step::Reserve(range, access)),
        ranges().prop_map(Step::Unmap),
        ranges().prop_map(Step::Discard),
        (ranges(), accesses()).prop_map(|(range, access)| Step::Protect(range, access)),
        (ranges(), 0..FRAME_BYTES, touches())
            .prop_map(|(range, offset, touch)| Step::Touch(range.start + offset, touch)),
    ]
}

fn pages(range: &Range<u64>) -> Vec<u64> {
    range.clone().step_by(4096).collect()
}

fn mapped_in(model: &Model, range: &Range<u64>) -> Vec<u64> {
    model.mapped.range(range.clone()).map(|(page, _)| *page).collect()
}

/// Takes `step` in both and compares what they say.
fn take(space: &mut AddressSpace<'_, &FakeHardware>, model: &mut Model, step: &Step) {
    match step {
        Step::Map(range, access) => {
            let is_free = !model.occupied(&pages(range));
            match space.map(range.clone(), *access) {
                Ok(()) => {
                    assert!(is_free);
                    model.mapped.extend(pages(range).into_iter().map(|page| (page, *access)));
                }
                Err(error) => {
                    let is_short = error == MapError::OutOfFrames;
                    assert!(
                        is_short
                            || matches!(error, MapError::Occupied(at) if !is_free && range.contains(&at))
                    );
                    // Pages before an occupied one were not there, and are not there now.
                    assert_eq!(mapped_in(model, range).len() as u64, count(space, range));
                }
            }
        }
        Step::Reserve(range, access) => {
            let is_free = !model.occupied(&pages(range));
            assert_eq!(space.reserve(range.clone(), *access).is_ok(), is_free);
            if is_free {
                model.reserved.extend(pages(range).into_iter().map(|page| (page, *access)));
            }
        }
        Step::Unmap(range) | Step::Discard(range) => {
            let mapped = mapped_in(model, range);
            let is_unmap = matches!(step, Step::Unmap(_));
            let gone = if is_unmap { space.unmap(range.clone()) } else { space.discard(range.clone()) };
            assert_eq!(gone, Ok(mapped.len() as u64));
            model.mapped.retain(|page, _| !range.contains(page));
            model.reserved.retain(|page, _| !is_unmap || !range.contains(page));
        }
        Step::Protect(range, access) => {
            assert_eq!(space.protect(range.clone(), *access), Ok(mapped_in(model, range).len() as u64));
            for rights in [&mut model.mapped, &mut model.reserved] {
                rights.range_mut(range.clone()).for_each(|(_, old)| *old = *access);
            }
        }
        Step::Touch(address, touch) => {
            let page = address - address % FRAME_BYTES;
            let access = model.mapped.get(&page).or(model.reserved.get(&page)).copied();
            let expected = match access {
                None => Err(FaultError::NotMapped),
                Some(access) if !access.allows(*touch) => Err(FaultError::Denied),
                Some(_) => Ok(()),
            };
            let resolved = space.resolve(*address, *touch);
            assert!(resolved == expected || (expected == Ok(()) && resolved == Err(FaultError::OutOfFrames)));
            if let (Ok(()), Some(access)) = (resolved, access) {
                model.mapped.insert(page, access);
            }
        }
    }
}

fn count(space: &AddressSpace<'_, &FakeHardware>, range: &Range<u64>) -> u64 {
    pages(range).into_iter().filter(|page| space.translate(*page).is_some()).count() as u64
}

/// Every page of every place is what the model says, and no two have the same frame.
fn compare(space: &AddressSpace<'_, &FakeHardware>, model: &Model) {
    let mut frames = BTreeSet::new();
    for page in PLACES.into_iter().flat_map(|place| pages(&(place..place + SPAN * FRAME_BYTES))) {
        let found = space.translate(page + 123);
        assert_eq!(found.map(|(_, access)| access), model.mapped.get(&page).copied(), "{page:#x}");
        if let Some((address, _)) = found {
            assert_eq!(address % FRAME_BYTES, 123);
            assert!(frames.insert(address));
        }
    }
    assert_eq!(space.usage().pages, frames.len() as u64);
}

proptest! {
    #[test]
    fn a_space_is_what_its_model_says(
        steps in prop::collection::vec(steps(), 1..60),
        frames in prop_oneof![Just(200_u64), 1_u64..40],
    ) {
        let frames = machine(frames);
        let before = frames.lock().usage();
        let hardware = FakeHardware::new();
        let cache = FrameCache::new(&frames);
        if let Ok(mut space) = AddressSpace::new(&hardware, &cache, KERNEL) {
            let mut model = Model::default();
            for step in &steps {
                let reachable: Vec<(u64, u64, Access)> = model.mapped.keys()
                    .filter_map(|page| space.translate(*page).map(|(frame, access)| (*page, frame, access)))
                    .collect();
                hardware.invalidated.borrow_mut().clear();
                take(&mut space, &mut model, step);
                compare(&space, &model);
                for (page, frame, access) in reachable {
                    let is_same = space.translate(page) == Some((frame, access));
                    prop_assert!(is_same || hardware.invalidated.borrow().contains(&page), "{page:#x} is stale");
                }
            }
        }
        drop(cache);
        prop_assert_eq!(frames.lock().usage(), before);
    }
}

/// A machine with `count` frames.
fn machine(count: u64) -> Mutex<Frames> {
    let range = FIRST_FRAME..FIRST_FRAME + count * FRAME_BYTES;
    Mutex::new(Frames::new(&[range]).expect("memory for the tables"))
}

/// A space on plenty of frames.
fn with_space(check: impl FnOnce(&FakeHardware, AddressSpace<'_, &FakeHardware>)) {
    let frames = machine(256);
    let hardware = FakeHardware::new();
    let cache = FrameCache::new(&frames);
    let space = AddressSpace::new(&hardware, &cache, KERNEL).expect("there are frames");
    check(&hardware, space);
}

#[test]
fn the_upper_half_is_the_kernels_and_no_user_page() {
    with_space(|hardware, mut space| {
        space.map(0x40_0000..0x40_2000, Access::ReadWrite).expect("it is free");
        let memory = hardware.memory.borrow();
        assert_eq!(memory[&space.root()][256..], memory[&KERNEL][256..]);
        assert_eq!(space.usage(), SpaceUsage { tables: 4, pages: 2 });
    });
}

#[test]
fn what_is_not_user_memory_is_refused() {
    with_space(|_, mut space| {
        let refused =
            [0..0x1000, 0xf000..0x1_1000, USER_END - 0x1000..USER_END + 0x1000, 1 << 63..(1 << 63) + 0x1000];
        for range in refused {
            let refusal = Err(MapError::NotUser { start: range.start, end: range.end });
            assert_eq!(space.map(range.clone(), Access::Read), refusal);
            assert_eq!(space.unmap(range), refusal.map(|()| 0));
        }
        for range in [0x1_0001..0x1_1000, 0x1_0000..0x1_0fff, 0x2_0000..0x2_0000, 0x2_0fff..0x3_0001] {
            let refusal = Err(MapError::NotPages { start: range.start, end: range.end });
            assert_eq!(space.reserve(range, Access::Read), refusal);
        }
        assert_eq!(space.translate(1 << 47), None);
        assert_eq!(space.resolve(u64::MAX, Touch::Read), Err(FaultError::NotMapped));
        space.map(USER_END - 0x1000..USER_END, Access::Read).expect("the last page is the program's");
    });
}

#[test]
fn its_tables_are_out_of_use_before_they_are_given_back() {
    with_space(|hardware, space| {
        let root = space.root();
        drop(space);
        assert_eq!(hardware.retired.get(), root);
    });
}
