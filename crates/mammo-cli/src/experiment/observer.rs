//! What tampering does to the score of a malignancy observer, image by image, against the same image before.

use super::images::Images;
use crate::run::{RunFolder, StudyImage};
use mammo_core::{Label, Plane, Seed};
use mammo_forensics::{Share, share};
use mammo_reader::SimulatedReader;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// One held-out image before and after.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Seen {
    pub(crate) image_id: String,
    pub(crate) patient_id: String,
    pub(crate) label: Label,
    pub(crate) score_before: f64,
    pub(crate) score_after: f64,
}

/// `observer.json`. The observer is the SIMULATED reader that sees most, without its noise; it was fitted on training originals.
#[derive(Serialize, Deserialize)]
pub(crate) struct Observed {
    pub(crate) observer: String,
    /// Healthy images whose score rose by injection.
    pub(crate) raised_by_injection: Option<Share>,
    /// Cancer images whose score fell by removal.
    pub(crate) lowered_by_removal: Option<Share>,
    pub(crate) images: Vec<Seen>,
}

/// The observer of a run, fitted on its training images.
pub(crate) fn fit(images: &Images, seed: Seed) -> anyhow::Result<SimulatedReader> {
    let (healthy, cancer) = (images.training_planes(Label::Healthy), images.training_planes(Label::Cancer));
    let (healthy, cancer): (Vec<_>, Vec<_>) = (healthy.iter().collect(), cancer.iter().collect());
    Ok(SimulatedReader::fit(1, &healthy, &cancer, seed.derive("readers"))?)
}

/// Scores images and their translations.
pub(crate) fn observe(
    observer: &SimulatedReader,
    originals: &[&StudyImage],
    translated: &[Plane],
) -> Observed {
    let images: Vec<Seen> = originals
        .par_iter()
        .zip(translated)
        .map(|(image, after)| Seen {
            image_id: image.record.image_id.to_string(),
            patient_id: image.record.patient_id.to_string(),
            label: image.label,
            score_before: observer.malignancy_score(&image.prepared.plane),
            score_after: observer.malignancy_score(after),
        })
        .collect();
    let of = |label: Label, moved: fn(&Seen) -> bool| {
        share(images.iter().filter(|seen| seen.label == label).map(|seen| (&seen.patient_id, moved(seen))))
    };
    Observed {
        observer: observer.name().to_owned(),
        raised_by_injection: of(Label::Healthy, |seen| seen.score_after > seen.score_before),
        lowered_by_removal: of(Label::Cancer, |seen| seen.score_after < seen.score_before),
        images,
    }
}

/// Measures the held-out images and writes `observer.json`.
pub(crate) fn measure(
    folder: &RunFolder,
    observer: &SimulatedReader,
    images: &Images,
    translated: &[Plane],
) -> anyhow::Result<()> {
    let originals: Vec<&StudyImage> = images.test.iter().collect();
    let observed = observe(observer, &originals, translated);
    Ok(mammo_files::write_json(&folder.path("observer.json"), &observed)?)
}
