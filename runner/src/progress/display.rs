//! What the user sees while a boot runs.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use perf_kernel::plan::Plan;
use perf_kernel::wire::{BenchRecord, Clock, Hello, Start, Status};

use super::Remaining;
use crate::collect::{Boot, Observer};
use crate::report::clean;

/// Where progress goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// A bar on a terminal, lines elsewhere, on standard error.
    Live,
    /// Nowhere.
    Never,
}

/// Watches one boot.
pub struct Progress {
    surface: Surface,
    /// `boot 1 of 2`, or empty for a single one.
    label: String,
    remaining: Remaining,
    first_start: Option<Instant>,
}

enum Surface {
    Bar(ProgressBar),
    Lines(Box<dyn Write>),
    None,
}

/// How often the bar is drawn while nothing happens.
const TICK: Duration = Duration::from_millis(200);

impl Progress {
    /// Progress of boot `number` of `total` under `plan`.
    #[must_use]
    pub fn new(shown: Shown, plan: &Plan, number: u32, total: u32) -> Self {
        let label = if total > 1 { format!("boot {number} of {total}: ") } else { String::new() };
        let surface = match shown {
            Shown::Never => Surface::None,
            Shown::Live if io::stderr().is_terminal() => Surface::Bar(bar(&label)),
            Shown::Live => Surface::Lines(Box::new(io::stderr())),
        };
        Self { surface, label, remaining: Remaining::of(plan), first_start: None }
    }

    /// The same with lines that go to `lines`.
    #[cfg(test)]
    fn in_lines(plan: &Plan, lines: Box<dyn Write>) -> Self {
        Self {
            surface: Surface::Lines(lines),
            label: String::new(),
            remaining: Remaining::of(plan),
            first_start: None,
        }
    }

    /// Shows `text` above the bar or on a line of its own.
    pub fn say(&mut self, text: &str) {
        let text = clean(text);
        match &mut self.surface {
            Surface::Bar(bar) => bar.println(text),
            // Progress that cannot be shown is no reason to end a boot.
            Surface::Lines(lines) => drop(writeln!(lines, "{}{text}", self.label)),
            Surface::None => {}
        }
    }

    fn time_left(&self) -> Option<String> {
        let elapsed = self.first_start?.elapsed();
        let left = self.remaining.time_left(elapsed)?.as_secs();
        Some(if left >= 60 {
            format!("{} min {} s left", left / 60, left % 60)
        } else {
            format!("{left} s left")
        })
    }
}

fn bar(label: &str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{prefix}{spinner} {elapsed:>4} {msg}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
    bar.set_prefix(label.to_owned());
    bar.set_message("starting the machine");
    bar.enable_steady_tick(TICK);
    bar
}

impl Observer for Progress {
    fn hello(&mut self, hello: &Hello) {
        if let Surface::Bar(bar) = &self.surface {
            let style = ProgressStyle::with_template("{prefix}[{bar:24}] {pos:>3}/{len} {elapsed:>4}  {msg}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> "));
            bar.set_length(hello.benches_planned.into());
            bar.set_message("calibrating the clock");
        } else {
            self.say(&format!("the kernel runs, {} benches are planned", hello.benches_planned));
        }
    }

    fn clock(&mut self, clock: &Clock) {
        if matches!(self.surface, Surface::Lines(_)) {
            self.say(&format!("mode {}", clock.mode.name()));
        }
    }

    fn start(&mut self, start: &Start) {
        self.first_start.get_or_insert_with(Instant::now);
        let left = self.time_left().map(|left| format!(", {left}")).unwrap_or_default();
        if let Surface::Bar(bar) = &self.surface {
            bar.set_length(start.total.into());
            bar.set_position(start.index.into());
            bar.set_message(format!("{}{left}", clean(&start.id)));
        } else if self.remaining.is_built(&start.id) {
            self.say(&format!("[{}/{}] {}{left}", start.index.saturating_add(1), start.total, start.id));
        }
    }

    fn bench(&mut self, bench: &BenchRecord) {
        self.remaining.ended(&bench.id, bench.status);
        if let Surface::Bar(bar) = &self.surface {
            bar.inc(1);
        }
        if matches!(bench.status, Status::Failed | Status::Invalid) {
            let word = if bench.status == Status::Failed { "failed" } else { "invalid" };
            self.say(&format!(
                "{} {word}: {}",
                bench.id,
                bench.reason.as_deref().unwrap_or("no reason given")
            ));
        }
    }

    fn closed(&mut self, _boot: &Boot) {
        if let Surface::Bar(bar) = &self.surface {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Surface::Bar(bar) = &self.surface {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;
    use perf_kernel::plan::ScaleChoice;
    use perf_kernel::wire::Mode;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("one thread").write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn without_a_terminal_there_are_plain_lines() {
        let plan = Plan { scales: ScaleChoice::All, ..Plan::quick() };
        let lines = Lines::default();
        let mut progress = Progress::in_lines(&plan, Box::new(lines.clone()));
        progress.hello(&samples::hello("n", 3));
        progress.clock(&samples::clock(Mode::Tcg));
        progress.start(&Start { id: "not/built".into(), index: 0, total: 3 });
        progress.bench(&samples::skipped("not/built", "not built yet"));
        let failed = BenchRecord { status: Status::Failed, ..samples::skipped("x/y\u{1b}[2J", "it broke") };
        progress.bench(&failed);
        drop(progress);
        let text = String::from_utf8(lines.0.lock().expect("one thread").clone()).expect("text");
        let expected = "the kernel runs, 3 benches are planned\nmode tcg\nx/y\\u{1b}[2J failed: it broke\n";
        assert_eq!(text, expected);
    }
}
