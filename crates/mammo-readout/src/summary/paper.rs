use crate::{
    Interval, hanley_mcneil_published,
    mrmc::MrmcError,
    power::{BinormalVariance, DfRule, MeanDesign, OrVariances, ReaderModel, Sampling, SingleRoc},
};
use serde::Serialize;
use std::fmt::Write;

/// One published AUC with the uncertainty that its number of cases implies.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PaperRow {
    /// 1 (low resolution) or 2 (high resolution).
    pub experiment: u8,
    /// What was read, and against which truth.
    pub quantity: &'static str,
    /// Radiologist 1, 2 or 3.
    pub reader: u8,
    /// Published AUC.
    pub auc: f64,
    /// Positive images.
    pub n_pos: usize,
    /// Negative images.
    pub n_neg: usize,
    /// Standard error after Hanley and McNeil (1982).
    pub se: f64,
    /// Lower 95 % limit.
    pub ci_low: f64,
    /// Upper 95 % limit.
    pub ci_high: f64,
}

/// Power of a mean AUC against chance.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PaperPower {
    /// True mean AUC.
    pub auc: f64,
    /// Readers.
    pub readers: usize,
    /// Power at 30, 50 and 100 images of each class.
    pub at_30_50_100: [f64; 3],
}

/// What an equivalence claim needs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PaperEquivalence {
    /// Half width of the region in which readers count as fooled.
    pub margin: f64,
    /// Readers.
    pub readers: usize,
    /// Power at 30 images of each class.
    pub power_at_30: f64,
    /// Images of each class for 80 % power; none when the spread between readers keeps it out of reach.
    pub images_for_80: Option<usize>,
}

/// Power to see a loss of malignancy AUC.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PaperLoss {
    /// Loss of mean AUC from .80.
    pub loss: f64,
    /// Readers.
    pub readers: usize,
    /// Power at 15 images of each class.
    pub power_at_15: f64,
    /// Power at 50 images of each class.
    pub power_at_50: f64,
    /// Images of each class for 80 % power.
    pub images_for_80: Option<usize>,
}

/// What three readers and 60 (72) images can and cannot show.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PaperStudy {
    /// Published AUCs with intervals.
    pub rows: Vec<PaperRow>,
    /// Single reader at AUC .66 against chance: power at 30 + 30.
    pub single_reader_power: f64,
    /// Images of each class for 80 and 90 % power there.
    pub single_reader_images: [f64; 2],
    /// Mean over readers against chance.
    pub power: Vec<PaperPower>,
    /// Loss of malignancy AUC.
    pub losses: Vec<PaperLoss>,
    /// Equivalence.
    pub equivalence: Vec<PaperEquivalence>,
    /// How readers were taken to differ and agree.
    pub model: ReaderModel,
}

/// Correlations of readings in the plans for a loss of AUC: same reader, same treatment, neither.
const CORRELATIONS: [f64; 3] = [0.40, 0.30, 0.25];

