use crate::mrmc::TTest;
use std::fmt::Write;

/// Rows of text under a header, columns as wide as they need; the first is set left, the others right.
pub(super) fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let width = |i: usize| {
        rows.iter()
            .filter_map(|r| r.get(i))
            .map(|c| c.chars().count())
            .chain([header[i].chars().count()])
            .max()
    };
    let widths: Vec<usize> = (0..header.len()).map(|i| width(i).unwrap_or(0)).collect();
    let mut out = String::new();
    let mut line = |cells: &mut dyn Iterator<Item = &str>| {
        let mut text = String::new();
        for (i, cell) in cells.enumerate() {
            let gap = " ".repeat(widths[i].saturating_sub(cell.chars().count()));
            let _ = if i == 0 { write!(text, "{cell}{gap}") } else { write!(text, "  {gap}{cell}") };
        }
        out.push_str(text.trim_end());
        out.push('\n');
    };
    line(&mut header.iter().copied());
    for row in rows {
        line(&mut row.iter().map(String::as_str));
    }
    out
}

pub(super) fn fixed(value: f64, decimals: usize) -> String {
    format!("{value:.decimals$}")
}

pub(super) fn p_text(p: Option<f64>) -> String {
    match p {
        None => "-".to_owned(),
        Some(p) if p < 0.0001 => "<.0001".to_owned(),
        Some(p) => fixed(p, 4),
    }
}

pub(super) fn limits(low: f64, high: f64) -> String {
    if low.is_nan() || high.is_nan() { "-".to_owned() } else { format!("{low:.4} to {high:.4}") }
}

/// Estimate, standard error, limits, t, df and p.
pub(super) fn test_cells(test: &TTest) -> Vec<String> {
    let df = match test.df {
        _ if test.t.is_none() => "-".to_owned(),
        Some(df) => fixed(df, 2),
        None => "inf".to_owned(),
    };
    vec![
        fixed(test.estimate, 4),
        fixed(test.se, 4),
        limits(test.ci_low, test.ci_high),
        test.t.map_or_else(|| "-".to_owned(), |t| fixed(t, 2)),
        df,
        p_text(test.p),
    ]
}

/// A number without the noise of its last digits: 1 - 0.9 is 0.1.
pub(super) fn plain(value: f64) -> String {
    ((value * 1e10).round() / 1e10).to_string()
}

/// `1 reader`, `2 readers`.
pub(super) fn count(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}
