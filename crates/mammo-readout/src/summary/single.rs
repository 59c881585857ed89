use super::{
    Reference, Summary,
    table::{fixed, limits, p_text, plain, table},
    value,
};
use crate::{
    AucEstimate, AucTest, ClusteredRatings, Interval, IntervalMethod, ReadoutError, clustered,
    compare_clustered, compare_paired, delong,
    mrmc::{MrmcError, Study, TTest},
};
use serde::Serialize;
use std::fmt::Write;

/// One reader under one treatment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SingleReaderEstimate {
    /// The reader.
    pub reader: String,
    /// The treatment.
    pub treatment: String,
    /// AUC with its interval.
    pub estimate: AucEstimate,
}

/// One reader's comparison of two treatments on the cases read under both.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SingleReaderDifference {
    /// The reader.
    pub reader: String,
    /// The treatment that is subtracted from.
    pub a: String,
    /// The treatment that is subtracted.
    pub b: String,
    /// Cases read under both.
    pub common_cases: usize,
    /// The test.
    pub test: AucTest,
}

/// Reader by reader, the readers fixed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SingleReaderAnalysis {
    /// What the truth is called.
    pub truth: String,
    /// Clusters that the cases form, where they do.
    pub clusters: Option<usize>,
    /// Each reader under each treatment.
    pub estimates: Vec<SingleReaderEstimate>,
    /// Each reader's differences.
    pub differences: Vec<SingleReaderDifference>,
}

/// Each reader by himself or herself: DeLong's variances and paired test on the cases read under both treatments, or, where
/// the study names clusters, Obuchowski's clustered variances and test over all cases. It says nothing about other
/// readers.
///
/// # Errors
/// [`ReadoutError`] for a reader with fewer than two cases (or clusters) of a class; cells without any reading are left
/// out.
///
/// ```
/// use mammo_readout::{Interval, mrmc::{Reading, Study}, summary::single_reader};
///
/// let mut rows = Vec::new();
/// for treatment in ["film", "screen"] {
///     for case in 0..16_u32 {
///         rows.push(Reading {
///             reader: "r1".into(), treatment: treatment.into(), case: case.to_string(), positive: case % 2 == 0,
///             rating: f64::from(case * 5 % 7) + if case % 2 == 0 { 2.0 } else { 0.0 },
///         });
///     }
/// }
/// let analysis = single_reader(&Study::from_readings(rows).unwrap(), Interval::default())?;
/// assert_eq!((analysis.estimates.len(), analysis.differences[0].common_cases), (2, 16));
/// # Ok::<(), mammo_readout::ReadoutError>(())
/// ```
pub fn single_reader(study: &Study, interval: Interval) -> Result<SingleReaderAnalysis, ReadoutError> {
    let mut estimates = Vec::new();
    let mut differences = Vec::new();
    for (r, reader) in study.readers().iter().enumerate() {
        for (t, treatment) in study.treatments().iter().enumerate() {
            let read = Read::of(study, t, r, |_| true);
            if read.ratings.is_empty() {
                continue;
            }
            let estimate = match &read.clusters {
                Some(clusters) => clustered(&read.ratings, &read.positive, clusters, interval)?,
                None => delong(&read.ratings, &read.positive, interval)?,
            };
            estimates.push(SingleReaderEstimate {
                reader: reader.clone(),
                treatment: treatment.clone(),
                estimate,
            });
        }
        for a in 0..study.treatments().len() {
            for b in a + 1..study.treatments().len() {
                let both = |c: usize| study.rating(a, r, c).is_some() && study.rating(b, r, c).is_some();
                let common = (0..study.cases().len()).filter(|&c| both(c)).count();
                let clustered = study.clusters().is_some();
                let of = |t| Read::of(study, t, r, |c| clustered || both(c));
                let (x, y) = (of(a), of(b));
                if x.ratings.is_empty() || y.ratings.is_empty() {
                    continue;
                }
                let test = match (&x.clusters, &y.clusters) {
                    (Some(in_x), Some(in_y)) => compare_clustered(
                        &ClusteredRatings::new(&x.ratings, &x.positive, in_x)?,
                        &ClusteredRatings::new(&y.ratings, &y.positive, in_y)?,
                        interval,
                    )?,
                    _ => compare_paired(&x.ratings, &y.ratings, &x.positive, interval)?,
                };
                differences.push(SingleReaderDifference {
                    reader: reader.clone(),
                    a: study.treatments()[a].clone(),
                    b: study.treatments()[b].clone(),
                    common_cases: common,
                    test,
                });
            }
        }
    }
    let (truth, clusters) = (study.truth_name().to_owned(), study.clusters());
    Ok(SingleReaderAnalysis { truth, clusters, estimates, differences })
}

/// What one reader read under one treatment.
struct Read {
    ratings: Vec<f64>,
    positive: Vec<bool>,
    clusters: Option<Vec<usize>>,
}

impl Read {
    fn of(study: &Study, treatment: usize, reader: usize, keep: impl Fn(usize) -> bool) -> Self {
        let cell = study.cell(treatment, reader);
        let read: Vec<usize> = (0..cell.len()).filter(|&c| cell[c].is_some() && keep(c)).collect();
        Self {
            ratings: read.iter().filter_map(|&c| cell[c]).collect(),
            positive: read.iter().map(|&c| study.cases()[c].positive).collect(),
            clusters: study.cluster_numbers().map(|n| read.iter().map(|&c| n.of_case[c]).collect()),
        }
    }
}

