//! When to ask for frames again.

use std::ops::RangeInclusive;
use std::time::Duration;

use perf_kernel::wire::Command;

/// Decides when a gap is asked for. One request is out at a time: a UART holds 16 bytes of what a busy kernel has not
/// read yet, so that a second command could push the first one out.
#[derive(Debug, Default)]
pub(super) struct Requests {
    asked: Option<Asked>,
    /// Gaps that begin below are given up.
    given_up_below: u64,
    has_ended: bool,
}

/// The request that is out.
#[derive(Debug)]
struct Asked {
    range: RangeInclusive<u64>,
    since: Duration,
    tries: u32,
}

/// Times that a gap is asked for without any of its frames coming.
const TRIES_MAX: u32 = 6;

/// How long the first answer of a kernel that runs benches may take: it listens between benches only. Every further
/// try waits twice as long as the one before.
const WAIT_RUNNING: Duration = Duration::from_secs(1);

/// How long an answer may take when the kernel has ended and does nothing but listen.
const WAIT_ENDED: Duration = Duration::from_millis(300);

impl Requests {
    /// What to ask at host time `now`, given the gaps in ascending order.
    pub(super) fn next(
        &mut self,
        gaps: impl Iterator<Item = RangeInclusive<u64>>,
        has_ended: bool,
        now: Duration,
    ) -> Option<Command> {
        if has_ended != self.has_ended {
            // Every gap has another chance, now that the kernel only listens.
            *self = Self { has_ended, ..Self::default() };
        }
        for gap in gaps.filter(|gap| *gap.start() >= self.given_up_below).collect::<Vec<_>>() {
            match self.consider(&gap, now) {
                Verdict::Ask(tries) => {
                    self.asked = Some(Asked { range: gap.clone(), since: now, tries });
                    return Some(Command::Resend { from: *gap.start(), to: *gap.end() });
                }
                Verdict::Wait => return None,
                Verdict::GiveUp => {
                    self.given_up_below = gap.start().saturating_add(1);
                    self.asked = None;
                }
            }
        }
        None
    }

    /// Whether nothing more can be hoped for from asking about `gaps`.
    pub(super) fn are_exhausted(&self, mut gaps: impl Iterator<Item = RangeInclusive<u64>>) -> bool {
        gaps.all(|gap| *gap.start() < self.given_up_below)
    }

    fn consider(&mut self, gap: &RangeInclusive<u64>, now: Duration) -> Verdict {
        let wait_first = if self.has_ended { WAIT_ENDED } else { WAIT_RUNNING };
        let Some(asked) = self.asked.as_mut().filter(|asked| asked.range.contains(gap.start())) else {
            return Verdict::Ask(1);
        };
        if asked.range.start() != gap.start() {
            // The answer is coming in: wait for the rest of it.
            *asked = Asked { range: *gap.start()..=*asked.range.end(), since: now, tries: 0 };
        }
        let doublings = if self.has_ended { 0 } else { asked.tries.saturating_sub(1) };
        if now.saturating_sub(asked.since) < wait_first * 2_u32.pow(doublings) {
            Verdict::Wait
        } else if asked.tries < TRIES_MAX {
            Verdict::Ask(asked.tries + 1)
        } else {
            Verdict::GiveUp
        }
    }
}

enum Verdict {
    Ask(u32),
    Wait,
    GiveUp,
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn ask(requests: &mut Requests, gaps: &[(u64, u64)], now: Duration) -> Option<(u64, u64)> {
        match requests.next(gaps.iter().map(|(from, to)| *from..=*to), requests.has_ended, now) {
            Some(Command::Resend { from, to }) => Some((from, to)),
            _ => None,
        }
    }

    #[test]
    fn a_gap_is_asked_for_at_once_and_then_ever_more_rarely() {
        let mut requests = Requests::default();
        let times: Vec<u64> =
            (0..200).filter(|now| ask(&mut requests, &[(3, 5)], seconds(*now)).is_some()).collect();
        assert_eq!(times, [0, 1, 3, 7, 15, 31]);
        assert!(requests.are_exhausted(std::iter::once(3..=5)));
    }

    #[test]
    fn the_next_gap_is_asked_for_when_the_first_is_closed_or_given_up() {
        let mut requests = Requests::default();
        assert_eq!(ask(&mut requests, &[(3, 5), (9, 9)], seconds(0)), Some((3, 5)));
        assert_eq!(ask(&mut requests, &[(3, 5), (9, 9)], seconds(0)), None);
        assert_eq!(ask(&mut requests, &[(9, 9)], seconds(0)), Some((9, 9)));
        let mut requests = Requests::default();
        let asked: Vec<_> =
            (0..200).filter_map(|now| ask(&mut requests, &[(3, 5), (9, 9)], seconds(now))).collect();
        assert_eq!(asked, [[(3, 5); 6], [(9, 9); 6]].concat());
    }

    #[test]
    fn an_answer_that_is_coming_in_is_waited_for() {
        let mut requests = Requests::default();
        assert_eq!(ask(&mut requests, &[(3, 8)], seconds(0)), Some((3, 8)));
        assert_eq!(ask(&mut requests, &[(5, 8)], seconds(10)), None);
        assert_eq!(ask(&mut requests, &[(5, 8)], seconds(11)), Some((5, 8)));
    }

    #[test]
    fn after_the_end_every_gap_has_another_chance_within_the_kernels_patience() {
        let mut requests = Requests::default();
        for now in 0..200 {
            ask(&mut requests, &[(3, 5)], seconds(now));
        }
        let asked_at = |millisecond: &u64| {
            let now = seconds(300) + Duration::from_millis(*millisecond);
            requests.next(std::iter::once(3..=5), true, now).is_some()
        };
        let times: Vec<u64> = (0..10_000).filter(asked_at).collect();
        assert_eq!(times, [0, 300, 600, 900, 1200, 1500]);
    }
}
