use super::{
    Reference, Summary,
    table::{fixed, p_text, table},
    value,
};
use crate::{
    AucEstimate, AucTest, Interval, ReadoutError, compare_paired, delong,
    mrmc::{MrmcError, Study},
};
use serde::Serialize;

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
    /// Each reader under each treatment.
    pub estimates: Vec<SingleReaderEstimate>,
    /// Each reader's differences.
    pub differences: Vec<SingleReaderDifference>,
}

/// DeLong's analysis of each reader by himself or herself. It says nothing about other readers.
///
/// # Errors
/// [`ReadoutError`] for a reader with fewer than two cases of a class; cells without any reading are left out.
pub fn single_reader(study: &Study, interval: Interval) -> Result<SingleReaderAnalysis, ReadoutError> {
    let truths: Vec<bool> = study.cases().iter().map(|c| c.positive).collect();
    let mut estimates = Vec::new();
    let mut differences = Vec::new();
    for (r, reader) in study.readers().iter().enumerate() {
        for (t, treatment) in study.treatments().iter().enumerate() {
            let read: Vec<(f64, bool)> =
                study.cell(t, r).iter().zip(&truths).filter_map(|(v, p)| Some(((*v)?, *p))).collect();
            if read.is_empty() {
                continue;
            }
            let (ratings, positive): (Vec<f64>, Vec<bool>) = read.into_iter().unzip();
            let estimate = delong(&ratings, &positive, interval)?;
            estimates.push(SingleReaderEstimate {
                reader: reader.clone(),
                treatment: treatment.clone(),
                estimate,
            });
        }
        for a in 0..study.treatments().len() {
            for b in a + 1..study.treatments().len() {
                let common: Vec<(f64, f64, bool)> = study
                    .cell(a, r)
                    .iter()
                    .zip(study.cell(b, r))
                    .zip(&truths)
                    .filter_map(|((x, y), p)| Some(((*x)?, (*y)?, *p)))
                    .collect();
                if common.is_empty() {
                    continue;
                }
                let x: Vec<f64> = common.iter().map(|c| c.0).collect();
                let y: Vec<f64> = common.iter().map(|c| c.1).collect();
                let p: Vec<bool> = common.iter().map(|c| c.2).collect();
                differences.push(SingleReaderDifference {
                    reader: reader.clone(),
                    a: study.treatments()[a].clone(),
                    b: study.treatments()[b].clone(),
                    common_cases: common.len(),
                    test: compare_paired(&x, &y, &p, interval)?,
                });
            }
        }
    }
    Ok(SingleReaderAnalysis { truth: study.truth_name().to_owned(), estimates, differences })
}

impl Summary {
    /// A reader-by-reader analysis.
    ///
    /// # Errors
    /// [`MrmcError::Empty`] when nobody read anything.
    pub fn single_reader(a: &SingleReaderAnalysis, interval: Interval) -> Result<Self, MrmcError> {
        if a.estimates.is_empty() {
            return Err(MrmcError::Empty { what: "readings" });
        }
        let mut out = format!("DeLong, reader by reader: AUC, scored against {:?}\n\n", a.truth);
        let limits = |low: f64, high: f64| format!("{low:.4} to {high:.4}");
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
        let methods = format!(
            "The area under the empirical ROC curve was computed for each reader, scored against {:?}; a higher rating \
             counts as more positive and ties count one half. Variances and paired tests are those of DeLong et al. [1], \
             intervals of single areas have {}% coverage and are symmetric on the logit scale [2]. Readers were taken as \
             fixed: the result says nothing about other readers.",
            a.truth,
            interval.level * 100.0
        );
        let references = vec![Reference::DeLong, Reference::Pepe];
        Ok(Self { method: "delong", analysis: value(a), table: out, methods, references })
    }
}
