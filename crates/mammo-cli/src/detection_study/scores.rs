//! Scores of all rotations, gathered until they become tables.

use crate::detect::judge::{Judged, Scored, judge};
use serde::{Deserialize, Serialize};
use std::fmt::Write;

/// The rows of a table that one detector gets.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct DetectorRows {
    pub(crate) detector: String,
    pub(crate) rows: Vec<Judged>,
}

/// Scored pairs by table, detector and row, each in the order in which they first came.
#[derive(Default)]
pub(super) struct Gathered(Vec<(&'static str, &'static str, String, Vec<Scored>)>);

impl Gathered {
    /// Adds pairs to a row; those of several rotations stand in one row.
    pub(super) fn add(
        &mut self,
        table: &'static str,
        detector: &'static str,
        row: &str,
        scored: Vec<Scored>,
    ) {
        let found = self.0.iter_mut().find(|(t, d, r, _)| *t == table && *d == detector && r == row);
        match found {
            Some((.., pairs)) => pairs.extend(scored),
            None => self.0.push((table, detector, row.to_owned(), scored)),
        }
    }

    /// The pairs of a row.
    pub(super) fn pairs(&self, table: &str, detector: &str, row: &str) -> &[Scored] {
        let found = self.0.iter().find(|(t, d, r, _)| *t == table && *d == detector && r == row);
        found.map_or(&[], |(.., pairs)| pairs)
    }

    /// A table, detector by detector.
    pub(super) fn table(&self, table: &str) -> anyhow::Result<Vec<DetectorRows>> {
        let mut found: Vec<DetectorRows> = Vec::new();
        for (_, detector, row, scored) in self.0.iter().filter(|(t, ..)| *t == table) {
            let judged = judge(row, scored)?;
            match found.iter_mut().find(|d| d.detector == *detector) {
                Some(rows) => rows.rows.push(judged),
                None => found.push(DetectorRows { detector: (*detector).to_owned(), rows: vec![judged] }),
            }
        }
        Ok(found)
    }

    /// Every score as a csv table.
    pub(super) fn csv(&self) -> String {
        let mut text =
            "table,detector,row,patient,label,original,original_handled,altered_handled\n".to_owned();
        for (table, detector, row, scored) in &self.0 {
            for s in scored {
                let [original, handled, altered] = s.log_odds;
                // Names hold commas, patients' pseudonyms may hold anything.
                let (row, patient) = (quoted(row), quoted(&s.patient));
                let _ = writeln!(
                    text,
                    "{table},{},{row},{patient},{},{original},{handled},{altered}",
                    quoted(detector),
                    s.label
                );
            }
        }
        text
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}
