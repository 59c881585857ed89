use super::canvas::{Area, Canvas, Scale, colour, dash, short};
use crate::mrmc::{BootstrapSettings, MrmcError, Study, mean_roc};

/// The mean ROC curve of each treatment over its readers with a pointwise band from 1000 bootstrap replicates over readers
/// and cases, each reader's own curve behind it.
///
/// # Errors
/// [`MrmcError`] for a reader without both classes under a treatment, or a level outside `(0, 1)`.
pub fn roc_plot(study: &Study, level: f64) -> Result<String, MrmcError> {
    let settings = BootstrapSettings { replicates: 1000, level, ..BootstrapSettings::default() };
    let curves = mean_roc(study, settings)?;
    let legend = 22.0 * curves.len() as f64;
    let (width, height) = (470.0, 500.0 + legend);
    let area = Area { left: 56.0, right: 446.0, top: 34.0, bottom: 424.0 };
    let mut canvas = Canvas::new(width, height, "ROC curves");
    let x = Scale::new((0.0, 1.0), area.left, area.right);
    let y = Scale::new((0.0, 1.0), area.bottom, area.top);
    canvas.axes(Some(&x), Some(&y), area, ("false positive rate", "true positive rate"));
    canvas.line((x.at(0.0), y.at(0.0)), (x.at(1.0), y.at(1.0)), "#999", 1.0, "3 4");
    for (i, curve) in curves.iter().enumerate() {
        let upper = curve.points.iter().map(|p| (x.at(p.false_positive_rate), y.at(p.high)));
        let lower = curve.points.iter().rev().map(|p| (x.at(p.false_positive_rate), y.at(p.low)));
        canvas.area(&upper.chain(lower).collect::<Vec<_>>(), colour(i), 0.15);
    }
    for (i, curve) in curves.iter().enumerate() {
        for reader in &curve.readers {
            let points: Vec<_> = reader.iter().map(|&(fpr, tpr)| (x.at(fpr), y.at(tpr))).collect();
            canvas.curve(&points, colour(i), 0.6, "");
        }
        let points: Vec<_> =
            curve.points.iter().map(|p| (x.at(p.false_positive_rate), y.at(p.true_positive_rate))).collect();
        canvas.curve(&points, colour(i), 2.4, dash(i));
        let at = area.bottom + 62.0 + 22.0 * i as f64;
        canvas.line((area.left, at - 4.5), (area.left + 34.0, at - 4.5), colour(i), 2.4, dash(i));
        let auc = format!("{}, mean AUC {:.3}", short(&curve.treatment, 36), curve.auc);
        canvas.text((area.left + 42.0, at), "start", &auc);
    }
    Ok(canvas.finish())
}