/// Recomputes what the design of Becker et al. (arXiv 1811.07767; European Journal of Radiology 2019;120:108649) can show.
///
/// AUCs are those of its Tables 2 and 3. Experiment 1 used 60 images (30 of them altered); the classes of the malignancy
/// reading are not given and taken as 15 and 15. Experiment 2 used 72 images at two checkpoints, taken as 18 and 18 each.
///
/// # Errors
/// None in practice: the numbers are fixed; the type is that of the functions called.
///
/// ```
/// let study = mammo_readout::summary::paper()?;
/// assert_eq!(study.rows.len(), 21);
/// assert!(study.markdown().contains("fooled"));
/// # Ok::<(), mammo_readout::mrmc::MrmcError>(())
/// ```
pub fn paper() -> Result<PaperStudy, MrmcError> {
    let published: [(u8, &str, [f64; 3], usize); 7] = [
        (1, "malignancy, originals", [0.85, 0.67, 0.75], 15),
        (1, "malignancy, modified", [0.63, 0.69, 0.77], 15),
        (1, "detection of modification", [0.66, 0.48, 0.50], 30),
        (2, "malignancy, originals", [0.78, 0.77, 0.84], 18),
        (2, "malignancy, modified", [0.69, 0.59, 0.60], 18),
        (2, "detection, early checkpoint", [0.93, 0.93, 0.95], 18),
        (2, "detection, late checkpoint", [0.93, 1.0, 0.90], 18),
    ];
    let mut rows = Vec::new();
    for (experiment, quantity, aucs, n) in published {
        for (reader, auc) in (1u8..).zip(aucs) {
            let out = |_| MrmcError::OutOfRange { what: "the AUC", value: auc, range: "in [0, 1]" };
            let e = hanley_mcneil_published(auc, n, n, Interval::default()).map_err(out)?;
            let (se, ci_low, ci_high) = (e.se, e.ci_low, e.ci_high);
            rows.push(PaperRow {
                experiment,
                quantity,
                reader,
                auc,
                n_pos: n,
                n_neg: n,
                se,
                ci_low,
                ci_high,
            });
        }
    }
    let model = ReaderModel::default();
    let design = |auc, readers, n| MeanDesign { auc, readers, n_pos: n, n_neg: n, model };
    let single = SingleRoc { auc: 0.66, alpha: 0.05, two_sided: true, variance: BinormalVariance::Exact };
    let mut power = Vec::new();
    for auc in [0.60, 0.66] {
        for readers in [3, 5, 8] {
            let at = |n| design(auc, readers, n).power_against(0.5, 0.05);
            power.push(PaperPower { auc, readers, at_30_50_100: [at(30)?, at(50)?, at(100)?] });
        }
    }
    let mut losses = Vec::new();
    for loss in [0.06, 0.10, 0.20] {
        for readers in [3, 5, 10] {
            let pilot = loss_pilot(0.80, loss, model)?;
            let at = |n: usize| {
                let cases = 2.0 * n as f64;
                Ok::<_, MrmcError>(
                    pilot.power(loss, readers, cases, 0.05, Sampling::ReadersAndCases, DfRule::Hillis)?.power,
                )
            };
            let cases =
                pilot.cases_for(0.8, loss, readers, 0.05, Sampling::ReadersAndCases, DfRule::Hillis)?;
            losses.push(PaperLoss {
                loss,
                readers,
                power_at_15: at(15)?,
                power_at_50: at(50)?,
                images_for_80: cases.map(|c| c.div_ceil(2)),
            });
        }
    }
    let mut equivalence = Vec::new();
    for margin in [0.10, 0.15] {
        for readers in [3, 5, 8, 10, 15] {
            let at_chance = design(0.5, readers, 30);
            equivalence.push(PaperEquivalence {
                margin,
                readers,
                power_at_30: at_chance.equivalence_power(0.5, margin, 0.05)?,
                images_for_80: at_chance.cases_for_equivalence(0.8, 0.5, margin, 0.05)?,
            });
        }
    }
    Ok(PaperStudy {
        rows,
        single_reader_power: single.power(30.0, 30.0)?,
        single_reader_images: [single.positives_for(0.8, 1.0)?, single.positives_for(0.9, 1.0)?],
        power,
        losses,
        equivalence,
        model,
    })
}

/// Variances for planning a loss from `auc`: Hanley and McNeil's at the mean of both AUCs for 15 + 15 images, the reader
/// spread of the model (its variance shared by the two treatments' interaction).
fn loss_pilot(auc: f64, loss: f64, model: ReaderModel) -> Result<OrVariances, MrmcError> {
    let middle = auc - loss / 2.0;
    let out = |_| MrmcError::OutOfRange { what: "the AUC", value: middle, range: "in [0, 1]" };
    let variance = hanley_mcneil_published(middle, 15, 15, Interval::default()).map_err(out)?.se.powi(2);
    let [same_reader, same_treatment, neither] = CORRELATIONS.map(|r| r * variance);
    Ok(OrVariances {
        var_tr: model.reader_sd.powi(2) / 2.0,
        var_error: variance,
        cov1: same_reader,
        cov2: same_treatment,
        cov3: neither,
        cases: 30.0,
    })
}

