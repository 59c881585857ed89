/// A number with `decimals` digits after the point, with a true minus sign and without a negative zero.
pub fn number_text(value: f64, decimals: usize) -> String {
    if !value.is_finite() {
        return "n/a".to_owned();
    }
    let text = format!("{:.decimals$}", value.abs());
    let is_zero = text.bytes().all(|b| b == b'0' || b == b'.');
    if value < 0.0 && !is_zero { format!("\u{2212}{text}") } else { text }
}

/// A value with its interval: `0.66 (0.51 to 0.78)`; without an interval the value alone.
pub fn estimate_text(value: f64, interval: Option<(f64, f64)>, decimals: usize) -> String {
    let value = number_text(value, decimals);
    match interval {
        Some((low, high)) => {
            format!("{value} ({} to {})", number_text(low, decimals), number_text(high, decimals))
        }
        None => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_are_kept_where_digits_show_them() {
        assert_eq!(number_text(-0.25, 2), "\u{2212}0.25");
        assert_eq!(number_text(-0.001, 2), "0.00");
        assert_eq!(number_text(f64::NAN, 2), "n/a");
        assert_eq!(estimate_text(1.0, Some((0.95, 1.0)), 2), "1.00 (0.95 to 1.00)");
    }
}
