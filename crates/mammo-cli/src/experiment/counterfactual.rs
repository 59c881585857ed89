//! How near removal and injection come to the truth, which only phantoms have.

use super::config::RunConfig;
use super::images::Images;
use super::region::Translator;
use crate::run::RunFolder;
use crate::run::StudyImage;
use crate::run::parallel;
use mammo_core::{Finding, Mask};
use mammo_forensics::{
    Counterfactual, CounterfactualCase, CounterfactualSummary, Direction, score_counterfactual, summarise,
};
use serde::{Deserialize, Serialize};

/// Resamples of the bootstrap over patients.
const RESAMPLES: usize = 2000;

/// `counterfactual.json`.
#[derive(Serialize, Deserialize)]
pub(crate) struct Scores {
    pub(crate) removal: CounterfactualSummary,
    pub(crate) injection: CounterfactualSummary,
    pub(crate) cases: Vec<CounterfactualCase>,
}

/// The pixels of an image's masses, if it has any.
pub(crate) fn masses(image: &StudyImage) -> Option<Mask> {
    let plane = &image.prepared.plane;
    let masks: Vec<Mask> = image
        .prepared
        .rois
        .iter()
        .filter(|roi| roi.finding == Finding::Mass)
        .map(|roi| Mask::from_shape(plane.width(), plane.height(), &roi.shape))
        .collect();
    let union = Mask::from_fn(plane.width(), plane.height(), |x, y| masks.iter().any(|m| m.get(x, y)));
    (union.count() > 0).then_some(union)
}

/// Scores one lesion that has a twin.
pub(crate) fn score_twins(
    image: &StudyImage,
    translator: Translator,
    directions: &[Direction],
) -> anyhow::Result<Vec<CounterfactualCase>> {
    let (Some(twin), Some(lesion)) = (&image.twin, masses(image)) else { return Ok(Vec::new()) };
    let (original, breast) = (&image.prepared.plane, &image.prepared.breast);
    let mut cases = Vec::new();
    for &direction in directions {
        let (id, patient) = (image.record.image_id.clone(), image.record.patient_id.clone());
        let (input, truth, translated) = match direction {
            Direction::Removal => (original, twin, translator.remove(image, original)?),
            Direction::Injection => (twin, original, translator.inject(image, twin)?),
        };
        let images = Counterfactual { input, translated: &translated, twin: truth, lesion: &lesion, breast };
        cases.extend(score_counterfactual(id, patient, direction, &images)?);
    }
    Ok(cases)
}

/// Scores every held-out lesion that has a twin, in both directions, and writes `counterfactual.json`. Real releases have
/// no twins and get no such file.
pub(crate) fn score(
    config: &RunConfig,
    folder: &RunFolder,
    images: &Images,
    translator: Translator,
) -> anyhow::Result<()> {
    let with_twin: Vec<&StudyImage> = images.test.iter().filter(|image| image.twin.is_some()).collect();
    if with_twin.is_empty() {
        return Ok(());
    }
    let scored = parallel("twins", "lesions scored against their twins", &with_twin, |image| {
        score_twins(image, translator, &[Direction::Removal, Direction::Injection])
    })?;
    let cases = scored.concat();
    let summary =
        |direction, stream: &str| summarise(&cases, direction, RESAMPLES, &mut config.seed.stream(stream));
    let scores = Scores {
        removal: summary(Direction::Removal, "counterfactual/removal"),
        injection: summary(Direction::Injection, "counterfactual/injection"),
        cases,
    };
    Ok(mammo_files::write_json(&folder.path("counterfactual.json"), &scores)?)
}
