use super::table::{fixed, limits, plain, table};
use crate::{
    IntraclassCorrelations, Kappa, KappaWeights, LimitsOfAgreement, ReadoutError, cohen_kappa, fleiss_kappa,
    intraclass_correlations, limits_of_agreement, mrmc::Study,
};
use serde::Serialize;

/// With more distinct ratings than a scale from 0 to 100 has, categories mean nothing and kappa is left out.
const MOST_CATEGORIES: usize = 101;

/// Two readers under one treatment, on the cases that both read.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PairAgreement {
    /// The treatment.
    pub treatment: String,
    /// The first reader.
    pub a: String,
    /// The second reader.
    pub b: String,
    /// Cases read by both, two or more.
    pub cases: usize,
    /// Cohen's kappa; none for ratings without categories, or where all ratings are the same.
    pub kappa: Option<Kappa>,
    /// Kappa with weights falling linearly with the distance of the ratings.
    pub kappa_linear: Option<Kappa>,
    /// Kappa with weights falling with the square of the distance.
    pub kappa_quadratic: Option<Kappa>,
    /// Limits of agreement of first minus second, for 95 % of differences.
    pub limits: LimitsOfAgreement,
}

/// All readers under one treatment, on the cases that all read.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PanelAgreement {
    /// The treatment.
    pub treatment: String,
    /// Cases read by all.
    pub cases: usize,
    /// Fleiss' kappa; none for ratings without categories, or where all ratings are the same.
    pub fleiss: Option<Kappa>,
    /// Intraclass correlations; none where nothing varies or fewer than two cases were read by all.
    pub icc: Option<IntraclassCorrelations>,
}

/// How far the readers of a study agree, whatever the truth.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Agreement {
    /// Coverage of intervals.
    pub level: f64,
    /// Each two readers under each treatment; pairs with fewer than two cases in common are left out.
    pub pairs: Vec<PairAgreement>,
    /// The readers together.
    pub panels: Vec<PanelAgreement>,
}

/// Agreement of the readers under each treatment: Cohen's and Fleiss' kappa, intraclass correlations and limits of
/// agreement, as [`cohen_kappa`], [`fleiss_kappa`], [`intraclass_correlations`] and [`limits_of_agreement`] define them.
///
/// # Errors
/// [`ReadoutError`] with fewer than two readers, or a level that is not inside `(0, 1)`.
///
/// ```
/// use mammo_readout::{mrmc::{Reading, Study}, summary::agreement};
///
/// let row = |reader: &str, case: u32, rating| Reading {
///     reader: reader.into(), treatment: "film".into(), case: case.to_string(), positive: case > 2, rating,
/// };
/// let rows = [1.0, 2.0, 4.0, 5.0].into_iter().zip([1.0, 3.0, 4.0, 5.0]).zip(1..);
/// let study = Study::from_readings(rows.flat_map(|((a, b), case)| [row("r1", case, a), row("r2", case, b)])).unwrap();
/// let found = agreement(&study, 0.95)?;
/// // Three of four alike; by chance 3/16 would be.
/// assert!((found.pairs[0].kappa.unwrap().kappa - 9.0 / 13.0).abs() < 1e-12);
/// assert!(found.text().contains("r1"));
/// # Ok::<(), mammo_readout::ReadoutError>(())
/// ```
pub fn agreement(study: &Study, level: f64) -> Result<Agreement, ReadoutError> {
    let readers = study.readers();
    if readers.len() < 2 {
        return Err(ReadoutError::TooFewOf { what: "readers", found: readers.len(), least: 2 });
    }
    crate::interval::in_range("the confidence level", level, level > 0.0 && level < 1.0, "inside (0, 1)")?;
    let (mut pairs, mut panels) = (Vec::new(), Vec::new());
    for (t, treatment) in study.treatments().iter().enumerate() {
        for i in 0..readers.len() {
            for j in i + 1..readers.len() {
                let common = study.cell(t, i).iter().zip(study.cell(t, j)).filter_map(|(a, b)| a.zip(*b));
                let (x, y): (Vec<f64>, Vec<f64>) = common.unzip();
                if x.len() < 2 {
                    continue;
                }
                let in_categories = categories(x.iter().chain(&y)).len() <= MOST_CATEGORIES;
                // Lengths and values are sound here: an error says that all ratings are the same.
                let kappa = |weights| in_categories.then(|| cohen_kappa(&x, &y, weights).ok()).flatten();
                pairs.push(PairAgreement {
                    treatment: treatment.clone(),
                    a: readers[i].clone(),
                    b: readers[j].clone(),
                    cases: x.len(),
                    kappa: kappa(KappaWeights::None),
                    kappa_linear: kappa(KappaWeights::Linear),
                    kappa_quadratic: kappa(KappaWeights::Quadratic),
                    limits: limits_of_agreement(&x, &y, 0.95, level)?,
                });
            }
        }
        let rows: Vec<Vec<f64>> = (0..study.cases().len())
            .filter_map(|c| (0..readers.len()).map(|r| study.rating(t, r, c)).collect())
            .collect();
        let known = categories(rows.iter().flatten());
        let counts: Vec<Vec<u64>> = rows
            .iter()
            .map(|row| known.iter().map(|k| row.iter().filter(|&r| r == k).count() as u64).collect())
            .collect();
        let in_categories = !rows.is_empty() && known.len() <= MOST_CATEGORIES;
        panels.push(PanelAgreement {
            treatment: treatment.clone(),
            cases: rows.len(),
            fleiss: in_categories.then(|| fleiss_kappa(&counts).ok()).flatten(),
            icc: intraclass_correlations(&rows, level).ok(),
        });
    }
    Ok(Agreement { level, pairs, panels })
}

