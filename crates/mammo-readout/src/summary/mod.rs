//! Results for people and for programs: tables, JSON and a methods paragraph with its references.
//!
//! JSON has the members `schema` (`mammo-stats/1`), `method`, `analysis` (the result with all its numbers to full
//! precision; a statistic that does not exist is `null`), `methods` (the paragraph) and `references`.
//!
//! ```
//! use mammo_readout::{mrmc::{GallasSettings, Reading, Study, gallas}, summary::Summary};
//!
//! let mut rows = Vec::new();
//! for reader in ["r1", "r2", "r3"] {
//!     for case in 0..16_u32 {
//!         rows.push(Reading {
//!             reader: reader.into(), treatment: "film".into(), case: case.to_string(), positive: case % 2 == 0,
//!             rating: f64::from(case * 5 % 7) + if case % 2 == 0 { 2.0 } else { 0.0 },
//!         });
//!     }
//! }
//! let analysis = gallas(&Study::from_readings(rows)?, GallasSettings::default())?;
//! let summary = Summary::gallas(&analysis);
//! assert!(summary.text().contains("film"));
//! assert_eq!(summary.json()["schema"], "mammo-stats/1");
//! # Ok::<(), mammo_readout::mrmc::MrmcError>(())
//! ```

mod multi_reader;
mod paper;
mod reference;
mod single;
mod table;

pub use paper::{PaperEquivalence, PaperLoss, PaperPower, PaperRow, PaperStudy, paper};
pub use reference::Reference;
pub use single::{SingleReaderAnalysis, SingleReaderDifference, SingleReaderEstimate, single_reader};

use serde_json::{Value, json};

/// A result in the three forms.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    method: &'static str,
    analysis: Value,
    table: String,
    methods: String,
    references: Vec<Reference>,
}

impl Summary {
    /// The table with the methods paragraph and its references.
    pub fn text(&self) -> String {
        let mut out = self.table.clone();
        out.push_str("\nMethods. ");
        out.push_str(&self.methods);
        out.push_str("\n\nReferences\n");
        let numbered = self.references.iter().enumerate();
        out.extend(numbered.map(|(i, reference)| format!("{}. {}\n", i + 1, reference.text())));
        out
    }

    /// The JSON document.
    pub fn json(&self) -> Value {
        json!({
            "schema": "mammo-stats/1",
            "method": self.method,
            "analysis": self.analysis,
            "methods": self.methods,
            "references": self.references.iter().map(|r| r.text()).collect::<Vec<_>>(),
        })
    }

    /// The methods paragraph; numbers in brackets count the references.
    pub fn methods(&self) -> &str {
        &self.methods
    }
}

/// The analysis as JSON; every type here serialises, so there is no error to pass on.
fn value(analysis: &impl serde::Serialize) -> Value {
    serde_json::to_value(analysis).unwrap_or(Value::Null)
}
