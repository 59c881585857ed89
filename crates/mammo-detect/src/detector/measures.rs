use super::{DetectorSettings, Sample, StoredMethod, Trained, copy};
use crate::{DetectError, Logistic};
use mammo_forensics::features;
use rayon::prelude::*;

/// Measures of one image, or of a handled copy of it.
struct Row {
    fold: usize,
    modified: bool,
    values: Vec<f64>,
}

/// Fits the regression to all samples, and once without each fold for scores of patients that it had not seen.
pub(super) fn train(
    samples: &[Sample],
    folds: &[usize],
    settings: &DetectorSettings,
    ridge: f64,
) -> Result<Trained, DetectError> {
    let mut wanted = Vec::new();
    for (at, sample) in samples.iter().enumerate() {
        for which in 0..=sample.modified.len() {
            wanted.extend((0..=settings.handled_copies).map(|k| (at, which, k)));
        }
    }
    let rows = wanted
        .par_iter()
        .map(|&(at, which, k)| {
            let sample = &samples[at];
            let plane = if which == 0 { &sample.original } else { &sample.modified[which - 1] };
            let values = features(&copy(plane, sample, which, k, settings.seed))?;
            Ok(Row { fold: folds[at], modified: which > 0, values })
        })
        .collect::<Result<Vec<Row>, DetectError>>()?;
    let fit = |left_out: Option<usize>| {
        let seen: Vec<&Row> = rows.iter().filter(|row| Some(row.fold) != left_out).collect();
        let values: Vec<&[f64]> = seen.iter().map(|row| row.values.as_slice()).collect();
        let truth: Vec<bool> = seen.iter().map(|row| row.modified).collect();
        Logistic::fit(&values, &truth, ridge)
    };
    let unseen: Vec<Vec<(bool, f64)>> = (0..settings.folds)
        .into_par_iter()
        .map(|fold| {
            let regression = fit(Some(fold));
            let left_out = rows.iter().filter(|row| row.fold == fold);
            left_out.map(|row| (row.modified, regression.score(&row.values))).collect()
        })
        .collect();
    Ok((unseen.concat(), StoredMethod::Measures(fit(None))))
}
