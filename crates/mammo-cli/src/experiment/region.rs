//! Where in an image its lesion is, or would be: for networks that are told.

use crate::run::StudyImage;
use mammo_core::{Finding, Mask, Plane, Seed};
use mammo_train::{CycleGan, TrainError};
use rand::Rng;

/// Semi-axes of a place for a lesion that is not there, as shares of the image's height: those of the lesions of phantoms.
const SEMI_AXES: std::ops::Range<f32> = 0.045..0.085;

/// How much larger than itself such a place must fit into the breast, so that it keeps away from the skin as lesions do.
const MARGIN: f32 = 1.4;

/// An upright ellipse.
struct Ellipse {
    x: f32,
    y: f32,
    a: f32,
    b: f32,
}

impl Ellipse {
    fn mask(&self, width: usize, height: usize, larger: f32) -> Mask {
        Mask::from_fn(width, height, |x, y| {
            let (dx, dy) = (x as f32 + 0.5 - self.x, y as f32 + 0.5 - self.y);
            (dx / (larger * self.a)).powi(2) + (dy / (larger * self.b)).powi(2) <= 1.0
        })
    }
}

/// The region of interest of an image: the ellipse around its outlined mass (around all its findings where no mass is outlined),
/// else a random one in the breast, always the same for a seed. Becker et al. (code of experiment 2) have the outline itself and
/// random ellipses; ellipses in both domains keep the form of the region from telling a discriminator the domain.
pub(crate) fn region(image: &StudyImage, seed: Seed) -> Mask {
    let plane = &image.prepared.plane;
    let (width, height) = (plane.width(), plane.height());
    let bounds = |wanted: &dyn Fn(Finding) -> bool| {
        let found =
            image.prepared.rois.iter().filter(|roi| wanted(roi.finding)).map(|roi| roi.shape.bounds());
        found.reduce(|a, b| (a.0.min(b.0), a.1.min(b.1), a.2.max(b.2), a.3.max(b.3)))
    };
    let outlined = bounds(&|finding| finding == Finding::Mass)
        .or_else(|| bounds(&|finding| finding != Finding::PectoralMuscle));
    if let Some((left, top, right, bottom)) = outlined {
        let (x, y) = (f32::midpoint(left, right), f32::midpoint(top, bottom));
        // A point has a region, too.
        let half = |from: f32, to: f32| ((to - from) / 2.0).max(2.0);
        return Ellipse { x, y, a: half(left, right), b: half(top, bottom) }.mask(width, height, 1.0);
    }
    let breast = &image.prepared.breast;
    let mut random = seed.stream(&format!("region of interest/{}", image.record.image_id));
    let mut best = (-1.0, Mask::from_fn(width, height, |_, _| false));
    // A breast that takes no such place whole gets the best of many.
    for _ in 0..400 {
        let mut axis = || random.random_range(SEMI_AXES) * height as f32;
        let (a, b) = (axis(), axis());
        let (x, y) = (random.random_range(0.0..width as f32), random.random_range(0.0..height as f32));
        let ellipse = Ellipse { x, y, a, b };
        let around = ellipse.mask(width, height, MARGIN);
        let inside = around.data().iter().zip(breast.data()).filter(|(e, b)| **e && **b).count();
        // What lies beyond the edge of the image is not in the breast either.
        let whole =
            f64::from(std::f32::consts::PI * MARGIN * MARGIN * a * b).max(around.count() as f64 * 1.02);
        let share = inside as f64 / whole;
        if share > best.0 {
            best = (share, ellipse.mask(width, height, 1.0));
        }
        if best.0 >= 0.97 {
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
