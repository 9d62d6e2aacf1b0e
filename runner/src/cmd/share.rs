//! Shares on the command line: `2%` or `0.02`.

/// Reads a share above 0 and at most 1.
pub(super) fn share(text: &str) -> Result<f64, String> {
    let (number, unit) = match text.strip_suffix('%') {
        Some(number) => (number.trim_end(), 100.0),
        None => (text, 1.0),
    };
    let value = number.parse::<f64>().map_err(|_| "write a share like 2% or 0.02".to_owned())? / unit;
    if value > 0.0 && value <= 1.0 {
        Ok(value)
    } else {
        Err("a share lies above 0 and is at most 1 (100%)".to_owned())
    }
}

/// Reads a share below a half: beyond, a rate of errors means nothing.
pub(super) fn rate(text: &str) -> Result<f64, String> {
    share(text).and_then(|rate| if rate < 0.5 { Ok(rate) } else { Err("it lies below 0.5 (50%)".to_owned()) })
}

/// Reads a number of instructions: above 0 and finite.
pub(super) fn instructions(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().map_err(|_| "write a number".to_owned())?;
    if number > 0.0 && number.is_finite() { Ok(number) } else { Err("it lies above 0".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_read_with_and_without_per_cent() {
        assert_eq!(share("2%"), Ok(0.02));
        assert_eq!(share("0.5 %"), Ok(0.005));
        assert_eq!(share("0.02"), Ok(0.02));
        assert_eq!((rate("5%"), instructions("3")), (Ok(0.05), Ok(3.0)));
    }

    #[test]
    fn what_is_no_share_is_refused() {
        for text in ["", "%", "x", "0", "-1%", "101%", "NaN", "inf", "nan%"] {
            assert!(share(text).is_err(), "{text}");
        }
        assert!(rate("0.5").is_err() && instructions("0").is_err() && instructions("inf").is_err());
    }
}
