//! Names with values, from an address or a form.

use std::convert::Infallible;

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;

use super::error::PageError;
use crate::live::is_run_id;

/// The longest name of a bench that is looked for, in bytes.
const BENCH_LENGTH_MAX: usize = 300;

/// The longest text that is searched for, in bytes.
const SEARCH_LENGTH_MAX: usize = 200;

/// Names with values, in the order in which they came.
#[derive(Clone, Debug, Default)]
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    /// These fields.
    pub(super) const fn new(fields: Vec<(String, String)>) -> Self {
        Self(fields)
    }

    /// The value of `name`; `None` if it is missing or empty, as an unused input of a form is.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let value = self.0.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str().trim());
        value.filter(|value| !value.is_empty())
    }

    /// The run id in `name`, if there is one.
    ///
    /// # Errors
    /// It is no run id.
    pub(super) fn run(&self, name: &str) -> Result<Option<String>, PageError> {
        self.get(name).map(|text| run_id(text).map(str::to_owned)).transpose()
    }

    /// The name of a machine in `name`, if there is one.
    ///
    /// # Errors
    /// It is no name of a machine.
    pub(super) fn machine(&self, name: &str) -> Result<Option<String>, PageError> {
        self.get(name).map(|text| machine_name(text).map(str::to_owned)).transpose()
    }

    /// The page in `page`, from 1.
    ///
    /// # Errors
    /// It is no such number, or a page that no database has.
    pub(super) fn page(&self) -> Result<u32, PageError> {
        let wrong = |text| PageError::BadRequest(format!("\"{text}\" is no page: they are numbered from 1."));
        let Some(text) = self.get("page") else { return Ok(1) };
        text.parse().ok().filter(|page| (1..=1_000_000).contains(page)).ok_or_else(|| wrong(text))
    }

    /// What is searched for, cut to a sensible length.
    pub(super) fn search(&self) -> Option<&str> {
        let text = self.get("q")?;
        let end = (0..=text.len().min(SEARCH_LENGTH_MAX)).rev().find(|end| text.is_char_boundary(*end));
        text.get(..end?).filter(|text| !text.is_empty())
    }
}

impl<S: Sync> FromRequestParts<S> for Fields {
    type Rejection = Infallible;

    /// The fields of the address; none if it has none that can be read.
    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Query::try_from_uri(&parts.uri).map_or_else(|_| Self::default(), |Query(fields)| Self(fields)))
    }
}

/// `text` as a run id.
///
/// # Errors
/// It is none.
pub(super) fn run_id(text: &str) -> Result<&str, PageError> {
    let wrong = || PageError::BadRequest(format!("\"{text}\" is no run id: those are eight hex digits."));
    is_run_id(text).then_some(text).ok_or_else(wrong)
}

/// `text` as the name of a machine's fingerprint.
///
/// # Errors
/// It is none.
pub(super) fn machine_name(text: &str) -> Result<&str, PageError> {
    let wrong = || PageError::BadRequest(format!("\"{text}\" is no machine: those are sixteen hex digits."));
    is_hex(text, 16).then_some(text).ok_or_else(wrong)
}

/// `text` as the id of a finding.
///
/// # Errors
/// It is none.
pub(super) fn finding_id(text: &str) -> Result<&str, PageError> {
    let wrong = || PageError::BadRequest(format!("\"{text}\" is no finding: those are sixteen hex digits."));
    is_hex(text, 16).then_some(text).ok_or_else(wrong)
}

/// `text` as the id of a bench. A kernel may have called it anything; it never becomes a part of a path.
///
/// # Errors
/// It is too long to be one.
pub(super) fn bench_id(text: &str) -> Result<&str, PageError> {
    let wrong = || PageError::BadRequest("That name is too long for a bench.".to_owned());
    ((1..=BENCH_LENGTH_MAX).contains(&text.len())).then_some(text).ok_or_else(wrong)
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(fields: &[(&str, &str)]) -> Fields {
        Fields::new(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn only_what_can_be_an_id_passes() {
        assert!(run_id("3f2a91bc").is_ok() && machine_name("0123456789abcdef").is_ok());
        for text in
            ["", "..", "3f2a91b", "3F2A91BC", "3f2a91bc/", "3f2a91bc.", "%2e%2e%2f%2e", "3f2a91b\u{e4}"]
        {
            assert!(
                run_id(text).is_err() && machine_name(text).is_err() && finding_id(text).is_err(),
                "{text}"
            );
        }
        assert!(bench_id("<script>").is_ok() && bench_id(&"x".repeat(301)).is_err() && bench_id("").is_err());
    }

    #[test]
    fn unused_inputs_of_a_form_are_no_values() {
        let fields = fields(&[("a", " "), ("machine", ""), ("page", "2"), ("q", " pause ")]);
        assert_eq!((fields.get("a"), fields.get("b"), fields.search()), (None, None, Some("pause")));
        assert_eq!((fields.page().expect("a number"), fields.machine("machine").expect("none")), (2, None));
    }

    #[test]
    fn what_is_no_page_is_refused() {
        for text in ["0", "-1", "x", "99999999999999999999", "1000001"] {
            assert!(fields(&[("page", text)]).page().is_err(), "{text}");
        }
    }

    #[test]
    fn a_long_search_is_cut_between_characters() {
        let text = "\u{e4}".repeat(500);
        assert_eq!(fields(&[("q", &text)]).search().map(str::len), Some(200));
    }
}
