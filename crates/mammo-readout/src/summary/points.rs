use super::table::{fixed, table};
use crate::{LikelihoodRatios, Ratio, ReadoutError, RocCurve, RocPoint, SensitivityAt, mrmc::Study};
use serde::Serialize;

/// A point of one reader's curve with its likelihood ratios.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct RatedPoint {
    /// The point.
    pub point: RocPoint,
    /// Its likelihood ratios.
    pub likelihood_ratios: LikelihoodRatios,
}

/// Operating points of one reader under one treatment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReaderPoints {
    /// The reader.
    pub reader: String,
    /// The treatment.
    pub treatment: String,
    /// Positive cases read.
    pub n_pos: usize,
    /// Negative cases read.
    pub n_neg: usize,
    /// Largest `sensitivity + specificity - 1`.
    pub youden_index: f64,
    /// The points that reach it.
    pub youden: Vec<RatedPoint>,
    /// Sensitivity at each specificity asked for.
    pub sensitivity_at: Vec<SensitivityAt>,
}

/// Operating points of all readers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OperatingPoints {
    /// What the truth is called.
    pub truth: String,
    /// Coverage of the intervals of likelihood ratios.
    pub level: f64,
    /// Each reader under each treatment.
    pub readers: Vec<ReaderPoints>,
}

/// Youden points with likelihood ratios, and sensitivities at fixed specificities, of each reader under each treatment; see
/// [`RocCurve::youden`], [`RocCurve::likelihood_ratios`] and [`RocCurve::sensitivity_at`]. A point chosen as the best of a
/// sample looks better than it will be on new cases.
///
/// # Errors
/// [`ReadoutError`] for a reader with cases of one class only, or a level or specificity out of its range; cells without
/// any reading are left out.
///
/// ```
/// use mammo_readout::{mrmc::{Reading, Study}, summary::operating_points};
///
/// let row = |case: u32, rating| Reading {
///     reader: "r1".into(), treatment: "film".into(), case: case.to_string(), positive: case > 2, rating,
/// };
/// let study = Study::from_readings([1.0, 3.0, 2.0, 4.0].into_iter().zip(1..).map(|(x, case)| row(case, x))).unwrap();
/// let found = operating_points(&study, &[0.5], 0.95)?;
/// assert_eq!(found.readers[0].sensitivity_at[0].interpolated, 1.0);
/// assert_eq!(found.readers[0].youden_index, 0.5);
/// # Ok::<(), mammo_readout::ReadoutError>(())
/// ```
pub fn operating_points(
    study: &Study,
    specificities: &[f64],
    level: f64,
) -> Result<OperatingPoints, ReadoutError> {
    let mut readers = Vec::new();
    for (r, reader) in study.readers().iter().enumerate() {
        for (t, treatment) in study.treatments().iter().enumerate() {
            let read = study.cell(t, r).iter().zip(study.cases());
            let (ratings, truth): (Vec<f64>, Vec<bool>) =
                read.filter_map(|(rating, case)| Some(((*rating)?, case.positive))).unzip();
            if ratings.is_empty() {
                continue;
            }
            let curve = RocCurve::new(&ratings, &truth)?;
            let (youden_index, points) = curve.youden();
            let rated = |point: RocPoint| -> Result<RatedPoint, ReadoutError> {
                Ok(RatedPoint { point, likelihood_ratios: curve.likelihood_ratios(&point, level)? })
            };
            readers.push(ReaderPoints {
                reader: reader.clone(),
                treatment: treatment.clone(),
                n_pos: curve.n_pos,
                n_neg: curve.n_neg,
                youden_index,
                youden: points.into_iter().map(rated).collect::<Result<_, _>>()?,
                sensitivity_at: specificities
                    .iter()
                    .map(|&s| curve.sensitivity_at(s))
                    .collect::<Result<_, _>>()?,
            });
        }
    }
    Ok(OperatingPoints { truth: study.truth_name().to_owned(), level, readers })
}

impl OperatingPoints {
    /// A table for people.
    ///
    /// ```
    /// # use mammo_readout::mrmc::{Reading, Study};
    /// # let rows = ["r1", "r2"].iter().flat_map(|reader| (0..16_u32).map(move |case| Reading {
    /// #     reader: (*reader).into(), treatment: "film".into(), case: case.to_string(), positive: case % 2 == 0,
    /// #     rating: f64::from(case * 5 % 7) + if case % 2 == 0 { 2.0 } else { 0.0 } }));
    /// # let study = Study::from_readings(rows).unwrap();
    /// let points = mammo_readout::summary::operating_points(&study, &[0.9], 0.95)?;
    /// assert!(points.text().contains("r2"));
    /// # Ok::<(), mammo_readout::ReadoutError>(())
    /// ```
    pub fn text(&self) -> String {
        let ratio = |r: Option<Ratio>| match r {
            None => "-".to_owned(),
            Some(Ratio { value, ci: None }) => fixed(value, 2),
            Some(Ratio { value, ci: Some((low, high)) }) => format!("{value:.2} ({low:.2} to {high:.2})"),
        };
        let mut out = format!("Operating points of each reader, scored against {:?}\n\n", self.truth);
        let mut rows = Vec::new();
        for reader in &self.readers {
            for RatedPoint { point, likelihood_ratios } in &reader.youden {
                rows.push(vec![
                    reader.reader.clone(),
                    reader.treatment.clone(),
                    fixed(reader.youden_index, 4),
                    point.threshold.map_or_else(|| "above all".to_owned(), |t| t.to_string()),
                    fixed(point.true_positive_rate, 4),
                    fixed(1.0 - point.false_positive_rate, 4),
                    ratio(likelihood_ratios.positive),
                    ratio(likelihood_ratios.negative),
                ]);
            }
        }
        let header =
            ["reader", "treatment", "Youden", "positive from", "sensitivity", "specificity", "LR+", "LR-"];
        out.push_str(&table(&header, &rows));
        let rows: Vec<Vec<String>> = self
            .readers
            .iter()
            .flat_map(|reader| reader.sensitivity_at.iter().map(move |s| (reader, s)))
            .map(|(reader, s)| {
                vec![
                    reader.reader.clone(),
                    reader.treatment.clone(),
                    s.specificity.to_string(),
                    fixed(s.interpolated, 4),
                    fixed(s.reached.true_positive_rate, 4),
                    fixed(1.0 - s.reached.false_positive_rate, 4),
                ]
            })
            .collect();
        if !rows.is_empty() {
            out.push('\n');
            let header =
                ["reader", "treatment", "at specificity", "sensitivity", "reached", "with specificity"];
            out.push_str(&table(&header, &rows));
        }
        out
    }
}
