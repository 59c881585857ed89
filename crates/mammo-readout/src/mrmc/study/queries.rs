//! What is in a study, and parts of it.

use super::{Case, Clusters, Names, Reading, Study, place};
use crate::mrmc::MrmcError;

impl Study {
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
