use crate::{Analysis, MalignancyReading, TamperingReading};
use mammo_readout::{AucEstimate, AucTest};
use std::fmt::Write;

/// The readout as text for terminals: one line a reader and one for their mean, then what the numbers assume.
pub fn table(analysis: &Analysis) -> String {
    let mut text = String::new();
    let kind = if analysis.simulated { "SIMULATED readers (programs, not people)" } else { "readers" };
    // Writing to a String cannot fail.
    let _ = writeln!(
        text,
        "{} {kind}, {} images, {} pairs of an original and its modified twin. AUC [95 % CI]; p two-sided.\n",
        analysis.pooled.n_readers, analysis.n_cases, analysis.n_pairs
    );
    let mut rows = vec![
        [
            "reader",
            "originals",
            "modified (source label)",
            "modified (intended label)",
            "p orig. v mod. (clustered; DeLong unpaired)",
            "detection of modification",
            "p v 0.5 (clustered; DeLong)",
        ]
        .map(str::to_owned),
    ];
    for r in &analysis.readers {
        let m = |f: &dyn Fn(&MalignancyReading) -> String| r.malignancy.as_ref().map_or_else(none, f);
        let t = |f: &dyn Fn(&TamperingReading) -> String| r.tampering.as_ref().map_or_else(none, f);
        rows.push([
            r.reader.clone(),
            m(&|m| area(&m.originals.estimate)),
            m(&|m| area(&m.modified_vs_source_label.estimate)),
            m(&|m| area(&m.modified_vs_intended_label.estimate)),
            m(&|m| {
                format!(
                    "{}; {}",
                    p(&m.originals_minus_modified),
                    p(&m.originals_minus_modified_delong_unpaired)
                )
            }),
            t(&|t| area(&t.detection.estimate)),
            t(&|t| format!("{}; {}", p(&t.against_chance), p(&t.against_chance_delong))),
        ]);
    }
    let pooled = &analysis.pooled;
    let m = |f: &dyn Fn(&crate::PooledMalignancy) -> String| pooled.malignancy.as_ref().map_or_else(none, f);
    let t = |f: &dyn Fn(&crate::PooledTampering) -> String| pooled.tampering.as_ref().map_or_else(none, f);
    rows.push([
        "mean (jackknife)".to_owned(),
        m(&|m| area(&m.originals)),
        m(&|m| area(&m.modified_vs_source_label)),
        m(&|m| area(&m.modified_vs_intended_label)),
        m(&|m| p(&m.originals_minus_modified)),
        t(&|t| area(&t.detection)),
        t(&|t| p(&t.against_chance)),
    ]);
    let widths: [usize; 7] =
        std::array::from_fn(|c| rows.iter().map(|r| r[c].chars().count()).max().unwrap_or(0));
    for row in &rows {
        let cells: Vec<String> =
            row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        let _ = writeln!(text, "{}", cells.join("  ").trim_end());
    }
    text.push('\n');
    for note in &analysis.notes {
        let _ = writeln!(text, "- {note}");
    }
    text
}

fn none() -> String {
    "-".to_owned()
}

fn area(e: &AucEstimate) -> String {
    format!("{:.2} [{:.2}, {:.2}]", e.auc, e.ci_low, e.ci_high)
}

fn p(test: &AucTest) -> String {
    if test.p < 0.001 { "<.001".to_owned() } else { format!("{:.3}", test.p) }
}
