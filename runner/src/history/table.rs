//! Series in CSV files.

use super::types::{Key, Point};

/// The longest piece of a file that an error quotes, in characters.
const QUOTED_MAX: usize = 40;

/// Why a CSV file is no series.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// It has no header.
    #[error("find a header: the file is empty")]
    Empty,
    /// The header does not name the column of values.
    #[error("find the column \"value\": the header in line 1 names {0}")]
    NoValue(String),
    /// The header names a column twice.
    #[error("read line 1: it names the column \"{0}\" twice")]
    Twice(&'static str),
    /// A line ends before its value.
    #[error("read line {line}: it has no field for the column \"value\"")]
    Short {
        /// The line, from 1.
        line: usize,
    },
    /// A quoted field has no end.
    #[error("read line {line}: a quotation mark has no counterpart")]
    Unclosed {
        /// The line, from 1.
        line: usize,
    },
    /// A value is no number.
    #[error("read line {line}: the value \"{value}\" is no number; leave it empty where none was measured")]
    NoNumber {
        /// The line, from 1.
        line: usize,
        /// What stands there, shortened.
        value: String,
    },
    /// A value is infinite, or too large for a 64-bit floating-point number.
    #[error("read line {line}: the value \"{value}\" is not finite; leave it empty where none was measured")]
    NotFinite {
        /// The line, from 1.
        line: usize,
        /// What stands there, shortened.
        value: String,
    },
}

/// The points of a CSV file (RFC 4180, one record a line) whose header names the column `value` and perhaps `commit` and
/// `unit`. Other columns are passed over; an empty value and `nan` are a missing point.
///
/// # Errors
/// Where the file is no such series; each error names the line.
pub fn read_table(text: &str) -> Result<Vec<Point>, TableError> {
    let mut lines =
        (1..).zip(text.trim_start_matches('\u{feff}').lines()).filter(|(_, line)| !line.trim().is_empty());
    let (number, header) = lines.next().ok_or(TableError::Empty)?;
    let names = fields(header, number)?;
    let column = |name: &'static str| {
        let mut places = names.iter().enumerate().filter(|(_, field)| field.eq_ignore_ascii_case(name));
        let first = places.next().map(|(place, _)| place);
        if places.next().is_some() { Err(TableError::Twice(name)) } else { Ok(first) }
    };
    let value = column("value")?.ok_or_else(|| TableError::NoValue(quoted(&names.join(", "))))?;
    let (commit, unit) = (column("commit")?, column("unit")?);
    let mut points = Vec::new();
    for (line, text) in lines {
        let fields = fields(text, line)?;
        let number = number_of(fields.get(value).ok_or(TableError::Short { line })?, line)?;
        let key = |column: Option<usize>| {
            let name = column.and_then(|column| fields.get(column)).filter(|name| !name.is_empty());
            name.map(|name| Key::of(name))
        };
        points.push(Point { value: number, commit: key(commit), unit: key(unit) });
    }
    Ok(points)
}

fn number_of(field: &str, line: usize) -> Result<f64, TableError> {
    if field.is_empty() {
        return Ok(f64::NAN);
    }
    match field.parse::<f64>() {
        Ok(number) if number.is_infinite() => Err(TableError::NotFinite { line, value: quoted(field) }),
        Ok(number) => Ok(number),
        Err(_) => Err(TableError::NoNumber { line, value: quoted(field) }),
    }
}

fn quoted(text: &str) -> String {
    let mut short: String = text.chars().take(QUOTED_MAX).collect();
    if short.len() < text.len() {
        short.push_str("...");
    }
    short
}

/// The fields of a line, without quotation marks and surrounding space.
fn fields(line: &str, number: usize) -> Result<Vec<String>, TableError> {
    let mut fields = vec![String::new()];
    let mut is_quoted = false;
    let mut characters = line.chars().peekable();
    while let Some(character) = characters.next() {
        let Some(field) = fields.last_mut() else { break };
        match character {
            '"' if is_quoted && characters.peek() == Some(&'"') => {
                characters.next();
                field.push('"');
            }
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => fields.push(String::new()),
            other => field.push(other),
        }
    }
    if is_quoted {
        return Err(TableError::Unclosed { line: number });
    }
    Ok(fields.into_iter().map(|field| field.trim().to_owned()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn values(text: &str) -> Vec<f64> {
        read_table(text).expect("a series").iter().map(|point| point.value).collect()
    }

    #[test]
    fn columns_are_found_by_name_in_any_order() {
        let points =
            read_table("commit,note,Value,unit\r\nabc,\"x, y\",1.5,ns\r\nabd,,-2e3,\r\n").expect("a series");
        assert_eq!(points[0], Point::new(1.5).at_commit(Key::of("abc")).in_unit(Key::of("ns")));
        assert_eq!(points[1], Point::new(-2e3).at_commit(Key::of("abd")));
    }

    #[test]
    fn missing_points_are_kept_as_places() {
        let values = values("\u{feff}index,value\n0,1\n1,\n\n2,NaN\n3,0\n");
        assert_eq!(values.len(), 4);
        assert!(values[1].is_nan() && values[2].is_nan());
        assert_eq!(values[3], 0.0);
    }

    #[test]
    fn a_header_alone_is_a_series_without_points() {
        assert_eq!(read_table("value\n"), Ok(Vec::new()));
    }

    #[test]
    fn errors_name_the_line_and_quote_little() {
        let error = |text: &str| read_table(text).expect_err("wrong").to_string();
        assert_eq!(error("\n\n"), "find a header: the file is empty");
        assert_eq!(error("a,b\n1,2\n"), "find the column \"value\": the header in line 1 names a, b");
        assert_eq!(error("value,Value\n"), "read line 1: it names the column \"value\" twice");
        assert_eq!(error("a,value\n1,2\n\n3\n"), "read line 4: it has no field for the column \"value\"");
        assert!(error("value\n1\nabc\n").starts_with("read line 3: the value \"abc\" is no number"));
        assert!(error("value\n1e999\n").starts_with("read line 2: the value \"1e999\" is not finite"));
        assert_eq!(error("value\n\"1\n"), "read line 2: a quotation mark has no counterpart");
        assert!(error(&format!("value\n{}\n", "x".repeat(9_000))).len() < 200);
    }

    proptest! {
        #[test]
        fn any_text_is_survived(text in any::<String>()) {
            let _ = read_table(&format!("value\n{text}"));
            let _ = read_table(&text);
        }

        #[test]
        fn written_values_read_back(written in prop::collection::vec(-1e300..1e300f64, 0..40)) {
            let text: String = written.iter().map(|value| format!("\n{value:?}")).collect();
            prop_assert_eq!(values(&format!("value{text}")), written);
        }
    }
}
