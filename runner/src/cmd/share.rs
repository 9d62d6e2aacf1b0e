//! Shares on the command line: `1%`, `0.5 %` or `0.01`.

/// The share that `text` means, above 0 and below 1.
pub(super) fn share(text: &str) -> Result<f64, String> {
    let (number, unit) = text.strip_suffix('%').map_or((text, 1.0), |number| (number.trim_end(), 100.0));
    let share =
        number.trim().parse::<f64>().map_err(|_| "write a share as `1%` or `0.01`".to_owned())? / unit;
    if share > 0.0 && share < 1.0 { Ok(share) } else { Err("a share lies between 0 and 1 (100%)".to_owned()) }
}

/// The probability of an error that `text` means, above 0 and at most a half.
pub(super) fn probability(text: &str) -> Result<f64, String> {
    let probability = share(text)?;
    if probability <= 0.5 {
        Ok(probability)
    } else {
        Err("more than a half (50%) decides nothing".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_and_plain_shares_are_read() {
        for (text, expected) in [("1%", 0.01), ("0.5 %", 0.005), ("0.01", 0.01), ("2.5e-3", 0.0025)] {
            assert!((share(text).expect("a share") - expected).abs() < 1e-12, "{text}");
        }
    }

    #[test]
    fn what_is_no_share_is_refused() {
        for text in ["", "%", "one", "0", "-1%", "1", "150%", "NaN", "inf"] {
            assert!(share(text).is_err() && probability(text).is_err(), "{text}");
        }
        assert!(probability("51%").is_err() && probability("50%").is_ok());
    }
}