impl Summary {
    /// A reader-by-reader analysis.
    ///
    /// # Errors
    /// [`MrmcError::Empty`] when nobody read anything.
    ///
    /// ```
    /// # use mammo_readout::mrmc::{Reading, Study};
    /// # let rows = ["r1", "r2"].iter().flat_map(|reader| (0..16_u32).map(move |case| Reading {
    /// #     reader: (*reader).into(), treatment: "film".into(), case: case.to_string(), positive: case % 2 == 0,
    /// #     rating: f64::from(case * 5 % 7) + if case % 2 == 0 { 2.0 } else { 0.0 } }));
    /// # let study = Study::from_readings(rows)?;
    /// use mammo_readout::{Interval, summary::{Summary, single_reader}};
    /// let interval = Interval::default();
    /// let analysis = single_reader(&study, interval).unwrap();
    /// assert!(Summary::single_reader(&analysis, interval)?.text().contains("r1"));
    /// # Ok::<(), mammo_readout::mrmc::MrmcError>(())
    /// ```
    pub fn single_reader(a: &SingleReaderAnalysis, interval: Interval) -> Result<Self, MrmcError> {
        if a.estimates.is_empty() {
            return Err(MrmcError::Empty { what: "readings" });
        }
        let by = if a.clusters.is_some() { "Obuchowski 1997 (clustered)" } else { "DeLong" };
        let mut out = format!("{by}, reader by reader: AUC, scored against {:?}\n\n", a.truth);
        let rows: Vec<Vec<String>> = a
            .estimates
            .iter()
            .map(|e| {
                let x = &e.estimate;
                let sizes = [x.n_pos.to_string(), x.n_neg.to_string()];
                let [pos, neg] = sizes;
                vec![
                    e.reader.clone(),
                    e.treatment.clone(),
                    fixed(x.auc, 4),
                    fixed(x.se, 4),
                    limits(x.ci_low, x.ci_high),
                    pos,
                    neg,
                ]
            })
            .collect();
        out.push_str(&table(
            &["reader", "treatment", "AUC", "SE", "interval", "positive", "negative"],
            &rows,
        ));
        if !a.differences.is_empty() {
            let rows: Vec<Vec<String>> = a
                .differences
                .iter()
                .map(|d| {
                    let t = &d.test;
                    let name = format!("{} - {}", d.a, d.b);
                    vec![
                        d.reader.clone(),
                        name,
                        fixed(t.difference, 4),
                        fixed(t.se, 4),
                        limits(t.ci_low, t.ci_high),
                        fixed(t.z, 2),
                        p_text(Some(t.p)),
                        d.common_cases.to_string(),
                    ]
                })
                .collect();
            let header = ["reader", "difference", "estimate", "SE", "interval", "z", "p", "common cases"];
            out.push('\n');
            out.push_str(&table(&header, &rows));
        }
        let bounded: Vec<&SingleReaderEstimate> = a
            .estimates
            .iter()
            .filter(|e| {
                matches!(e.estimate.interval, IntervalMethod::DisjointPairs | IntervalMethod::LargestVariance)
            })
            .collect();
        if !bounded.is_empty() {
            out.push_str("\nTake note\n");
        }
        for e in bounded {
            let _ = writeln!(
                out,
                "- reader {} has AUC {} under treatment {}, where the variance estimate is zero; the interval is a bound \
                 that needs no model",
                e.reader,
                plain(e.estimate.auc),
                e.treatment
            );
        }
        let methods = format!(
            "The area under the empirical ROC curve was computed for each reader, scored against {:?}; a higher rating \
             counts as more positive and ties count one half. {}, \
             intervals of single areas have {}% coverage and are symmetric on the logit scale [2]. Readers were taken as \
             fixed: the result says nothing about other readers.",
            a.truth,
            match a.clusters {
                Some(n) => format!(
                    "Variances and tests allow for the dependence of cases within {n} clusters after Obuchowski [1]"
                ),
                None => "Variances and paired tests are those of DeLong et al. [1]".to_owned(),
            },
            plain(interval.level * 100.0)
        );
        let first = if a.clusters.is_some() { Reference::Obuchowski1997 } else { Reference::DeLong };
        let references = vec![first, Reference::Pepe];
        let mut tests = Vec::new();
        for d in &a.differences {
            let t = &d.test;
            let df = t.df.unwrap_or(f64::INFINITY);
            let name = format!("{}, {} - {}", d.reader, d.a, d.b);
            tests.push((name, TTest::new(t.difference, t.se, df, 0.0, t.level)?));
        }
        for e in a.estimates.iter().filter(|_| a.differences.is_empty()) {
            let name = format!("{}, {}", e.reader, e.treatment);
            tests
                .push((name, TTest::new(e.estimate.auc, e.estimate.se, f64::INFINITY, 0.5, interval.level)?));
        }
        let (method, analysis) = ("delong", value(a));
        Ok(Self { method, analysis, table: out, methods, references, tests, margins: None })
    }
}
