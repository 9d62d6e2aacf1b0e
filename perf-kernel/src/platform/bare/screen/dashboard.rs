//! What stands where on the screen.

use alloc::format;
use alloc::string::String;

use super::canvas::Canvas;
use super::figures::figure;
use super::grid::{Grid, Ink, Paper};
use crate::units::Hertz;
use crate::wire::{BenchRecord, EndReason, Mode, Start, Status};

const TITLE_ROW: usize = 0;
const MACHINE_ROW: usize = 1;
const PROGRESS_ROW: usize = 3;
const HEADING_ROW: usize = 5;
const RESULTS_ROW: usize = 6;
/// The row of counts and a blank one above it.
const FOOT_ROWS: usize = 2;

const MARGIN: usize = 2;
const ID_COLUMNS: usize = 36;
const FIGURE_COLUMNS: usize = 11;
const GAP_COLUMNS: usize = 3;
const RESULT_COLUMNS: usize = ID_COLUMNS + 2 * FIGURE_COLUMNS + GAP_COLUMNS;
const BAR_COLUMNS_MAX: usize = 40;

/// The machine in words.
#[derive(Clone, Debug, Default)]
pub(in crate::platform::bare) struct MachineView {
    /// Processor, memory and firmware, in one line.
    pub(in crate::platform::bare) machine: String,
    /// Plan and where records go, in a few words.
    pub(in crate::platform::bare) plan: String,
}

/// A crash in words.
#[derive(Clone, Debug)]
pub(in crate::platform::bare) struct CrashView<'a> {
    /// The exception's mnemonic or `panic`.
    pub(in crate::platform::bare) cause: &'a str,
    /// What happened.
    pub(in crate::platform::bare) message: &'a str,
    /// The bench that ran.
    pub(in crate::platform::bare) bench: Option<&'a str>,
    /// Where it happened; `None` for a panic.
    pub(in crate::platform::bare) instruction: Option<u64>,
    /// Return addresses, innermost first.
    pub(in crate::platform::bare) backtrace: &'a [u64],
    /// Where the image lies.
    pub(in crate::platform::bare) image_base: u64,
}

/// The screen of a boot.
pub(in crate::platform::bare) struct Dashboard<B> {
    canvas: Canvas<B>,
    grid: Grid,
    shown: usize,
    not_shown: usize,
    counts: Counts,
    is_emulated: bool,
}

/// Benches by outcome.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    measured: usize,
    skipped: usize,
    failed: usize,
    invalid: usize,
}

impl<B: AsMut<[u8]>> Dashboard<B> {
    /// A screen with a title.
    pub(in crate::platform::bare) fn new(mut canvas: Canvas<B>) -> Self {
        canvas.clear();
        let mut grid = Grid::new(canvas.columns(), canvas.rows());
        grid.clear_row(TITLE_ROW, Paper::Header);
        grid.clear_row(MACHINE_ROW, Paper::Header);
        let behind = grid.put(TITLE_ROW, MARGIN, "multios perf-kernel", Ink::Accent);
        grid.put(TITLE_ROW, behind + 1, env!("CARGO_PKG_VERSION"), Ink::Dim);
        grid.put(PROGRESS_ROW, MARGIN, "starting", Ink::Dim);
        let mut dashboard =
            Self { canvas, grid, shown: 0, not_shown: 0, counts: Counts::default(), is_emulated: false };
        dashboard.draw();
        dashboard
    }

    /// Shows what the boot runs on and what it is asked to do.
    pub(in crate::platform::bare) fn show_machine(&mut self, view: &MachineView) {
        self.grid.put_right(TITLE_ROW, self.right(), &view.plan, Ink::Dim);
        self.grid.put(MACHINE_ROW, MARGIN, &view.machine, Ink::Text);
        self.draw();
    }

    /// Shows in one line why nothing runs.
    pub(in crate::platform::bare) fn show_refusal(&mut self, reason: &str) {
        self.grid.clear_row(PROGRESS_ROW, Paper::Page);
        let behind = self.grid.put(PROGRESS_ROW, MARGIN, "refused: ", Ink::Alarm);
        self.put_wrapped(PROGRESS_ROW, behind, reason, Ink::Text);
        self.draw();
    }

