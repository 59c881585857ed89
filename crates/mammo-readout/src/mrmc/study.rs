mod queries;

use super::MrmcError;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// One reading with its truth, as a row of a long table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// Who read.
    pub reader: String,
    /// Under which treatment (modality, arm).
    pub treatment: String,
    /// Which case.
    pub case: String,
    /// Whether the case has the condition.
    pub positive: bool,
    /// The rating; a higher one means "more positive".
    pub rating: f64,
}

/// A case with its truth.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// Its name.
    pub name: String,
    /// Whether it has the condition.
    pub positive: bool,
}

/// A study of several readers, treatments and cases: the ratings, with what is missing kept as missing.
///
/// Names keep the order in which they were declared or first met; differences between treatments are the earlier minus
/// the later. The truth that cases are scored against has a name, because images that were tampered with have two
/// (the label of the source image and the label that the alteration aims at) and an AUC means nothing without it.
///
/// ```
/// use mammo_readout::mrmc::{MrmcError, Reading, Study};
///
/// let row = |reader: &str, case: &str, positive, rating| Reading {
///     reader: reader.into(), treatment: "original".into(), case: case.into(), positive, rating,
/// };
/// let study = Study::from_readings([row("r1", "a", true, 4.0), row("r1", "b", false, 2.0), row("r2", "a", true, 5.0)])?;
/// assert_eq!(study.readers(), ["r1", "r2"]);
/// // Reader r2 has not read case b, which is explicit.
/// assert_eq!(study.rating(0, 1, 1), None);
/// assert_eq!(study.missing(), 1);
/// assert!(matches!(
///     Study::from_readings([row("r1", "a", true, f64::NAN)]),
///     Err(MrmcError::NotFinite { .. })
/// ));
/// # Ok::<(), MrmcError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Study {
    truth_name: String,
    readers: Names,
    treatments: Names,
    cases: Vec<Case>,
    case_at: HashMap<String, usize>,
    /// By treatment, then reader, then case.
    cells: Vec<Vec<Vec<Option<f64>>>>,
    clusters: Option<Clusters>,
}

/// Which cluster each case belongs to, by numbers from 0.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Clusters {
    pub(crate) of_case: Vec<usize>,
    pub(crate) count: usize,
}

/// Names in order with their places.
#[derive(Debug, Clone, PartialEq, Default)]
struct Names {
    list: Vec<String>,
    at: HashMap<String, usize>,
}

impl Names {
    fn declare(&mut self, what: &'static str, name: String) -> Result<(), MrmcError> {
        let place = self.list.len();
        if self.at.insert(name.clone(), place).is_some() {
            return Err(MrmcError::DuplicateName { what, name });
        }
        self.list.push(name);
        Ok(())
    }
}

impl Study {
    /// An empty study with its readers, treatments and cases; [`Study::read`] fills it and refuses other names.
    ///
    /// # Errors
    /// [`MrmcError::DuplicateName`] or [`MrmcError::Empty`].
    ///
    /// ```
    /// use mammo_readout::mrmc::{Case, MrmcError, Study};
    /// let case = |name: &str, positive| Case { name: name.into(), positive };
    /// let mut study =
    ///     Study::declared(["r".to_owned()], ["film".to_owned()], [case("a", true), case("b", false)])?;
    /// study.read("r", "film", "a", 4.0)?;
    /// assert!(matches!(study.read("x", "film", "a", 4.0), Err(MrmcError::UnknownReader { .. })));
    /// # Ok::<(), mammo_readout::mrmc::MrmcError>(())
    /// ```
    pub fn declared(
        readers: impl IntoIterator<Item = String>,
        treatments: impl IntoIterator<Item = String>,
        cases: impl IntoIterator<Item = Case>,
    ) -> Result<Self, MrmcError> {
        let mut study = Self::empty();
        for name in readers {
            study.readers.declare("reader", name)?;
        }
        for name in treatments {
            study.treatments.declare("treatment", name)?;
        }
        for case in cases {
            let place = study.cases.len();
            if study.case_at.insert(case.name.clone(), place).is_some() {
                return Err(MrmcError::DuplicateName { what: "case", name: case.name });
            }
            study.cases.push(case);
        }
        study.check_not_empty()?;
        let cell = vec![None; study.cases.len()];
        study.cells = vec![vec![cell; study.readers.list.len()]; study.treatments.list.len()];
        Ok(study)
    }

