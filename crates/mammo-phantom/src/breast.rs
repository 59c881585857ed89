use mammo_core::{AcrDensity, Laterality, Mask, Plane, Point, Roi, Seed, ViewPosition};
use rand_distr::{Distribution, StandardNormal};

use crate::PhantomError;
use crate::config::check_size;
use crate::lesion::{Lesion, LesionSpec};
use crate::outline::Outline;
use crate::tissue::Tissue;

/// Stored value of attenuation 1.
const GAIN: f32 = 18_000.0;

/// Largest value of 14 bits.
const WHITE: f32 = 16_383.0;

/// Standard deviation of the noise at attenuation 1, growing with the root of the signal as counted photons do.
const NOISE: f32 = 0.005;

/// One image to be made.
#[derive(Debug, Clone, PartialEq)]
pub struct PhantomSpec {
    /// What everything is drawn from.
    pub seed: Seed,
    /// Columns, 64 to 8192.
    pub width_px: usize,
    /// Rows, 64 to 8192.
    pub height_px: usize,
    /// Cranio-caudal or oblique; `FB` is drawn as cranio-caudal.
    pub view: ViewPosition,
    /// Left breasts have the chest wall at the left edge, right breasts at the right edge.
    pub laterality: Laterality,
    /// Glandular tissue.
    pub density: AcrDensity,
    /// A lesion, if any.
    pub lesion: Option<LesionSpec>,
}

/// A breast that can be rendered with and without its lesion.
#[derive(Debug)]
pub struct Phantom {
    spec: PhantomSpec,
    breast: Mask,
    /// Attenuation times thickness without the lesion, before blur and noise.
    clean: Plane,
    /// What the lesion adds to `clean`.
    added: Option<Plane>,
    /// Standard normal noise.
    noise: Plane,
    lesion: Option<Lesion>,
}

impl Phantom {
    /// Draws the breast, its tissue and its lesion.
    ///
    /// # Errors
    /// [`PhantomError::Config`] for a size or a lesion that cannot be drawn.
    pub fn new(spec: &PhantomSpec) -> Result<Self, PhantomError> {
        check_size(spec.width_px, spec.height_px)?;
        if let Some(lesion) = &spec.lesion
            && !(lesion.radius > 0.0
                && lesion.radius <= 0.15
                && lesion.contrast > 0.0
                && lesion.contrast <= 1.0)
        {
            return Err(PhantomError::Config(format!(
                "a lesion's radius must be above 0 and up to 0.15 of the height and its contrast above 0 and up to \
                     1, not {} and {}",
                lesion.radius, lesion.contrast
            )));
        }
        let stream = |name: &str| spec.seed.stream(name);
        let (w, h) = (spec.width_px, spec.height_px);
        let outline = Outline::new(w, h, spec.view, &mut stream("phantom/outline"));
        let tissue = Tissue::new(&outline, spec.view, spec.density, &mut stream("phantom/tissue"));
        let clean = tissue.attenuation.zip(&tissue.thickness, |a, t| a * t);
        let lesion = match &spec.lesion {
            None => None,
            Some(lesion) => {
                let drawn = Lesion::draw(lesion, &outline, &mut stream("phantom/lesion"));
                Some(drawn.ok_or_else(|| {
                    PhantomError::Config(format!(
                        "a lesion of radius {} finds no place in this breast; make it smaller",
                        lesion.radius
                    ))
                })?)
            }
        };
        let added = lesion.as_ref().map(|lesion| {
            let local = local_mean(&clean, &outline.breast, lesion.center, 2.0 * lesion.radius_px);
            lesion.profile.zip(&tissue.thickness, |p, t| p * t * lesion.contrast * local)
        });
        let mut rng = stream("phantom/noise");
        let noise = Plane::from_fn(w, h, |_, _| StandardNormal.sample(&mut rng));
        Ok(Self { spec: spec.clone(), breast: outline.breast, clean, added, noise, lesion })
    }

    /// What it was made from.
    pub fn spec(&self) -> &PhantomSpec {
        &self.spec
    }

