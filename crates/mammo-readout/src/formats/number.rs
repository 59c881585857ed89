use super::FormatError;

/// A finite rating.
pub(super) fn rating(text: &str, file: &str, line: usize) -> Result<f64, FormatError> {
    match text.trim().parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value),
        _ => Err(FormatError::at(
            file,
            line,
            format!("the rating is {text:?}"),
            "give a finite number, and leave out the row of a reading that is missing",
        )),
    }
}

/// A truth: 1 or 0, and the usual words for them.
pub(super) fn truth(text: &str, file: &str, line: usize) -> Result<bool, FormatError> {
    match text.trim().to_ascii_lowercase().as_str() {
        "1" | "1.0" | "true" | "yes" | "positive" | "pos" => Ok(true),
        "0" | "0.0" | "false" | "no" | "negative" | "neg" => Ok(false),
        _ => Err(FormatError::at(
            file,
            line,
            format!("the truth is {text:?}"),
            "give 1 (positive) or 0 (negative)",
        )),
    }
}

/// A rating as the shortest text that reads back as the same number.
pub(super) fn text(value: f64) -> String {
    format!("{value}")
}
