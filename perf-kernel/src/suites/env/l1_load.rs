//! A dependent load that hits the first-level cache.

use crate::measure::{BenchError, Bencher, Expected};

/// Links of the chain: 4 KiB, which any first-level cache holds.
const LINKS: usize = 512;
/// Loads in one iteration. Each iteration ends where it began, half of the chain being as long as one.
const LOADS: u64 = 256;
/// From one link to the next: odd and far, so that neighbours in the chain are none in memory, and the chain visits
/// every link before it closes.
const STRIDE: usize = 197;

/// A closed chain of indices: where each load goes is known only once the one before it has come back.
#[derive(Clone, Debug)]
pub(crate) struct Chain {
    links: [usize; LINKS],
    at: usize,
}

impl Chain {
    /// Loads in one walk.
    pub(crate) const LOADS: u64 = LOADS;

    /// What a walk returns, whichever half of the chain it is on.
    pub(crate) const RESULT: u64 = 0;

    /// A chain at its beginning, all of it touched.
    pub(crate) fn new() -> Self {
        let mut links = [0; LINKS];
        for (at, link) in links.iter_mut().enumerate() {
            *link = (at + STRIDE) % LINKS;
        }
        Self { links, at: 0 }
    }

    /// Follows the chain for 256 loads. Two walks close it, so that the position is 0 or half of the chain; what is
    /// left of it modulo that half is the result. It begins where the walk before it ended, so that walks cannot overlap.
    #[inline(always)]
    pub(crate) fn walk(&mut self) -> u64 {
        let mut at = self.at;
        for _ in 0..LOADS {
            // Always there; looking beside the array would end the walk, at no cost to the chain of loads.
            let Some(next) = self.links.get(at) else { break };
            at = *next;
        }
        self.at = at;
        u64::try_from(at % (LINKS / 2)).unwrap_or(u64::MAX)
    }
}

pub(super) fn l1_load(bencher: &mut Bencher<'_>) -> Result<(), BenchError> {
    bencher.set_operations(Chain::LOADS);
    let mut chain = Chain::new();
    bencher.measure(Expected::Each(Chain::RESULT), || chain.walk())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chain_visits_every_link_before_it_closes() {
        let chain = Chain::new();
        let mut at = 0;
        let mut visited = [false; LINKS];
        for _ in 0..LINKS {
            assert!(!visited[at]);
            visited[at] = true;
            at = chain.links[at];
        }
        assert_eq!(at, 0);
    }

    #[test]
    fn every_walk_ends_at_the_beginning_or_the_middle() {
        let mut chain = Chain::new();
        for walk in 1..=4 {
            assert_eq!(chain.walk(), Chain::RESULT);
            assert_eq!(chain.at, walk % 2 * LINKS / 2);
        }
    }
}
