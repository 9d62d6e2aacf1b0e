//! Single lines for people.

use std::io::{self, Write};

use crate::report::clean;

/// Says `text` on standard error, one line. Where that is gone, nobody misses it.
pub fn note(text: &str) {
    let _ = writeln!(io::stderr(), "{}", clean(text));
}
