//! Where in an image its lesion is, or would be: for networks that are told.

use crate::run::StudyImage;
use mammo_core::{Finding, Mask, Plane, Seed};
use mammo_train::{CycleGan, TrainError};
use rand::Rng;

/// Semi-axes of a place for a lesion that is not there, as shares of the image's height: those of the lesions of phantoms.
const SEMI_AXES: std::ops::Range<f32> = 0.03..0.08;

/// Share of such a place that must lie in the breast.
const INSIDE: f64 = 0.9;

/// The region of interest of an image: its outlined findings, else a random ellipse in the breast, always the same one for a seed
/// (Becker et al., code of experiment 2).
pub(crate) fn region(image: &StudyImage, seed: Seed) -> Mask {
    let plane = &image.prepared.plane;
    let (width, height) = (plane.width(), plane.height());
    let findings = image.prepared.rois.iter().filter(|roi| roi.finding != Finding::PectoralMuscle);
    let masks: Vec<Mask> = findings.map(|roi| Mask::from_shape(width, height, &roi.shape)).collect();
    let outlined = Mask::from_fn(width, height, |x, y| masks.iter().any(|mask| mask.get(x, y)));
    if outlined.count() > 0 {
        return outlined;
    }
    let breast = &image.prepared.breast;
    let mut random = seed.stream(&format!("region of interest/{}", image.record.image_id));
    let mut best = (0.0, outlined);
    // A breast that takes no such place whole gets the best of many.
    for _ in 0..200 {
        let mut axis = || random.random_range(SEMI_AXES) * height as f32;
        let (a, b) = (axis(), axis());
        let (x0, y0) = (random.random_range(0.0..width as f32), random.random_range(0.0..height as f32));
        let ellipse = Mask::from_fn(width, height, |x, y| {
            ((x as f32 - x0) / a).powi(2) + ((y as f32 - y0) / b).powi(2) <= 1.0
        });
        let inside = ellipse.data().iter().zip(breast.data()).filter(|(e, b)| **e && **b).count();
        let share = inside as f64 / ellipse.count().max(1) as f64;
        if share > best.0 {
            best = (share, ellipse);
        }
        if best.0 >= INSIDE {
            break;
        }
    }
    best.1
}

/// The generators of a run as they translate its images.
#[derive(Clone, Copy)]
pub(crate) struct Translator<'a> {
    pub(crate) model: &'a CycleGan,
    pub(crate) seed: Seed,
}

impl Translator<'_> {
    /// `plane`, which shows the breast of `image`, with malignant features injected.
    pub(crate) fn inject(self, image: &StudyImage, plane: &Plane) -> Result<Plane, TrainError> {
        self.model.inject_at(plane, &region(image, self.seed))
    }

    /// `plane`, which shows the breast of `image`, with malignant features removed.
    pub(crate) fn remove(self, image: &StudyImage, plane: &Plane) -> Result<Plane, TrainError> {
        self.model.remove_at(plane, &region(image, self.seed))
    }
}