    /// A study from rows of a long table; names are taken from the rows.
    ///
    /// # Errors
    /// [`MrmcError`] for a duplicate reading, a case with two truths, a rating that is not finite, or no rows.
    ///
    /// ```
    /// use mammo_readout::mrmc::{Reading, Study};
    /// let row = |case: &str, positive, rating| Reading {
    ///     reader: "r".into(), treatment: "film".into(), case: case.into(), positive, rating };
    /// let study = Study::from_readings([row("a", true, 4.0), row("b", false, 2.0)])?;
    /// assert_eq!(study.cases().len(), 2);
    /// assert!(Study::from_readings([row("a", true, 4.0), row("a", true, 3.0)]).is_err());
    /// # Ok::<(), mammo_readout::mrmc::MrmcError>(())
    /// ```
    pub fn from_readings(readings: impl IntoIterator<Item = Reading>) -> Result<Self, MrmcError> {
        let mut study = Self::empty();
        let mut placed = Vec::new();
        for reading in readings {
            let reader = place(&mut study.readers, &reading.reader);
            let treatment = place(&mut study.treatments, &reading.treatment);
            let case = match study.case_at.get(&reading.case) {
                Some(&at) if study.cases[at].positive != reading.positive => {
                    return Err(MrmcError::ContradictoryTruth { name: reading.case });
                }
                Some(&at) => at,
                None => {
                    study.case_at.insert(reading.case.clone(), study.cases.len());
                    study.cases.push(Case { name: reading.case, positive: reading.positive });
                    study.cases.len() - 1
                }
            };
            placed.push((treatment, reader, case, reading.rating));
        }
        study.check_not_empty()?;
        let cell = vec![None; study.cases.len()];
        study.cells = vec![vec![cell; study.readers.list.len()]; study.treatments.list.len()];
        for (treatment, reader, case, rating) in placed {
            study.put(treatment, reader, case, rating)?;
        }
        Ok(study)
    }

    fn empty() -> Self {
        Self {
            truth_name: "truth".to_owned(),
            readers: Names::default(),
            treatments: Names::default(),
            cases: Vec::new(),
            case_at: HashMap::new(),
            cells: Vec::new(),
            clusters: None,
        }
    }

    fn check_not_empty(&self) -> Result<(), MrmcError> {
        for (what, empty) in [
            ("readers", self.readers.list.is_empty()),
            ("treatments", self.treatments.list.is_empty()),
            ("cases", self.cases.is_empty()),
        ] {
            if empty {
                return Err(MrmcError::Empty { what });
            }
        }
        Ok(())
    }

    /// Adds a reading to a declared study.
    ///
    /// # Errors
    /// [`MrmcError`] for a name that was not declared, a second reading of the same cell, or a rating that is not
    /// finite.
    ///
    /// ```
    /// use mammo_readout::mrmc::{Case, Study};
    /// let cases = [("a", true), ("b", false)].map(|(name, positive)| Case { name: name.into(), positive });
    /// let mut study = Study::declared(["r".to_owned()], ["film".to_owned()], cases)?;
    /// study.read("r", "film", "a", 4.0)?;
    /// assert_eq!(study.missing(), 1);
    /// assert!(study.read("nobody", "film", "a", 4.0).is_err());
    /// # Ok::<(), mammo_readout::mrmc::MrmcError>(())
    /// ```
    pub fn read(&mut self, reader: &str, treatment: &str, case: &str, rating: f64) -> Result<(), MrmcError> {
        let r =
            self.readers.at.get(reader).ok_or_else(|| MrmcError::UnknownReader { name: reader.into() })?;
        let t = self.treatment_index(treatment)?;
        let c = self.case_at.get(case).ok_or_else(|| MrmcError::UnknownCase { name: case.into() })?;
        self.put(t, *r, *c, rating)
    }