    /// The image in stored values, 14 bits: air is exactly 0, tissue at least 1.
    ///
    /// With and without the lesion the image is the same outside the lesion's support and the pixel around it that blur
    /// reaches. Without a lesion both are the same.
    pub fn render(&self, with_lesion: bool) -> Plane {
        let signal = match &self.added {
            Some(added) if with_lesion => self.clean.zip(added, |a, b| a + b),
            _ => self.clean.clone(),
        };
        let blurred = blur(&signal);
        let (w, h) = (self.spec.width_px, self.spec.height_px);
        let image = Plane::from_fn(w, h, |x, y| {
            if !self.breast.get(x, y) {
                return 0.0;
            }
            let v = blurred.get(x, y);
            let noisy = v + NOISE * v.max(0.0).sqrt() * self.noise.get(x, y);
            (GAIN * noisy).round().clamp(1.0, WHITE)
        });
        self.oriented(image)
    }

    /// Where there is no air.
    pub fn breast(&self) -> Mask {
        let (w, flip) = (self.spec.width_px, self.is_right());
        Mask::from_fn(w, self.spec.height_px, |x, y| self.breast.get(if flip { w - 1 - x } else { x }, y))
    }

    /// Outlines of the lesion in pixels of the rendered image; empty without one.
    pub fn rois(&self) -> Vec<Roi> {
        let turn = |roi: &Roi| Roi { shape: roi.shape.transformed(1.0, |p| self.turned(p)), ..roi.clone() };
        self.lesion.iter().flat_map(|lesion| &lesion.rois).map(turn).collect()
    }

    /// The lesion's middle in pixels of the rendered image, and its mean radius.
    pub fn lesion_place(&self) -> Option<(Point, f32)> {
        self.lesion.as_ref().map(|lesion| (self.turned(lesion.center), lesion.radius_px))
    }

    /// Every pixel of the rendered image that the lesion adds to, before blur.
    pub fn lesion_support(&self) -> Option<Mask> {
        let support = self.lesion.as_ref()?.support();
        let (w, flip) = (self.spec.width_px, self.is_right());
        Some(Mask::from_fn(w, self.spec.height_px, |x, y| support.get(if flip { w - 1 - x } else { x }, y)))
    }

    fn is_right(&self) -> bool {
        self.spec.laterality == Laterality::Right
    }

    fn oriented(&self, image: Plane) -> Plane {
        if self.is_right() { image.mirrored() } else { image }
    }

    fn turned(&self, p: Point) -> Point {
        if self.is_right() { Point { x: self.spec.width_px as f32 - p.x, y: p.y } } else { p }
    }
}

/// The detector's unsharpness: binomial weights over 3 x 3 pixels.
fn blur(plane: &Plane) -> Plane {
    let (w, h) = (plane.width(), plane.height());
    let across = Plane::from_fn(w, h, |x, y| {
        let row = plane.row(y);
        0.25 * row[x.saturating_sub(1)] + 0.5 * row[x] + 0.25 * row[(x + 1).min(w - 1)]
    });
    Plane::from_fn(w, h, |x, y| {
        0.25 * across.get(x, y.saturating_sub(1))
            + 0.5 * across.get(x, y)
            + 0.25 * across.get(x, (y + 1).min(h - 1))
    })
}