    /// Shows that a bench is about to start.
    pub(in crate::platform::bare) fn show_start(&mut self, start: &Start) {
        let total = usize::try_from(start.total).unwrap_or(usize::MAX);
        let index = usize::try_from(start.index).unwrap_or(usize::MAX);
        let behind = self.put_bar(index, total);
        let place = format!("{} / {}", u64::from(start.index) + 1, start.total);
        let behind = self.grid.put(PROGRESS_ROW, behind + 2, &place, Ink::Text);
        self.grid.put(PROGRESS_ROW, behind + 2, &start.id, Ink::Accent);
        self.put_counts(None);
        self.draw();
    }

    /// Takes over what came of a bench; it is drawn with the next start or end.
    pub(in crate::platform::bare) fn add_result(
        &mut self,
        record: &BenchRecord,
        mode: Mode,
        frequency: Hertz,
    ) {
        let count = match record.status {
            Status::Measured => &mut self.counts.measured,
            Status::Skipped => &mut self.counts.skipped,
            Status::Failed => &mut self.counts.failed,
            Status::Invalid => &mut self.counts.invalid,
        };
        *count += 1;
        self.is_emulated = mode == Mode::Tcg;
        if record.status == Status::Skipped {
            return;
        }
        if self.shown >= self.capacity() {
            self.not_shown += 1;
            return;
        }
        if self.shown.is_multiple_of(self.result_rows()) {
            self.put_heading(mode);
        }
        self.put_result(record, mode, frequency);
        self.shown += 1;
    }

    /// Shows that the boot has ended.
    pub(in crate::platform::bare) fn show_end(&mut self, reason: EndReason) {
        let behind = self.put_bar(1, 1);
        let (text, ink) = match reason {
            EndReason::Done => ("done: every bench was measured or skipped", Ink::Good),
            EndReason::FailedBenches => ("done: some benches failed or are invalid", Ink::Warning),
            EndReason::Crashed => ("crashed", Ink::Alarm),
            EndReason::Resets => ("crashed: the machine is reset", Ink::Alarm),
            EndReason::Refused => ("refused: the plan cannot be run", Ink::Alarm),
            EndReason::Unknown => ("ended", Ink::Text),
        };
        self.grid.put(PROGRESS_ROW, behind + 2, text, ink);
        self.put_counts(Some(ink));
        self.draw();
    }

    /// Shows a crash in place of the results.
    pub(in crate::platform::bare) fn show_crash(&mut self, crash: &CrashView<'_>) {
        for row in PROGRESS_ROW..self.grid.rows() {
            self.grid.clear_row(row, Paper::Page);
        }
        self.grid.clear_row(PROGRESS_ROW, Paper::Alarm);
        let behind = self.grid.put(PROGRESS_ROW, MARGIN, &format!("crashed: {}", crash.cause), Ink::Text);
        if let Some(bench) = crash.bench {
            self.grid.put(PROGRESS_ROW, behind, &format!(" in {bench}"), Ink::Text);
        }
        let mut row = self.put_wrapped(HEADING_ROW, MARGIN, crash.message, Ink::Alarm) + 2;
        let base = crash.image_base;
        if let Some(at) = crash.instruction {
            self.grid.put(
                row,
                MARGIN,
                &format!("at   {at:#018x}   image + {:#x}", at.wrapping_sub(base)),
                Ink::Alarm,
            );
            row += 1;
        }
        for address in crash.backtrace {
            let offset = address.wrapping_sub(base);
            self.grid.put(row, MARGIN, &format!("from {address:#018x}   image + {offset:#x}"), Ink::Alarm);
            row += 1;
        }
        self.draw();
    }

    fn draw(&mut self) {
        let canvas = &mut self.canvas;
        self.grid.draw_changes(|row, column, cell| canvas.draw(row, column, cell));
    }

    fn right(&self) -> usize {
        self.grid.columns().saturating_sub(MARGIN)
    }

    fn result_rows(&self) -> usize {
        self.grid.rows().saturating_sub(RESULTS_ROW + FOOT_ROWS).max(1)
    }

    fn capacity(&self) -> usize {
        let room = (self.grid.columns() + GAP_COLUMNS).saturating_sub(2 * MARGIN);
        self.result_rows() * (room / RESULT_COLUMNS).max(1)
    }

    /// The first column of the result that comes next.
    fn left(&self) -> usize {
        MARGIN + self.shown / self.result_rows() * RESULT_COLUMNS
    }

