//! Text cells, and which of them changed since they were drawn.

use alloc::vec::Vec;

/// Colours of glyphs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ink {
    /// What is read.
    Text,
    /// What is looked up.
    Dim,
    /// What names things.
    Accent,
    /// Figures of note.
    Good,
    /// Figures that do not stand.
    Warning,
    /// What went wrong.
    Alarm,
}

/// Colours behind glyphs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Paper {
    /// Most of the screen.
    Page,
    /// Title and machine.
    Header,
    /// Done part of the bar.
    Full,
    /// Part of the bar to come.
    Empty,
    /// The title of a crash.
    Alarm,
}

/// One character with its colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) character: char,
    pub(super) ink: Ink,
    pub(super) paper: Paper,
}

impl Cell {
    const BLANK: Self = Self { character: ' ', ink: Ink::Text, paper: Paper::Page };
}

/// Rows and columns of cells. What is written outside is cut off.
#[derive(Debug)]
pub(super) struct Grid {
    columns: usize,
    cells: Vec<Cell>,
    drawn: Vec<Option<Cell>>,
}

impl Grid {
    /// A blank grid, none of it drawn.
    pub(super) fn new(columns: usize, rows: usize) -> Self {
        let count = columns * rows;
        Self { columns, cells: alloc::vec![Cell::BLANK; count], drawn: alloc::vec![None; count] }
    }

    /// Cells in a row.
    pub(super) const fn columns(&self) -> usize {
        self.columns
    }

    /// Rows.
    pub(super) fn rows(&self) -> usize {
        self.cells.len().checked_div(self.columns).unwrap_or(0)
    }

    /// Writes `text` from `column` on, on the paper that is there, and returns the column behind it.
    pub(super) fn put(&mut self, row: usize, column: usize, text: &str, ink: Ink) -> usize {
        let mut next = column;
        for character in text.chars() {
            let is_printable = character.is_ascii_graphic() || character == ' ';
            if let Some(cell) = self.cell_mut(row, next) {
                *cell =
                    Cell { character: if is_printable { character } else { '?' }, ink, paper: cell.paper };
            }
            next += 1;
        }
        next
    }

    /// Writes `text` so that it ends before `end`.
    pub(super) fn put_right(&mut self, row: usize, end: usize, text: &str, ink: Ink) {
        self.put(row, end.saturating_sub(text.chars().count()), text, ink);
    }

    /// Makes `count` cells from `column` on blank on `paper`.
    pub(super) fn clear(&mut self, row: usize, column: usize, count: usize, paper: Paper) {
        for column in column..column.saturating_add(count).min(self.columns) {
            if let Some(cell) = self.cell_mut(row, column) {
                *cell = Cell { paper, ..Cell::BLANK };
            }
        }
    }

    /// Makes `row` blank on `paper`.
    pub(super) fn clear_row(&mut self, row: usize, paper: Paper) {
        self.clear(row, 0, self.columns, paper);
    }

    /// Gives `draw` every cell that has changed since it was last drawn, with its row and column.
    pub(super) fn draw_changes(&mut self, mut draw: impl FnMut(usize, usize, Cell)) {
        for (index, (cell, drawn)) in self.cells.iter().zip(&mut self.drawn).enumerate() {
            if *drawn != Some(*cell) {
                draw(index / self.columns, index % self.columns, *cell);
                *drawn = Some(*cell);
            }
        }
    }

    /// The text of `row`.
    #[cfg(test)]
    pub(super) fn text(&self, row: usize) -> String {
        let start = row * self.columns;
        self.cells[start..start + self.columns].iter().map(|cell| cell.character).collect()
    }

    fn cell_mut(&mut self, row: usize, column: usize) -> Option<&mut Cell> {
        if column >= self.columns {
            return None;
        }
        self.cells.get_mut(row.checked_mul(self.columns)?.checked_add(column)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_outside_is_cut_off() {
        let mut grid = Grid::new(5, 2);
        assert_eq!(grid.put(0, 3, "abc", Ink::Text), 6);
        grid.put(7, 0, "abc", Ink::Text);
        grid.put_right(1, 3, "abcdef", Ink::Text);
        assert_eq!((grid.text(0).as_str(), grid.text(1).as_str()), ("   ab", "abcde"));
    }

    #[test]
    fn characters_without_a_glyph_become_question_marks() {
        let mut grid = Grid::new(4, 1);
        grid.put(0, 0, "a\u{b5}\ts", Ink::Text);
        assert_eq!(grid.text(0), "a??s");
    }

    #[test]
    fn only_changes_are_drawn() {
        let mut grid = Grid::new(4, 2);
        let count = |grid: &mut Grid| {
            let mut count = 0;
            grid.draw_changes(|_, _, _| count += 1);
            count
        };
        assert_eq!(count(&mut grid), 8);
        grid.put(1, 1, "xy", Ink::Text);
        assert_eq!(count(&mut grid), 2);
        grid.put(1, 1, "xy", Ink::Text);
        assert_eq!(count(&mut grid), 0);
        grid.put(1, 1, "xy", Ink::Alarm);
        assert_eq!(count(&mut grid), 2);
    }

    #[test]
    fn a_grid_without_columns_takes_everything() {
        let mut grid = Grid::new(0, 0);
        grid.put(0, 0, "abc", Ink::Text);
        grid.clear_row(0, Paper::Header);
        grid.draw_changes(|_, _, _| panic!("there is no cell"));
        assert_eq!(grid.rows(), 0);
    }
}
