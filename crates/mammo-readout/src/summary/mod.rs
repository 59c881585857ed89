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

mod agreement;
mod multi_reader;
mod paper;
mod points;
mod reference;
mod single;
mod table;

pub use agreement::{Agreement, PairAgreement, PanelAgreement, agreement};
pub use paper::{PaperEquivalence, PaperLoss, PaperPower, PaperRow, PaperStudy, paper};
pub use points::{OperatingPoints, RatedPoint, ReaderPoints, operating_points};
pub use reference::Reference;
pub use single::{SingleReaderAnalysis, SingleReaderDifference, SingleReaderEstimate, single_reader};

use crate::mrmc::{Inference, MrmcError, TTest};
use serde::Serialize;
use serde_json::{Value, json};
use std::fmt::Write;

/// A result in the three forms.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    method: &'static str,
    analysis: Value,
    table: String,
    methods: String,
    references: Vec<Reference>,
    /// What a margin can be held against: a name and its test.
    tests: Vec<(String, TTest)>,
    margins: Option<Margins>,
}

/// The tests of [`Summary::with_margin`].
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Margins {
    margin: f64,
    rows: Vec<MarginRow>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct MarginRow {
    name: String,
    estimate: f64,
    null: f64,
    non_inferiority_p: Option<f64>,
    equivalence_p: Option<f64>,
}

impl Summary {
    /// Adds one-sided tests against a margin: that a difference `a - b` is above `-margin` (non-inferiority of `a`), and that
    /// it lies within `± margin` (equivalence, two one-sided tests); for a mean, the same about its constant.
    ///
    /// # Errors
    /// [`MrmcError::OutOfRange`] when the margin is not above 0; [`MrmcError::Unsupported`] for the bootstrap.
    ///
    /// ```
    /// use mammo_readout::{mrmc::{MrmcSettings, Reading, Study, obuchowski_rockette}, summary::Summary};
    /// let mut rows = Vec::new();
    /// for (reader, shift) in [("r1", 0.0), ("r2", 0.7), ("r3", 0.2)] {
    ///     for (treatment, gain) in [("original", 1.0), ("modified", 0.2)] {
    ///         for case in 0..12 {
    ///             let noise = f64::from(case * 7 % 12) / 6.0 + shift * f64::from(case % 3);
    ///             rows.push(Reading {
    ///                 reader: reader.into(), treatment: treatment.into(), case: case.to_string(),
    ///                 positive: case % 2 == 0, rating: noise + if case % 2 == 0 { gain } else { 0.0 },
    ///             });
    ///         }
    ///     }
    /// }
    /// let study = Study::from_readings(rows)?;
    /// let summary = Summary::obuchowski_rockette(&obuchowski_rockette(&study, MrmcSettings::default())?).with_margin(0.1)?;
    /// assert!(summary.json()["margins"]["rows"][2]["equivalence_p"].as_f64().unwrap() > 0.0);
    /// # Ok::<(), mammo_readout::mrmc::MrmcError>(())
    /// ```
    pub fn with_margin(mut self, margin: f64) -> Result<Self, MrmcError> {
        if self.tests.is_empty() {
            return Err(MrmcError::Unsupported {
                method: "a test against a margin",
                what: "this method".to_owned(),
                remedy: "use Obuchowski-Rockette, Dorfman-Berbaum-Metz, Gallas or DeLong",
            });
        }
        let rows = self.tests.iter().map(|(name, test)| {
            Ok(MarginRow {
                name: name.clone(),
                estimate: test.estimate,
                null: test.null,
                non_inferiority_p: test.non_inferiority_p(margin)?,
                equivalence_p: test.equivalence_p(margin)?,
            })
        });
        let rows = rows.collect::<Result<Vec<_>, MrmcError>>()?;
        let cells: Vec<Vec<String>> = rows
            .iter()
            .map(|r| {
                let [lower, both] = [r.non_inferiority_p, r.equivalence_p].map(table::p_text);
                vec![r.name.clone(), table::fixed(r.estimate, 4), lower, both]
            })
            .collect();
        let header = ["against the margin", "estimate", "p, non-inferiority", "p, equivalence"];
        let _ = writeln!(self.table, "\nMargin {margin}, one-sided");
        self.table.push_str(&table::table(&header, &cells));
        self.references.push(Reference::Schuirmann);
        let _ = write!(
            self.methods,
            " Non-inferiority and equivalence with a margin of {margin} were tested one-sided, equivalence by two one-sided \
             tests [{}].",
            self.references.len()
        );
        self.margins = Some(Margins { margin, rows });
        Ok(self)
    }

    /// The table with the methods paragraph and its references.
    ///
    /// ```
    /// # use mammo_readout::mrmc::{Reading, Study};
    /// # let rows = ["r1", "r2"].iter().flat_map(|reader| (0..16_u32).map(move |case| Reading {
    /// #     reader: (*reader).into(), treatment: "film".into(), case: case.to_string(), positive: case % 2 == 0,
    /// #     rating: f64::from(case * 5 % 7) + if case % 2 == 0 { 2.0 } else { 0.0 } }));
    /// # let study = Study::from_readings(rows)?;
    /// use mammo_readout::{mrmc::{GallasSettings, gallas}, summary::Summary};
    /// let summary = Summary::gallas(&gallas(&study, GallasSettings::default())?);
    /// assert!(summary.text().contains("References"));
    /// # Ok::<(), mammo_readout::mrmc::MrmcError>(())
    /// ```
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
    ///
    /// ```
    /// # use mammo_readout::mrmc::{Reading, Study};
    /// # let rows = ["r1", "r2"].iter().flat_map(|reader| (0..16_u32).map(move |case| Reading {
    /// #     reader: (*reader).into(), treatment: "film".into(), case: case.to_string(), positive: case % 2 == 0,
    /// #     rating: f64::from(case * 5 % 7) + if case % 2 == 0 { 2.0 } else { 0.0 } }));
    /// # let study = Study::from_readings(rows)?;
    /// use mammo_readout::{mrmc::{GallasSettings, gallas}, summary::Summary};
    /// let summary = Summary::gallas(&gallas(&study, GallasSettings::default())?);
    /// assert_eq!(summary.json()["schema"], "mammo-stats/1");
    /// # Ok::<(), mammo_readout::mrmc::MrmcError>(())
    /// ```
    pub fn json(&self) -> Value {
        let mut document = json!({
            "schema": "mammo-stats/1",
            "method": self.method,
            "analysis": self.analysis,
            "methods": self.methods,
            "references": self.references.iter().map(|r| r.text()).collect::<Vec<_>>(),
        });
        if let Some(margins) = &self.margins {
            document["margins"] = value(margins);
        }
        document
    }

    /// The methods paragraph; numbers in brackets count the references.
    ///
    /// ```
    /// # use mammo_readout::mrmc::{Reading, Study};
    /// # let rows = ["r1", "r2"].iter().flat_map(|reader| (0..16_u32).map(move |case| Reading {
    /// #     reader: (*reader).into(), treatment: "film".into(), case: case.to_string(), positive: case % 2 == 0,
    /// #     rating: f64::from(case * 5 % 7) + if case % 2 == 0 { 2.0 } else { 0.0 } }));
    /// # let study = Study::from_readings(rows)?;
    /// use mammo_readout::{mrmc::{GallasSettings, gallas}, summary::Summary};
    /// let summary = Summary::gallas(&gallas(&study, GallasSettings::default())?);
    /// assert!(summary.methods().contains("AUC"));
    /// # Ok::<(), mammo_readout::mrmc::MrmcError>(())
    /// ```
    pub fn methods(&self) -> &str {
        &self.methods
    }
}

fn against(treatment: &str, test: &TTest) -> String {
    format!("{treatment} (against {})", table::plain(test.null))
}

/// The tests of a view, under their names in tables.
fn tests_of(view: &Inference) -> Vec<(String, TTest)> {
    let means = view.treatments.iter().map(|m| (against(&m.treatment, &m.test), m.test));
    let differences = view.differences.iter().map(|d| (format!("{} - {}", d.a, d.b), d.test));
    means.chain(differences).collect()
}

/// The analysis as JSON; every type here serialises, so there is no error to pass on.
fn value(analysis: &impl serde::Serialize) -> Value {
    serde_json::to_value(analysis).unwrap_or(Value::Null)
}