/// Mean of the breast within a disc.
fn local_mean(plane: &Plane, breast: &Mask, center: Point, radius: f32) -> f32 {
    let (mut sum, mut count) = (0.0, 0);
    for y in 0..plane.height() {
        for x in 0..plane.width() {
            let near = (x as f32 + 0.5 - center.x).hypot(y as f32 + 0.5 - center.y) < radius;
            if near && breast.get(x, y) {
                sum += f64::from(plane.get(x, y));
                count += 1;
            }
        }
    }
    (sum / f64::from(count.max(1))) as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LesionKind;
    use mammo_forensics::{fit_power_law, radial_spectrum, tiles_inside};

    fn spec(seed: u64, view: ViewPosition, density: u8, lesion: Option<LesionKind>) -> PhantomSpec {
        PhantomSpec {
            seed: Seed(seed),
            width_px: 640,
            height_px: 832,
            view,
            laterality: if seed.is_multiple_of(2) { Laterality::Left } else { Laterality::Right },
            density: AcrDensity::new(density).unwrap(),
            lesion: lesion.map(|kind| LesionSpec { kind, radius: 0.05, contrast: 0.22 }),
        }
    }

    #[test]
    fn texture_has_the_spectrum_of_mammograms() {
        // Burgess: 1/f^beta with beta about 2.8; measured on real images 2.2 to 3.3 with 256 x 256 regions, Hann window,
        // from 3/256 to 40/256 cycles per pixel.
        let mut betas = Vec::new();
        for density in 1..=4 {
            for (i, view) in [ViewPosition::Cc, ViewPosition::Mlo].into_iter().cycle().take(4).enumerate() {
                let phantom =
                    Phantom::new(&spec(10 * u64::from(density) + i as u64, view, density, None)).unwrap();
                let image = phantom.render(true);
                let exponents: Vec<f64> = tiles_inside(&phantom.breast(), 256)
                    .into_iter()
                    .map(|(x, y)| {
                        let spectrum = radial_spectrum(&image.cropped(x, y, 256, 256)).unwrap();
                        fit_power_law(&spectrum, 3.0 / 256.0, 40.0 / 256.0).unwrap().beta
                    })
                    .collect();
                if !exponents.is_empty() {
                    betas.push(exponents.iter().sum::<f64>() / exponents.len() as f64);
                }
            }
        }
        assert!(betas.len() >= 10, "{} images have room for a region", betas.len());
        let mean = betas.iter().sum::<f64>() / betas.len() as f64;
        assert!(betas.iter().all(|b| (2.4..=3.2).contains(b)), "{betas:.2?}");
        assert!((mean - 2.8).abs() <= 0.2, "mean {mean:.2} of {betas:.2?}");
    }

    #[test]
    fn twins_differ_where_the_lesion_is_and_nowhere_else() {
        for (seed, kind) in
            [LesionKind::Smooth, LesionKind::Spiculated, LesionKind::Calcified, LesionKind::Cluster]
                .into_iter()
                .enumerate()
        {
            let phantom = Phantom::new(&spec(seed as u64, ViewPosition::Mlo, 2, Some(kind))).unwrap();
            let (with, without) = (phantom.render(true), phantom.render(false));
            let reached = phantom.lesion_support().unwrap().dilated(2);
            let mut changed = 0;
            for (i, (a, b)) in with.data().iter().zip(without.data()).enumerate() {
                if a != b {
                    changed += 1;
                    assert!(reached.data()[i], "{kind:?}: pixel {i} changed outside the lesion");
                }
            }
            assert!(changed > 100, "{kind:?}: {changed} pixels");
        }
    }

    #[test]
    fn masses_are_bright_where_their_outline_says() {
        for seed in 0..6 {
            let phantom =
                Phantom::new(&spec(seed, ViewPosition::Cc, 2, Some(LesionKind::Spiculated))).unwrap();
            let (with, without) = (phantom.render(true), phantom.render(false));
            let rois = phantom.rois();
            let mass = Mask::from_shape(640, 832, &rois[0].shape);
            let mean = |plane: &Plane| {
                let inside =
                    plane.data().iter().zip(mass.data()).filter(|(_, m)| **m).map(|(v, _)| f64::from(*v));
                inside.sum::<f64>() / mass.count() as f64
            };
            let gain = mean(&with) / mean(&without) - 1.0;
            assert!((0.1..0.4).contains(&gain), "seed {seed}: {gain}");
        }
    }

    #[test]
    fn air_is_exactly_zero_and_tissue_is_not() {
        let phantom = Phantom::new(&spec(4, ViewPosition::Cc, 3, None)).unwrap();
        let (image, breast) = (phantom.render(true), phantom.breast());
        assert!(image.data().iter().zip(breast.data()).all(|(v, inside)| (*v == 0.0) != *inside));
        assert!(image.min_max().1 < WHITE, "no saturation");
    }

    #[test]
    fn same_seed_same_image() {
        let make = |seed| Phantom::new(&spec(seed, ViewPosition::Cc, 2, None)).unwrap().render(true);
        assert_eq!(make(8), make(8));
        assert_ne!(make(8), make(10));
    }
}
