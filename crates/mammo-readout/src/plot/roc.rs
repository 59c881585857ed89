use super::canvas::{Area, Canvas, Scale, colour, dash, short};
use crate::mrmc::{BootstrapSettings, MrmcError, Study, mean_roc};

/// The mean ROC curve of each treatment over its readers with a pointwise band from 1000 bootstrap replicates over readers
/// and cases, each reader's own curve behind it. Without bands where cases form clusters.
///
/// # Errors
/// [`MrmcError`] for a reader without both classes under a treatment, or a level outside `(0, 1)`.
///
/// ```
/// use mammo_readout::{mrmc::{Reading, Study}, plot::roc_plot};
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
/// assert!(roc_plot(&study, 0.95)?.contains("modified"));
/// # Ok::<(), mammo_readout::mrmc::MrmcError>(())
/// ```
pub fn roc_plot(study: &Study, level: f64) -> Result<String, MrmcError> {
    let settings = BootstrapSettings { replicates: 1000, level, ..BootstrapSettings::default() };
    // The bootstrap that gives the bands takes cases as independent.
    let banded = study.clusters().is_none();
    let curves =
        if banded { mean_roc(study, settings)? } else { mean_roc(&study.without_clusters(), settings)? };
    let legend = 22.0 * curves.len() as f64;
    let (width, height) = (470.0, 500.0 + legend);
    let area = Area { left: 56.0, right: 446.0, top: 34.0, bottom: 424.0 };
    let mut canvas = Canvas::new(width, height, "ROC curves");
    let x = Scale::new((0.0, 1.0), area.left, area.right);
    let y = Scale::new((0.0, 1.0), area.bottom, area.top);
    canvas.axes(Some(&x), Some(&y), area, ("false positive rate", "true positive rate"));
    canvas.line((x.at(0.0), y.at(0.0)), (x.at(1.0), y.at(1.0)), "#999", 1.0, "3 4");
    for (i, curve) in curves.iter().enumerate().filter(|_| banded) {
        let upper = curve.points.iter().map(|p| (x.at(p.false_positive_rate), y.at(p.high)));
        let lower = curve.points.iter().rev().map(|p| (x.at(p.false_positive_rate), y.at(p.low)));
        canvas.area(&upper.chain(lower).collect::<Vec<_>>(), colour(i), 0.15);
    }
    for (i, curve) in curves.iter().enumerate() {
        for reader in &curve.readers {
            let points: Vec<_> = reader.iter().map(|&(fpr, tpr)| (x.at(fpr), y.at(tpr))).collect();
            canvas.curve(&points, colour(i), 0.6, "");
        }
        let mean = curve.points.iter().map(|p| (p.false_positive_rate, p.true_positive_rate));
        let from_corner = std::iter::once((0.0, 0.0)).chain(mean);
        let points: Vec<_> = from_corner.map(|(fpr, tpr)| (x.at(fpr), y.at(tpr))).collect();
        canvas.curve(&points, colour(i), 2.4, dash(i));
        let at = area.bottom + 62.0 + 22.0 * i as f64;
        canvas.line((area.left, at - 4.5), (area.left + 34.0, at - 4.5), colour(i), 2.4, dash(i));
        let auc = format!("{}, mean AUC {:.3}", short(&curve.treatment, 36), curve.auc);
        canvas.text((area.left + 42.0, at), "start", &auc);
    }
    Ok(canvas.finish())
}