    fn put(&mut self, treatment: usize, reader: usize, case: usize, rating: f64) -> Result<(), MrmcError> {
        let names = || {
            (
                self.readers.list[reader].clone(),
                self.treatments.list[treatment].clone(),
                self.cases[case].name.clone(),
            )
        };
        if !rating.is_finite() {
            let (reader, treatment, case) = names();
            return Err(MrmcError::NotFinite { reader, treatment, case, value: rating });
        }
        if let Some(first) = self.cells[treatment][reader][case] {
            let (reader, treatment, case) = names();
            return Err(MrmcError::DuplicateReading { reader, treatment, case, first, second: rating });
        }
        self.cells[treatment][reader][case] = Some(rating);
        Ok(())
    }

    /// Sets every reading, by treatment, reader and case.
    pub(crate) fn fill(&mut self, rating: impl Fn(usize, usize, usize) -> f64) {
        for (t, readers) in self.cells.iter_mut().enumerate() {
            for (r, cell) in readers.iter_mut().enumerate() {
                for (c, slot) in cell.iter_mut().enumerate() {
                    *slot = Some(rating(t, r, c));
                }
            }
        }
    }

    /// The study with every rating negated: for scales on which a *lower* rating is more positive. Direction is said, never
    /// guessed.
    ///
    /// ```
    /// use mammo_readout::mrmc::{Reading, Study};
    /// let row = Reading {
    ///     reader: "r".into(), treatment: "t".into(), case: "a".into(), positive: true, rating: 2.0,
    /// };
    /// let study = Study::from_readings([row])?.with_lower_as_more_positive();
    /// assert_eq!(study.rating(0, 0, 0), Some(-2.0));
    /// # Ok::<(), mammo_readout::mrmc::MrmcError>(())
    /// ```
    #[must_use]
    pub fn with_lower_as_more_positive(mut self) -> Self {
        for rating in self.cells.iter_mut().flatten().flatten().flatten() {
            // Zero stays zero.
            *rating = 0.0 - *rating;
        }
        self
    }

    /// Says which truth the cases are scored against, for reports: `source label`, `intended label`, `modified`.
    ///
    /// ```
    /// # use mammo_readout::mrmc::{Reading, Study};
    /// # let row = |case: &str, positive, rating| Reading {
    /// #     reader: "r".into(), treatment: "film".into(), case: case.into(), positive, rating };
    /// # let study = Study::from_readings([row("a", true, 4.0), row("b", false, 2.0), row("c", false, 1.0)])?;
    /// assert_eq!(study.with_truth_name("biopsy").truth_name(), "biopsy");
    /// # Ok::<(), mammo_readout::mrmc::MrmcError>(())
    /// ```
    #[must_use]
    pub fn with_truth_name(mut self, name: impl Into<String>) -> Self {
        self.truth_name = name.into();
        self
    }

    /// Says which cases depend on each other: cases with the same name of a cluster. In a study of tampering the cluster
    /// is the source image, which an original and its altered twin share; elsewhere it is often the patient.
    ///
    /// Clusters matter where several cases of one occur; an image that is read under two treatments is *one* case.
    /// [`super::obuchowski_rockette`] and [`super::compare_with_standalone`] take them into account, the other analyses
    /// refuse them.
    ///
    /// ```
    /// use mammo_readout::mrmc::{MrmcError, Reading, Study};
    ///
    /// let row = |case: &str, positive, rating| Reading {
    ///     reader: "r".into(), treatment: "t".into(), case: case.into(), positive, rating,
    /// };
    /// // Was the image altered? Both versions of source 1 were read.
    /// let study = Study::from_readings([row("1-original", false, 2.0), row("1-altered", true, 3.0), row("2-altered", true, 1.0)])?;
    /// let study = study.with_clusters(|case| case.name.split('-').next().unwrap_or_default().to_owned());
    /// assert_eq!(study.clusters(), Some(2));
    /// # Ok::<(), MrmcError>(())
    /// ```
    #[must_use]
    pub fn with_clusters(mut self, mut cluster_of: impl FnMut(&Case) -> String) -> Self {
        let mut names = Names::default();
        let of_case = self.cases.iter().map(|case| place(&mut names, &cluster_of(case))).collect();
        self.clusters = Some(Clusters { of_case, count: names.list.len() });
        self
    }

    pub(crate) fn without_clusters(&self) -> Self {
        Self { clusters: None, ..self.clone() }
    }

