//! Whether layouts differ: where the functions of linked programs lie.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use object::{Object as _, ObjectSymbol as _, SymbolKind};

use super::LayoutError;

/// Functions by name.
type Places = HashMap<String, u64>;

/// Holds each two of `programs` to have most of their functions in different places.
///
/// # Errors
/// A program that cannot be read or has no functions, or two that are alike.
pub fn require_different(programs: &[PathBuf]) -> Result<(), LayoutError> {
    let places = programs.iter().map(|path| places(path)).collect::<Result<Vec<_>, _>>()?;
    for (b, second) in places.iter().enumerate() {
        for (a, first) in places[..b].iter().enumerate() {
            compare(first, second, (a + 1, b + 1))?;
        }
    }
    Ok(())
}

fn compare(first: &Places, second: &Places, (a, b): (usize, usize)) -> Result<(), LayoutError> {
    let both = first.iter().filter_map(|(name, place)| Some((place, second.get(name)?)));
    let (mut same, mut all) = (0, 0);
    for (before, after) in both {
        all += 1;
        same += usize::from(before == after);
    }
    if all > 0 && same * 2 <= all { Ok(()) } else { Err(LayoutError::Alike { a, b, same, all }) }
}

/// Where the functions of the program at `path` lie. Names that several have are left out.
fn places(path: &Path) -> Result<Places, LayoutError> {
    let wrong = |reason: String| LayoutError::NotRead { path: path.to_owned(), reason };
    let bytes = fs::read(path).map_err(LayoutError::io("read", path))?;
    let file = object::File::parse(&*bytes).map_err(|error| wrong(error.to_string()))?;
    let mut found: HashMap<String, Option<u64>> = HashMap::new();
    for symbol in file.symbols().filter(|symbol| symbol.kind() == SymbolKind::Text && symbol.is_definition())
    {
        let Ok(name) = symbol.name() else { continue };
        let place = found.entry(name.to_owned()).or_insert(Some(symbol.address()));
        if *place != Some(symbol.address()) {
            *place = None;
        }
    }
    let found: Places = found.into_iter().filter_map(|(name, place)| Some((name, place?))).collect();
    if found.is_empty() { Err(wrong("it has no functions".to_owned())) } else { Ok(found) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(places: &[(&str, u64)]) -> Places {
        places.iter().map(|(name, place)| ((*name).to_owned(), *place)).collect()
    }

    #[test]
    fn layouts_differ_if_most_functions_moved() {
        let before = of(&[("a", 0), ("b", 16), ("c", 32), ("gone", 48)]);
        assert!(compare(&before, &of(&[("a", 0), ("b", 32), ("c", 16)]), (1, 2)).is_ok());
        let error = compare(&before, &of(&[("a", 0), ("b", 16), ("c", 48)]), (1, 2)).expect_err("one moved");
        assert!(matches!(error, LayoutError::Alike { a: 1, b: 2, same: 2, all: 3 }), "{error}");
        assert!(compare(&before, &of(&[("x", 0)]), (1, 2)).is_err(), "nothing is in both");
    }

    #[test]
    fn a_program_is_its_own_layout() {
        let program = std::env::current_exe().expect("it runs");
        let error = require_different(&[program.clone(), program]).expect_err("it is one program");
        assert!(matches!(error, LayoutError::Alike { same, all, .. } if same == all && all > 100), "{error}");
    }

    #[test]
    fn what_is_no_program_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("notes");
        fs::write(&path, "text").expect("room");
        let error = require_different(&[path]).expect_err("text").to_string();
        assert!(error.starts_with("read the symbols of ") && error.contains("notes"), "{error}");
    }
}
