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

    /// What the truth is called.
    ///
    /// ```
    /// # use mammo_readout::mrmc::{Reading, Study};
    /// # let row = |case: &str, positive, rating| Reading {
    /// #     reader: "r".into(), treatment: "film".into(), case: case.into(), positive, rating };
    /// let study = Study::from_readings([row("a", true, 4.0), row("b", false, 2.0), row("c", false, 1.0)])?;
    /// assert_eq!(study.truth_name(), "truth");
    /// assert_eq!((study.readers().len(), study.treatments().len(), study.cases().len()), (1, 1, 3));
    /// assert_eq!(study.cell(0, 0), [Some(4.0), Some(2.0), Some(1.0)]);
    /// assert_eq!(study.treatment_index("film")?, 0);
    /// assert_eq!(study.class_sizes(), (1, 2));
    /// assert_eq!(study.readings().count(), 3);
    /// # Ok::<(), mammo_readout::mrmc::MrmcError>(())
    /// ```
    pub fn truth_name(&self) -> &str {
        &self.truth_name
    }

    /// Readers in order.
    ///
    /// ```
    /// # use mammo_readout::mrmc::{Reading, Study};
    /// # let row = |case: &str, positive, rating| Reading {
    /// #     reader: "r".into(), treatment: "film".into(), case: case.into(), positive, rating };
    /// # let study = Study::from_readings([row("a", true, 4.0), row("b", false, 2.0), row("c", false, 1.0)])?;
    /// assert_eq!(study.readers(), ["r"]);
    /// # Ok::<(), mammo_readout::mrmc::MrmcError>(())
    /// ```
    pub fn readers(&self) -> &[String] {
        &self.readers.list
    }

    /// Treatments in order.
    ///
    /// ```
    /// # use mammo_readout::mrmc::{Reading, Study};
    /// # let row = |case: &str, positive, rating| Reading {
    /// #     reader: "r".into(), treatment: "film".into(), case: case.into(), positive, rating };
    /// # let study = Study::from_readings([row("a", true, 4.0), row("b", false, 2.0), row("c", false, 1.0)])?;
    /// assert_eq!(study.treatments(), ["film"]);
    /// # Ok::<(), mammo_readout::mrmc::MrmcError>(())
    /// ```
    pub fn treatments(&self) -> &[String] {
        &self.treatments.list
    }

    /// Cases in order.
    ///
    /// ```
    /// # use mammo_readout::mrmc::{Reading, Study};
    /// # let row = |case: &str, positive, rating| Reading {
    /// #     reader: "r".into(), treatment: "film".into(), case: case.into(), positive, rating };
    /// # let study = Study::from_readings([row("a", true, 4.0), row("b", false, 2.0), row("c", false, 1.0)])?;
    /// assert_eq!((study.cases().len(), study.cases()[0].positive), (3, true));
    /// # Ok::<(), mammo_readout::mrmc::MrmcError>(())
    /// ```
    pub fn cases(&self) -> &[Case] {
        &self.cases
    }

    /// The rating of a case, `None` where it was not read. Indices count as in the lists of names.
    ///
    /// ```
    /// # use mammo_readout::mrmc::{Reading, Study};
    /// # let row = |case: &str, positive, rating| Reading {
    /// #     reader: "r".into(), treatment: "film".into(), case: case.into(), positive, rating };
    /// # let study = Study::from_readings([row("a", true, 4.0), row("b", false, 2.0), row("c", false, 1.0)])?;
    /// assert_eq!(study.rating(0, 0, 1), Some(2.0));
    /// # Ok::<(), mammo_readout::mrmc::MrmcError>(())
    /// ```
    pub fn rating(&self, treatment: usize, reader: usize, case: usize) -> Option<f64> {
        self.cells[treatment][reader][case]
    }

    /// All ratings of a reader under a treatment, one entry a case.
    ///
    /// ```
    /// # use mammo_readout::mrmc::{Reading, Study};
    /// # let row = |case: &str, positive, rating| Reading {
    /// #     reader: "r".into(), treatment: "film".into(), case: case.into(), positive, rating };
    /// # let study = Study::from_readings([row("a", true, 4.0), row("b", false, 2.0), row("c", false, 1.0)])?;
    /// assert_eq!(study.cell(0, 0), [Some(4.0), Some(2.0), Some(1.0)]);
    /// # Ok::<(), mammo_readout::mrmc::MrmcError>(())
    /// ```
    pub fn cell(&self, treatment: usize, reader: usize) -> &[Option<f64>] {
        &self.cells[treatment][reader]
    }

    /// The place of a treatment.
    ///
    /// # Errors
    /// [`MrmcError::UnknownTreatment`].
    ///
    /// ```
    /// # use mammo_readout::mrmc::{Reading, Study};
    /// # let row = |case: &str, positive, rating| Reading {
    /// #     reader: "r".into(), treatment: "film".into(), case: case.into(), positive, rating };
    /// # let study = Study::from_readings([row("a", true, 4.0), row("b", false, 2.0), row("c", false, 1.0)])?;
    /// assert_eq!(study.treatment_index("film")?, 0);
    /// assert!(study.treatment_index("digital").is_err());
    /// # Ok::<(), mammo_readout::mrmc::MrmcError>(())
    /// ```
    pub fn treatment_index(&self, name: &str) -> Result<usize, MrmcError> {
        self.treatments.at.get(name).copied().ok_or_else(|| MrmcError::UnknownTreatment {
            name: name.to_owned(),
            known: self.treatments.list.join(", "),
        })
    }

    /// How many readings a complete study of this size would have more.
    ///
    /// ```
    /// # use mammo_readout::mrmc::{Reading, Study};
    /// # let row = |case: &str, positive, rating| Reading {
    /// #     reader: "r".into(), treatment: "film".into(), case: case.into(), positive, rating };
    /// # let study = Study::from_readings([row("a", true, 4.0), row("b", false, 2.0), row("c", false, 1.0)])?;
    /// assert_eq!(study.missing(), 0);
    /// # Ok::<(), mammo_readout::mrmc::MrmcError>(())
    /// ```
    pub fn missing(&self) -> usize {
        self.cells.iter().flatten().flatten().filter(|rating| rating.is_none()).count()
    }

    /// Positive and negative cases.
    ///
    /// ```
    /// # use mammo_readout::mrmc::{Reading, Study};
    /// # let row = |case: &str, positive, rating| Reading {
    /// #     reader: "r".into(), treatment: "film".into(), case: case.into(), positive, rating };
    /// # let study = Study::from_readings([row("a", true, 4.0), row("b", false, 2.0), row("c", false, 1.0)])?;
    /// assert_eq!(study.class_sizes(), (1, 2));
    /// # Ok::<(), mammo_readout::mrmc::MrmcError>(())
    /// ```
    pub fn class_sizes(&self) -> (usize, usize) {
        let positive = self.cases.iter().filter(|case| case.positive).count();
        (positive, self.cases.len() - positive)
    }

    /// The part of the study under some treatments, in the order given; readers and cases without a reading there are
    /// left out.
    ///
    /// # Errors
    /// [`MrmcError::UnknownTreatment`], or [`MrmcError::Empty`] when nothing is left.
    ///
    /// ```
    /// use mammo_readout::mrmc::{Reading, Study};
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
    /// assert_eq!(study.select_treatments(&["modified"])?.treatments(), ["modified"]);
    /// assert!(study.select_treatments(&["film"]).is_err());
    /// # Ok::<(), mammo_readout::mrmc::MrmcError>(())
    /// ```
    pub fn select_treatments(&self, names: &[&str]) -> Result<Self, MrmcError> {
        let treatments =
            names.iter().map(|name| self.treatment_index(name)).collect::<Result<Vec<_>, _>>()?;
        let read = |r: usize, c: usize| treatments.iter().any(|&t| self.cells[t][r][c].is_some());
        let readers: Vec<usize> =
            (0..self.readers.list.len()).filter(|&r| (0..self.cases.len()).any(|c| read(r, c))).collect();
        let cases: Vec<usize> =
            (0..self.cases.len()).filter(|&c| readers.iter().any(|&r| read(r, c))).collect();
        let mut part = Self::declared(
            readers.iter().map(|&r| self.readers.list[r].clone()),
            treatments.iter().map(|&t| self.treatments.list[t].clone()),
            cases.iter().map(|&c| self.cases[c].clone()),
        )?;
        part.truth_name.clone_from(&self.truth_name);
        if let Some(clusters) = &self.clusters {
            let mut names = Names::default();
            let of_case =
                cases.iter().map(|&c| place(&mut names, &clusters.of_case[c].to_string())).collect();
            part.clusters = Some(Clusters { of_case, count: names.list.len() });
        }
        for (to, &t) in treatments.iter().enumerate() {
            for (row, &r) in readers.iter().enumerate() {
                part.cells[to][row] = cases.iter().map(|&c| self.cells[t][r][c]).collect();
            }
        }
        Ok(part)
    }

    /// The readings as rows, by treatment, reader and case.
    ///
    /// ```
    /// # use mammo_readout::mrmc::{Reading, Study};
    /// # let row = |case: &str, positive, rating| Reading {
    /// #     reader: "r".into(), treatment: "film".into(), case: case.into(), positive, rating };
    /// # let study = Study::from_readings([row("a", true, 4.0), row("b", false, 2.0), row("c", false, 1.0)])?;
    /// assert_eq!(study.readings().map(|r| r.rating).sum::<f64>(), 7.0);
    /// # Ok::<(), mammo_readout::mrmc::MrmcError>(())
    /// ```
    pub fn readings(&self) -> impl Iterator<Item = Reading> + '_ {
        self.cells.iter().enumerate().flat_map(move |(t, readers)| {
            readers.iter().enumerate().flat_map(move |(r, cell)| {
                cell.iter().zip(&self.cases).filter_map(move |(rating, case)| {
                    Some(Reading {
                        reader: self.readers.list[r].clone(),
                        treatment: self.treatments.list[t].clone(),
                        case: case.name.clone(),
                        positive: case.positive,
                        rating: (*rating)?,
                    })
                })
            })
        })
    }

    /// The first missing reading as an error, when there is one.
    pub(crate) fn complete_or(&self, method: &'static str) -> Result<(), MrmcError> {
        for (t, readers) in self.cells.iter().enumerate() {
            for (r, cell) in readers.iter().enumerate() {
                if let Some(c) = cell.iter().position(Option::is_none) {
                    return Err(MrmcError::MissingReadings {
                        missing: self.missing(),
                        expected: self.treatments.list.len() * self.readers.list.len() * self.cases.len(),
                        reader: self.readers.list[r].clone(),
                        treatment: self.treatments.list[t].clone(),
                        case: self.cases[c].name.clone(),
                        method,
                    });
                }
            }
        }
        Ok(())
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