impl PaperStudy {
    /// The page for people, as Markdown.
    ///
    /// ```
    /// assert!(mammo_readout::summary::paper()?.markdown().contains("readers"));
    /// # Ok::<(), mammo_readout::mrmc::MrmcError>(())
    /// ```
    pub fn markdown(&self) -> String {
        let mut out = String::from(INTRODUCTION);
        out.push_str(
            "\n## The published numbers with their intervals\n\n| experiment | reading | reader | n | AUC | SE | 95 % \
             interval |\n|---|---|---|---|---|---|---|\n",
        );
        for r in &self.rows {
            let _ = writeln!(
                out,
                "| {} | {} | {} | {}/{} | {:.2} | {:.3} | {:.2} to {:.2} |",
                r.experiment, r.quantity, r.reader, r.n_pos, r.n_neg, r.auc, r.se, r.ci_low, r.ci_high
            );
        }
        out.push_str(INTERVALS);
        let _ = writeln!(
            out,
            "\n## Power to notice the modification\n\nOne reader with a true AUC of .66 is told from chance by 30 + 30 \
             images with power {:.2}; 80 % takes {:.0} images of each class, 90 % takes {:.0}. For the mean of readers who \
             are a sample of all readers (standard deviation {:.2} between their true AUCs, correlation {:.1} between two \
             readers on the same images, two-sided 5 %):\n\n| true mean AUC | readers | 30 + 30 | 50 + 50 | 100 + 100 \
             |\n|---|---|---|---|---|",
            self.single_reader_power,
            self.single_reader_images[0].ceil(),
            self.single_reader_images[1].ceil(),
            self.model.reader_sd,
            self.model.correlation
        );
        for p in &self.power {
            let [a, b, c] = p.at_30_50_100;
            let _ = writeln!(out, "| {:.2} | {} | {a:.2} | {b:.2} | {c:.2} |", p.auc, p.readers);
        }
        out.push_str(LOSSES);
        for l in &self.losses {
            let _ = writeln!(
                out,
                "| {:.2} | {} | {:.2} | {:.2} | {} |",
                l.loss,
                l.readers,
                l.power_at_15,
                l.power_at_50,
                images(l.images_for_80)
            );
        }
        out.push_str(EQUIVALENCE);
        for e in &self.equivalence {
            let _ = writeln!(
                out,
                "| ±{:.2} | {} | {:.2} | {} |",
                e.margin,
                e.readers,
                e.power_at_30,
                images(e.images_for_80)
            );
        }
        out.push_str(CONCLUSION);
        out
    }
}

fn images(n: Option<usize>) -> String {
    n.map_or_else(|| "out of reach".to_owned(), |n| format!("{n} + {n}"))
}

const INTRODUCTION: &str = "\
# What three readers and 60 images can and cannot show

Every number on this page is printed by `mammo stats paper`; the page is its output.

Becker et al. (arXiv 1811.07767; Eur J Radiol 2019;120:108649) had three radiologists read 60 images at low resolution and 72
at high resolution, rating malignancy and whether an image had been modified. The AUCs below are those of the paper's Tables 2
and 3 (for readers 2 and 3 of experiment 1 the pairs .67/.69 and .75/.77 of the abstract). Two things are assumed, since the
paper does not say them: 15 malignant and 15 healthy images in each arm of experiment 1, and 18 of each in experiment 2.
Malignancy AUCs are scored against the label of the source image as far as the paper tells; in experiment 2 the values of
modified images are most likely folded (.31, .41 and .40 against the source label).
";

const INTERVALS: &str = "
Standard errors are Hanley and McNeil's for a published AUC, intervals are symmetric on the logit scale. At an AUC of 1 there
is no standard error; the limit is the exact bound from disjoint pairs, which needs no model.

- Of the three detection AUCs of experiment 1 only the first excludes .5, narrowly; the others reach from about .35 to .65.
  They are compatible with readers who notice nothing and with readers who notice one modification in four.
- No single original-against-modified pair of experiment 1 has intervals that do not overlap.
- A repetition with 30 + 30 images whose AUC falls within about .14 of the published one is no different from it by these data.
";

const LOSSES: &str = "
## Power to see malignancy reading suffer

A true loss of mean AUC from .80 on the same images (correlations .40 for the same reader, .30 for the same arm and .25 for
neither; variance between readers shared by the arms as above). The paper's size is 3 readers and 15 + 15 images:

| loss | readers | power at 15 + 15 | power at 50 + 50 | images for 80 % |
|---|---|---|---|---|
";

const EQUIVALENCE: &str = "
## What \"readers are fooled\" would have needed

That a test finds no difference from chance does not show that there is none. The claim is one of equivalence: the mean
detection AUC lies within a margin around .5, shown by two one-sided tests at 5 % each. With readers who truly perform at
chance on average:

| margin | readers | power at 30 + 30 | images for 80 % |
|---|---|---|---|
";

const CONCLUSION: &str = "
Power counts the uncertainty of the standard error itself (exact integral over its distribution), so it differs from tables
that take the standard error as known, most of all with three readers.

## In short

- The study can show that detection at high resolution is far above chance: every interval there excludes .7.
- It cannot show that detection at low resolution is absent: three readers and 60 images leave room for a mean AUC of .65.
- It can see a collapse of malignancy reading (a loss of .20 or more) only with luck, and a loss of .06 hardly ever.
- A claim that readers are fooled needs more readers first and more images second: beyond a point images do not help, since the
  spread between readers remains.
";