/// The distinct ratings, rising.
fn categories<'a>(ratings: impl Iterator<Item = &'a f64>) -> Vec<f64> {
    let mut known: Vec<f64> = ratings.copied().collect();
    known.sort_by(f64::total_cmp);
    known.dedup();
    known
}

impl Agreement {
    /// A table for people.
    ///
    /// ```
    /// # use mammo_readout::mrmc::{Reading, Study};
    /// # let rows = ["r1", "r2"].iter().flat_map(|reader| (0..16_u32).map(move |case| Reading {
    /// #     reader: (*reader).into(), treatment: "film".into(), case: case.to_string(), positive: case % 2 == 0,
    /// #     rating: f64::from(case * 5 % 7) + if case % 2 == 0 { 2.0 } else { 0.0 } }));
    /// # let study = Study::from_readings(rows).unwrap();
    /// let agreement = mammo_readout::summary::agreement(&study, 0.95)?;
    /// assert!(agreement.text().contains("r1 / r2"));
    /// # Ok::<(), mammo_readout::ReadoutError>(())
    /// ```
    pub fn text(&self) -> String {
        let kappa = |k: &Option<Kappa>| k.map_or_else(|| "-".to_owned(), |k| fixed(k.kappa, 4));
        let mut out = format!(
            "Agreement of readers, whatever the truth; intervals of {} %\n\n",
            plain(self.level * 100.0)
        );
        let rows: Vec<Vec<String>> = self
            .pairs
            .iter()
            .map(|p| {
                vec![
                    format!("{} / {}", p.a, p.b),
                    p.treatment.clone(),
                    p.cases.to_string(),
                    kappa(&p.kappa),
                    kappa(&p.kappa_linear),
                    kappa(&p.kappa_quadratic),
                    fixed(p.limits.bias, 4),
                    limits(p.limits.lower, p.limits.upper),
                ]
            })
            .collect();
        let header =
            ["readers", "treatment", "cases", "kappa", "linear", "quadratic", "bias", "limits of agreement"];
        out.push_str(&table(&header, &rows));
        let icc = |p: &PanelAgreement, pick: fn(&IntraclassCorrelations) -> crate::Correlation| {
            let Some(found) = p.icc.as_ref().map(pick) else { return ["-".to_owned(), "-".to_owned()] };
            [fixed(found.value, 4), limits(found.ci_low, found.ci_high)]
        };
        let rows: Vec<Vec<String>> = self
            .panels
            .iter()
            .map(|p| {
                let [absolute, absolute_limits] = icc(p, |i| i.random_single);
                let [consistent, consistent_limits] = icc(p, |i| i.fixed_single);
                vec![
                    p.treatment.clone(),
                    p.cases.to_string(),
                    kappa(&p.fleiss),
                    absolute,
                    absolute_limits,
                    consistent,
                    consistent_limits,
                ]
            })
            .collect();
        out.push('\n');
        let header =
            ["all readers", "cases", "Fleiss' kappa", "ICC(2,1)", "interval", "ICC(3,1)", "interval"];
        out.push_str(&table(&header, &rows));
        out
    }
}