    fn put_heading(&mut self, mode: Mode) {
        let left = self.left();
        let per_iteration = if mode == Mode::Icount { "bench (instructions)" } else { "bench" };
        self.grid.put(HEADING_ROW, left, per_iteration, Ink::Dim);
        self.grid.put_right(HEADING_ROW, left + ID_COLUMNS + FIGURE_COLUMNS, "P50", Ink::Dim);
        self.grid.put_right(HEADING_ROW, left + ID_COLUMNS + 2 * FIGURE_COLUMNS, "P99", Ink::Dim);
    }

    fn put_result(&mut self, record: &BenchRecord, mode: Mode, frequency: Hertz) {
        let row = RESULTS_ROW + self.shown % self.result_rows();
        let left = self.left();
        let (id_ink, ink) = match record.status {
            Status::Measured | Status::Skipped => (Ink::Text, Ink::Good),
            Status::Invalid => (Ink::Warning, Ink::Warning),
            Status::Failed => (Ink::Alarm, Ink::Alarm),
        };
        let mut id = record.id.as_str();
        if id.len() > ID_COLUMNS {
            id = id.get(..ID_COLUMNS).unwrap_or_default();
        }
        self.grid.put(row, left, id, id_ink);
        let ends = [left + ID_COLUMNS + FIGURE_COLUMNS, left + ID_COLUMNS + 2 * FIGURE_COLUMNS];
        match (&record.summary, record.status) {
            (_, Status::Failed) => self.grid.put_right(row, ends[1], "failed", ink),
            (Some(summary), _) => {
                for (end, value) in ends.into_iter().zip([summary.p50, summary.p99]) {
                    self.grid.put_right(row, end, &figure(record, value, mode, frequency), ink);
                }
            }
            (None, _) => self.grid.put_right(row, ends[1], "no samples", ink),
        }
    }

    /// Writes the bar with `done` of `total` and clears the rest of its row; returns the column behind it.
    fn put_bar(&mut self, done: usize, total: usize) -> usize {
        self.grid.clear_row(PROGRESS_ROW, Paper::Page);
        let columns = BAR_COLUMNS_MAX.min(self.grid.columns() / 3);
        let full = (columns * done.min(total)).checked_div(total).unwrap_or(0);
        self.grid.clear(PROGRESS_ROW, MARGIN, full, Paper::Full);
        self.grid.clear(PROGRESS_ROW, MARGIN + full, columns - full, Paper::Empty);
        MARGIN + columns
    }

    fn put_counts(&mut self, ink: Option<Ink>) {
        let row = self.grid.rows().saturating_sub(1);
        if row < RESULTS_ROW {
            return;
        }
        self.grid.clear_row(row, Paper::Page);
        let counts = self.counts;
        let count_ink = |count, ink| if count > 0 { ink } else { Ink::Dim };
        let mut column = MARGIN;
        for (name, count, ink) in [
            ("measured", counts.measured, ink.unwrap_or(Ink::Text)),
            ("skipped", counts.skipped, Ink::Dim),
            ("failed", counts.failed, count_ink(counts.failed, Ink::Alarm)),
            ("invalid", counts.invalid, count_ink(counts.invalid, Ink::Warning)),
        ] {
            column = self.grid.put(row, column, &format!("{count} {name}"), ink) + GAP_COLUMNS;
        }
        if self.is_emulated {
            self.grid.put_right(row, self.right(), "emulated: times say nothing about speed", Ink::Dim);
        }
        if self.not_shown > 0 {
            let text = format!("{} more do not fit the screen", self.not_shown);
            self.grid.put(row, column, &text, Ink::Dim);
        }
    }

