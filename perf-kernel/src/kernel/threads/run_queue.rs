//! Threads that are ready to run on one CPU.

use multios_core::sync::Priority;

const NONE: u32 = u32::MAX;
const LEVELS: usize = Priority::LEVELS as usize;

/// The neighbours of one thread in its queue, by slot.
#[derive(Clone, Copy, Debug)]
pub(super) struct Links {
    before: u32,
    after: u32,
}

impl Links {
    pub(super) const NONE: Self = Self { before: NONE, after: NONE };
}

/// A list for each priority, linked through a table that all CPUs share: each operation takes the same few steps,
/// however many threads are ready.
pub(super) struct RunQueue {
    /// Bit `n` is set if threads of level `n` are ready.
    levels: u32,
    first: [u32; LEVELS],
    last: [u32; LEVELS],
    length: usize,
}

impl RunQueue {
    pub(super) const fn new() -> Self {
        Self { levels: 0, first: [NONE; LEVELS], last: [NONE; LEVELS], length: 0 }
    }

    /// Ready threads.
    pub(super) const fn len(&self) -> usize {
        self.length
    }

    /// The priority of the thread that [`RunQueue::pop`] would take.
    pub(super) fn highest(&self) -> Option<Priority> {
        let level = self.levels.checked_ilog2()?;
        u8::try_from(level).ok().and_then(Priority::new)
    }

    /// Whether threads of one of `levels` are ready, which are bits.
    #[inline]
    pub(super) const fn has_any(&self, levels: u32) -> bool {
        self.levels & levels != 0
    }

    /// Puts `slot`, which is in no queue, behind those of its priority.
    pub(super) fn push_back(&mut self, links: &mut [Links], slot: u32, priority: Priority) {
        let level = usize::from(priority.level());
        let last = core::mem::replace(&mut self.last[level], slot);
        links[at(slot)] = Links { before: last, after: NONE };
        match last {
            NONE => self.first[level] = slot,
            last => links[at(last)].after = slot,
        }
        self.added(level);
    }

    /// Puts `slot`, which is in no queue, before those of its priority.
    pub(super) fn push_front(&mut self, links: &mut [Links], slot: u32, priority: Priority) {
        let level = usize::from(priority.level());
        let first = core::mem::replace(&mut self.first[level], slot);
        links[at(slot)] = Links { before: NONE, after: first };
        match first {
            NONE => self.last[level] = slot,
            first => links[at(first)].before = slot,
        }
        self.added(level);
    }

    /// Takes the first of the highest priority.
    pub(super) fn pop(&mut self, links: &mut [Links]) -> Option<u32> {
        let priority = self.highest()?;
        let slot = self.first[usize::from(priority.level())];
        self.remove(links, slot, priority);
        Some(slot)
    }

    /// [`RunQueue::push_back`] and [`RunQueue::pop`] in one, and in a few steps for two threads that take turns.
    #[inline(always)]
    pub(super) fn exchange(&mut self, links: &mut [Links], slot: u32, priority: Priority) -> Option<u32> {
        let level = usize::from(priority.level());
        let first = self.first[level];
        if self.highest() == Some(priority) && self.last[level] == first {
            self.first[level] = slot;
            self.last[level] = slot;
            links[at(slot)] = Links::NONE;
            return Some(first);
        }
        self.exchange_among_several(links, slot, priority)
    }

    #[cold]
    fn exchange_among_several(&mut self, links: &mut [Links], slot: u32, priority: Priority) -> Option<u32> {
        self.push_back(links, slot, priority);
        self.pop(links)
    }

    /// Takes `slot`, which is in this queue with `priority`.
    pub(super) fn remove(&mut self, links: &mut [Links], slot: u32, priority: Priority) {
        let level = usize::from(priority.level());
        let Links { before, after } = core::mem::replace(&mut links[at(slot)], Links::NONE);
        match before {
            NONE => self.first[level] = after,
            before => links[at(before)].after = after,
        }
        match after {
            NONE => self.last[level] = before,
            after => links[at(after)].before = before,
        }
        if self.first[level] == NONE {
            self.levels &= !(1 << level);
        }
        self.length -= 1;
    }

    const fn added(&mut self, level: usize) {
        self.levels |= 1 << level;
        self.length += 1;
    }
}

const fn at(slot: u32) -> usize {
    slot as usize
}

#[cfg(test)]
mod tests {
    use alloc::vec;
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::super::thread::Thread;
    use super::*;

    const SLOTS: u32 = 12;

    proptest! {
        #[test]
        fn a_queue_is_lists_by_priority(steps in prop::collection::vec((0_u8..5, 0..SLOTS, 0..Priority::LEVELS), 0..200)) {
            let (mut queue, mut links) = (RunQueue::new(), vec![Links::NONE; SLOTS as usize]);
            let mut model: Vec<Vec<u32>> = vec![Vec::new(); LEVELS];
            for (step, slot, level) in steps {
                let priority = Priority::new(level).expect("a level");
                let place = model.iter().enumerate().find_map(|(level, list)| {
                    list.iter().position(|other| *other == slot).map(|at| (level, at))
                });
                match (step, place) {
                    (0, None) => {
                        queue.push_back(&mut links, slot, priority);
                        model[usize::from(level)].push(slot);
                    }
                    (1, None) => {
                        queue.push_front(&mut links, slot, priority);
                        model[usize::from(level)].insert(0, slot);
                    }
                    (2, Some((level, at))) => {
                        let priority = Priority::new(u8::try_from(level).expect("a level")).expect("a level");
                        queue.remove(&mut links, slot, priority);
                        model[level].remove(at);
                    }
                    (4, None) => {
                        model[usize::from(level)].push(slot);
                        let highest = model.iter_mut().rev().find(|list| !list.is_empty());
                        let expected = highest.map(|list| list.remove(0));
                        prop_assert_eq!(queue.exchange(&mut links, slot, priority), expected);
                    }
                    (3, _) => {
                        let highest = model.iter_mut().rev().find(|list| !list.is_empty());
                        prop_assert_eq!(queue.pop(&mut links), highest.map(|list| list.remove(0)));
                    }
                    _ => {}
                }
                let highest = model.iter().rposition(|list| !list.is_empty());
                prop_assert_eq!(queue.highest().map(|priority| usize::from(priority.level())), highest);
                for level in (0..Priority::LEVELS).filter_map(Priority::new) {
                    let is_above = highest.is_some_and(|highest| highest > usize::from(level.level()));
                    let mut thread = Thread::<()>::free();
                    thread.set_priority(level);
                    prop_assert_eq!(queue.has_any(thread.more_urgent), is_above);
                }
                prop_assert_eq!(queue.len(), model.iter().map(Vec::len).sum::<usize>());
            }
        }
    }
}
