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

/// Estimate, standard error, limits, t, df and p.
pub(super) fn test_cells(test: &TTest) -> Vec<String> {
    vec![
        fixed(test.estimate, 4),
        fixed(test.se, 4),
        format!("{:.4} to {:.4}", test.ci_low, test.ci_high),
        test.t.map_or_else(|| "-".to_owned(), |t| fixed(t, 2)),
        test.df.map_or_else(|| "inf".to_owned(), |df| fixed(df, 2)),
        p_text(test.p),
    ]
}
