//! Text in aligned columns, with headings between the rows that run across them.

use super::style::{Palette, Style};

/// The side on which the cells of a column meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// A piece of text in a row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    /// A cell; the text must be clean.
    pub(super) fn new(style: Style, text: impl Into<String>) -> Self {
        Self { text: text.into(), style }
    }

    fn width(&self) -> usize {
        self.text.chars().count()
    }

    fn aligned(&self, align: Align, width: usize, palette: Palette) -> String {
        let painted = palette.paint(self.style, &self.text);
        let space = " ".repeat(width.saturating_sub(self.width()));
        match align {
            Align::Left => painted + &space,
            Align::Right => space + &painted,
        }
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::new(Style::Plain, text)
    }
}

/// A line of the grid.
#[derive(Clone, Debug)]
enum Row {
    Across(Vec<Cell>),
    Cells(Vec<Cell>),
    Blank,
}

/// Rows under column headings.
#[derive(Clone, Debug)]
pub(super) struct Grid {
    columns: Vec<(&'static str, Align)>,
    rows: Vec<Row>,
}

impl Grid {
    /// A grid with these columns.
    pub(super) fn new(columns: &[(&'static str, Align)]) -> Self {
        Self { columns: columns.to_vec(), rows: Vec::new() }
    }

    /// Adds a row with a cell for each column.
    pub(super) fn add(&mut self, cells: Vec<Cell>) {
        self.rows.push(Row::Cells(cells));
    }

    /// Adds a row whose first cell lies in the first column and whose others run on to the right.
    pub(super) fn add_across(&mut self, cells: Vec<Cell>) {
        self.rows.push(Row::Across(cells));
    }

    /// Adds an empty line.
    pub(super) fn add_blank(&mut self) {
        self.rows.push(Row::Blank);
    }

    /// The lines, each with an end of line. A column without any text is left out; so are those of `droppable`, the
    /// first first, as long as lines are longer than `width`.
    pub(super) fn render(&self, palette: Palette, width: Option<usize>, droppable: &[&str]) -> String {
        let mut widths: Vec<usize> = (0..self.columns.len()).map(|place| self.column_width(place)).collect();
        for name in droppable {
            let total: usize = widths.iter().filter(|width| **width > 0).map(|width| width + 2).sum();
            if width.is_none_or(|width| total <= width + 2) {
                break;
            }
            if let Some(place) = self.columns.iter().position(|(column, _)| column == name) {
                widths[place] = 0;
            }
        }
        let heads = self.columns.iter().map(|(name, _)| Cell::new(Style::Dim, *name)).collect();
        let mut text = String::new();
        for row in std::iter::once(&Row::Cells(heads)).chain(&self.rows) {
            let line = self.line(row, &widths, palette);
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }

    /// The width of a column with its heading; zero if no row has text in it.
    fn column_width(&self, place: usize) -> usize {
        let cells = self.rows.iter().map(|row| match row {
            Row::Cells(cells) => cells.get(place).map_or(0, Cell::width),
            Row::Across(cells) if place == 0 && cells.len() > 1 => cells[0].width(),
            Row::Across(_) | Row::Blank => 0,
        });
        let widest = cells.max().unwrap_or(0);
        if widest == 0 { 0 } else { widest.max(self.columns[place].0.chars().count()) }
    }

    fn line(&self, row: &Row, widths: &[usize], palette: Palette) -> String {
        match row {
            Row::Blank => String::new(),
            Row::Across(cells) => {
                let first = widths.first().copied().unwrap_or(0);
                let width = |place| if place == 0 && cells.len() > 1 { first } else { 0 };
                let shown = cells.iter().enumerate();
                let shown = shown.map(|(place, cell)| cell.aligned(Align::Left, width(place), palette));
                shown.collect::<Vec<_>>().join("  ")
            }
            Row::Cells(cells) => {
                let shown = cells.iter().zip(&self.columns).zip(widths).filter(|(_, width)| **width > 0);
                let shown = shown.map(|((cell, (_, align)), width)| cell.aligned(*align, *width, palette));
                shown.collect::<Vec<_>>().join("  ")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid() -> Grid {
        let mut grid = Grid::new(&[("bench", Align::Left), ("P50", Align::Right), ("P99", Align::Right)]);
        grid.add_across(vec![Cell::new(Style::Heading, "a heading longer than the column")]);
        grid.add(vec!["one".to_owned().into(), "1 ns".to_owned().into(), String::new().into()]);
        grid.add(vec!["three".to_owned().into(), "333 ns".to_owned().into(), String::new().into()]);
        grid.add_across(vec!["four".to_owned().into(), "failed: why".to_owned().into()]);
        grid
    }

    #[test]
    fn columns_are_aligned_and_empty_ones_left_out() {
        let expected = "bench     P50\na heading longer than the column\none      1 ns\nthree  333 ns\n\
                        four   failed: why\n";
        assert_eq!(grid().render(Palette::Plain, None, &[]), expected);
    }

    #[test]
    fn colours_do_not_shift_columns() {
        let coloured = grid().render(Palette::Coloured, None, &[]);
        let mut plain = String::new();
        let mut is_escape = false;
        for character in coloured.chars() {
            match character {
                '\u{1b}' => is_escape = true,
                'm' if is_escape => is_escape = false,
                _ if is_escape => {}
                _ => plain.push(character),
            }
        }
        assert_eq!(plain, grid().render(Palette::Plain, None, &[]));
    }

    #[test]
    fn a_narrow_terminal_loses_columns_not_alignment() {
        let narrow = grid().render(Palette::Plain, Some(8), &["P50"]);
        assert!(narrow.starts_with("bench\na heading"), "{narrow}");
    }
}