    /// How many clusters the cases form, where that was said.
    ///
    /// ```
    /// # use mammo_readout::mrmc::{Reading, Study};
    /// # let row = |case: &str, positive, rating| Reading {
    /// #     reader: "r".into(), treatment: "film".into(), case: case.into(), positive, rating };
    /// # let study = Study::from_readings([row("a", true, 4.0), row("b", false, 2.0), row("c", false, 1.0)])?;
    /// assert_eq!(study.clusters(), None);
    /// let paired = study.with_clusters(|case| if case.name == "c" { "b".into() } else { case.name.clone() });
    /// assert_eq!(paired.clusters(), Some(2));
    /// # Ok::<(), mammo_readout::mrmc::MrmcError>(())
    /// ```
    pub fn clusters(&self) -> Option<usize> {
        self.clusters.as_ref().map(|c| c.count)
    }

    pub(crate) fn cluster_numbers(&self) -> Option<&Clusters> {
        self.clusters.as_ref()
    }

    /// Refuses clusters for a method that takes cases as independent.
    pub(crate) fn unclustered_or(&self, method: &'static str) -> Result<(), MrmcError> {
        match self.clusters {
            None => Ok(()),
            Some(_) => Err(MrmcError::Unsupported {
                method,
                what: "cases in clusters".to_owned(),
                remedy: "use Obuchowski-Rockette with jackknife or DeLong covariances, or leave the clusters out",
            }),
        }
    }
}

fn place(names: &mut Names, name: &str) -> usize {
    if let Some(&at) = names.at.get(name) {
        return at;
    }
    names.at.insert(name.to_owned(), names.list.len());
    names.list.push(name.to_owned());
    names.list.len() - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared() -> Study {
        let case = |name: &str, positive| Case { name: name.into(), positive };
        Study::declared(
            ["r".to_owned()],
            ["t".to_owned(), "u".to_owned()],
            [case("a", true), case("b", false)],
        )
        .unwrap()
    }

    #[test]
    fn names_that_were_not_declared_are_refused() {
        let mut study = declared();
        assert!(matches!(study.read("x", "t", "a", 1.0), Err(MrmcError::UnknownReader { .. })));
        assert!(matches!(study.read("r", "x", "a", 1.0), Err(MrmcError::UnknownTreatment { .. })));
        assert!(matches!(study.read("r", "t", "x", 1.0), Err(MrmcError::UnknownCase { .. })));
        study.read("r", "t", "a", 1.0).unwrap();
        assert!(matches!(
            study.read("r", "t", "a", 2.0),
            Err(MrmcError::DuplicateReading { first: 1.0, second: 2.0, .. })
        ));
        assert!(matches!(study.read("r", "t", "b", f64::INFINITY), Err(MrmcError::NotFinite { .. })));
    }

    #[test]
    fn contradictory_truths_and_repeated_names_are_refused() {
        let row = |positive| Reading {
            reader: "r".into(),
            treatment: if positive { "t" } else { "u" }.into(),
            case: "a".into(),
            positive,
            rating: 1.0,
        };
        assert_eq!(
            Study::from_readings([row(true), row(false)]),
            Err(MrmcError::ContradictoryTruth { name: "a".into() })
        );
        assert_eq!(Study::from_readings([]), Err(MrmcError::Empty { what: "readers" }));
        let twice = Study::declared(["r".to_owned(), "r".to_owned()], ["t".to_owned()], []);
        assert!(matches!(twice, Err(MrmcError::DuplicateName { what: "reader", .. })));
    }

    #[test]
    fn a_selection_keeps_only_what_was_read() {
        let mut study = declared();
        study.read("r", "t", "a", 1.0).unwrap();
        study.read("r", "u", "b", 2.0).unwrap();
        let part = study.select_treatments(&["u"]).unwrap();
        assert_eq!((part.cases().len(), part.missing(), part.treatments()), (1, 0, &["u".to_owned()][..]));
        assert!(matches!(study.select_treatments(&["v"]), Err(MrmcError::UnknownTreatment { .. })));
        assert_eq!(Study::from_readings(study.readings()).unwrap().missing(), 2);
    }
}
