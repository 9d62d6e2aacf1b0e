//! `doctor`: what is needed, found or missing.

use std::io;

use super::output::print;
use crate::doctor::{Requirement, check};
use crate::exit_code;
use crate::report::{Palette, Style, clean};

pub(super) fn doctor() -> anyhow::Result<u8> {
    let requirements = check();
    let palette = Palette::of(&io::stdout());
    let mut text = String::new();
    for requirement in &requirements {
        for line in requirement.to_string().lines() {
            let style = if requirement.is_missing() { Style::Bad } else { Style::Plain };
            text.push_str(&palette.paint(style, &clean(line)));
            text.push('\n');
        }
    }
    let missing = requirements.iter().filter(|requirement| Requirement::is_missing(requirement)).count();
    text.push_str(&if missing == 0 {
        "\nnothing is missing\n".to_owned()
    } else {
        format!("\n{missing} missing\n")
    });
    print(&text)?;
    Ok(if missing == 0 { exit_code::OK } else { exit_code::MISSING })
}