    /// Writes `text` from `column` of `row` on, over as many rows as it takes, and returns the last.
    fn put_wrapped(&mut self, row: usize, column: usize, text: &str, ink: Ink) -> usize {
        let mut at = (row, column);
        for word in text.split(' ') {
            if at.1 + word.chars().count() > self.right() && at.1 > column {
                at = (at.0 + 1, column);
            }
            at.1 = self.grid.put(at.0, at.1, word, ink) + 1;
        }
        at.0
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;
    use alloc::vec;
    use alloc::vec::Vec;

    use super::super::canvas::{ColourOrder, PixelLayout};
    use super::*;

    fn dashboard(width: usize, height: usize) -> Dashboard<Vec<u8>> {
        let layout = PixelLayout { width, height, stride: width, pixel_bytes: 1, order: ColourOrder::Grey };
        Dashboard::new(Canvas::new(vec![0; width * height], layout).expect("it holds a cell"))
    }

    fn text(dashboard: &Dashboard<Vec<u8>>) -> String {
        let rows: Vec<String> =
            (0..dashboard.grid.rows()).map(|row| dashboard.grid.text(row).trim_end().to_string()).collect();
        rows.join("\n")
    }

    fn record(id: &str, status: Status) -> BenchRecord {
        let summary = r#"{"n":10,"min":1,"mean_milli":1,"deviation_milli":1,"mad":1,"p50":2000,"p90":1,"p95":1,
            "p99":50000,"p999":null,"max":1}"#;
        let json = format!(
            r#"{{"id":"{id}","status":"measured","unit":"ticks","iterations":1,"operations":1,"summary":{summary},
            "attempts":1,"successes":1,"overhead_ticks":1,"system":{{"elapsed_ticks":1}},"interference":{{}}}}"#
        );
        BenchRecord { status, ..serde_json::from_str(&json).expect("it is a record") }
    }

    fn finish(dashboard: &mut Dashboard<Vec<u8>>, count: usize) {
        for index in 0..count {
            let record = record(&format!("env/bench-{index}"), Status::Measured);
            dashboard.add_result(&record, Mode::Kvm, Hertz(1_000_000_000));
        }
    }

    #[test]
    fn the_summary_has_figures_in_aligned_columns_and_counts() {
        let mut dashboard = dashboard(1280, 720);
        dashboard.show_machine(&MachineView { machine: "a CPU".to_string(), plan: "plan quick".to_string() });
        dashboard.show_start(&Start { id: "env/bench-0".to_string(), index: 0, total: 50 });
        assert!(text(&dashboard).contains("1 / 50  env/bench-0"));
        finish(&mut dashboard, 50);
        dashboard.add_result(&record("a/failed", Status::Failed), Mode::Kvm, Hertz(1_000_000_000));
        dashboard.add_result(&record("a/skipped", Status::Skipped), Mode::Kvm, Hertz(1_000_000_000));
        dashboard.show_end(EndReason::FailedBenches);
        let text = text(&dashboard);
        assert!(text.contains("50 measured   1 skipped   1 failed   0 invalid"), "{text}");
        assert!(text.contains(&format!("{:36}{:>11}{:>11}", "env/bench-0", "2.00 us", "50.0 us")), "{text}");
        assert!(text.contains("env/bench-49") && !text.contains("a/skipped"), "{text}");
        let headings = text.lines().nth(HEADING_ROW).expect("a row of headings");
        assert_eq!(headings.matches("P99").count(), 2);
    }

    #[test]
    fn a_summary_too_long_for_the_screen_says_how_many_are_left_out() {
        let mut dashboard = dashboard(640, 480);
        finish(&mut dashboard, 100);
        dashboard.show_end(EndReason::Done);
        let shown = dashboard.shown;
        assert_eq!(shown, 480 / 18 - RESULTS_ROW - FOOT_ROWS);
        assert!(text(&dashboard).contains(&format!("{} more do not fit", 100 - shown)));
    }

    #[test]
    fn a_crash_shows_cause_bench_and_addresses() {
        let mut dashboard = dashboard(1024, 768);
        finish(&mut dashboard, 3);
        dashboard.show_crash(&CrashView {
            cause: "#PF",
            message: "read at 0x0: no page is mapped",
            bench: Some("fault/page-fault"),
            instruction: Some(0x8000_1234),
            backtrace: &[0x8000_5678],
            image_base: 0x8000_0000,
        });
        let text = text(&dashboard);
        assert!(text.contains("crashed: #PF in fault/page-fault"), "{text}");
        assert!(text.contains("at   0x0000000080001234   image + 0x1234"), "{text}");
        assert!(text.contains("from 0x0000000080005678   image + 0x5678"), "{text}");
        assert!(!text.contains("bench-0"), "{text}");
    }

    #[test]
    fn long_texts_are_wrapped() {
        let mut dashboard = dashboard(320, 200);
        dashboard.show_refusal("read plan.toml: TOML parse error at line 1, column 1: unknown field");
        assert!(text(&dashboard).lines().nth(PROGRESS_ROW + 1).is_some_and(|row| !row.is_empty()));
    }

    #[test]
    fn a_tiny_screen_is_no_trouble() {
        let mut dashboard = dashboard(8, 18);
        finish(&mut dashboard, 3);
        dashboard.show_start(&Start { id: "env/pause".to_string(), index: 7, total: 0 });
        dashboard.show_end(EndReason::Done);
    }
}
