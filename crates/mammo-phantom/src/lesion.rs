//! Masses and clusters of calcifications.

use mammo_core::{Finding, Mask, Plane, Point, Roi, Shape, Stream};
use rand::Rng;
use serde::{Deserialize, Serialize};
use std::f32::consts::TAU;

use crate::outline::Outline;
use crate::tissue::stamp;

/// What a lesion looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LesionKind {
    /// A lobulated mass with a soft, complete edge.
    Smooth,
    /// A mass with spicules drawn out of its rim.
    Spiculated,
    /// A mass with calcifications inside.
    Calcified,
    /// A cluster of micro-calcifications without a mass.
    Cluster,
}

impl LesionKind {
    /// Whether the lesion has a mass.
    pub fn has_mass(self) -> bool {
        self != Self::Cluster
    }
}

/// A lesion to be drawn.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LesionSpec {
    /// What it looks like.
    pub kind: LesionKind,
    /// Mean radius as a share of the image's height, above 0 and up to 0.15.
    pub radius: f32,
    /// Brightness of the middle of a mass as a share of that of its surroundings, above 0 and up to 1.
    pub contrast: f32,
}

/// A lesion as it was drawn.
#[derive(Debug, Clone)]
pub struct Lesion {
    /// What it looks like.
    pub kind: LesionKind,
    /// Its middle, in pixels.
    pub center: Point,
    /// Mean radius of the body in pixels.
    pub radius_px: f32,
    /// Brightness of its middle as a share of that of the surroundings.
    pub contrast: f32,
    /// The outlines that a radiologist would draw.
    pub rois: Vec<Roi>,
    /// How much of its full brightness the lesion adds to each pixel; 0 outside its support.
    pub(crate) profile: Plane,
}

impl Lesion {
    /// Every pixel that the lesion changes.
    pub fn support(&self) -> Mask {
        Mask::from_fn(self.profile.width(), self.profile.height(), |x, y| self.profile.get(x, y) != 0.0)
    }

    /// Places and draws a lesion; `None` where no place is free for one of this size.
    pub(crate) fn draw(spec: &LesionSpec, outline: &Outline, rng: &mut Stream) -> Option<Self> {
        let (w, h) = (outline.breast.width(), outline.breast.height());
        let radius = spec.radius * h as f32;
        let center = place(outline, radius, rng)?;
        let rim = Rim::new(spec.kind, radius, rng);
        let mut profile = Plane::filled(w, h, 0.0);
        let mut rois = Vec::new();
        if spec.kind.has_mass() {
            rim.fill(&mut profile, center, rng);
            rois.push(Roi { finding: Finding::Mass, raw_name: "Mass".into(), shape: rim.outline(center) });
        }
        if spec.kind == LesionKind::Spiculated {
            spicules(&mut profile, &rim, center, rng);
            let spellings = ["Spiculated Region", "Spiculated region", "Espiculated Region"];
            rois.push(Roi {
                finding: Finding::SpiculatedRegion,
                raw_name: spellings[rng.random_range(0..3)].into(),
                shape: Shape::Circle { center, radius: 1.9 * radius },
            });
        }
        if matches!(spec.kind, LesionKind::Calcified | LesionKind::Cluster) {
            let shape = calcifications(&mut profile, center, radius, h as f32 / 832.0, rng);
            rois.push(Roi { finding: Finding::Cluster, raw_name: "Cluster".into(), shape });
        }
        // What the breast does not have, its lesion cannot brighten.
        for (value, &inside) in profile.data_mut().iter_mut().zip(outline.breast.data()) {
            *value = if inside && *value > 1e-3 { *value } else { 0.0 };
        }
        Some(Self { kind: spec.kind, center, radius_px: radius, contrast: spec.contrast, rois, profile })
    }
}

/// A random place well inside the breast, away from skin and muscle.
fn place(outline: &Outline, radius: f32, rng: &mut Stream) -> Option<Point> {
    let (w, h) = (outline.breast.width() as f32, outline.breast.height() as f32);
    for margin in [1.9, 1.5, 1.2, 1.0] {
        for _ in 0..400 {
            let (x, y) = (rng.random_range(0.0..w), rng.random_range(0.0..h));
            let (px, py) = (x as usize, y as usize);
            let inside = outline.depth_px.get(px, py) > margin * radius + 0.02 * h
                && x > margin * radius
                && y > 1.2 * margin * radius
                && y < h - 1.2 * margin * radius;
            // The muscle's edge is soft; looking a radius to the left finds it in time.
            let left = (x - 0.8 * radius).max(0.0) as usize;
            if inside && outline.pectoral.get(left, py) < 0.1 {
                return Some(Point { x, y });
            }
        }
    }
    None
}

/// The edge of a mass: a circle with a few random waves (a plane cut through VICTRE's Gaussian random sphere).
struct Rim {
    radius: f32,
    waves: Vec<(f32, f32, f32)>,
}

impl Rim {
    fn new(kind: LesionKind, radius: f32, rng: &mut Stream) -> Self {
        let size = if kind == LesionKind::Spiculated { 0.16 } else { 0.13 };
        let waves = (2..8)
            .map(|k| {
                let k = k as f32;
                let amplitude = size * (2.0 / k).powf(0.9);
                (k, rng.random_range(-amplitude..amplitude), rng.random_range(0.0..TAU))
            })
            .collect();
        Self { radius, waves }
    }

    fn at(&self, angle: f32) -> f32 {
        let wave: f32 = self.waves.iter().map(|(k, size, phase)| size * (k * angle + phase).cos()).sum();
        self.radius * (1.0 + wave).max(0.4)
    }

    fn fill(&self, profile: &mut Plane, center: Point, rng: &mut Stream) {
        let soft = 0.25 + 0.20 * rng.random::<f32>();
        let tilt = (rng.random_range(-0.12..0.12f32), rng.random_range(-0.12..0.12f32));
        for y in 0..profile.height() {
            for x in 0..profile.width() {
                let (dx, dy) = (x as f32 + 0.5 - center.x, y as f32 + 0.5 - center.y);
                let r = dx.hypot(dy);
                if r > 2.2 * self.radius {
                    continue;
                }
                let t = r / self.at(dy.atan2(dx));
                // X-rays cross a round body: the way through it is longest in the middle and shortens to nothing at the rim,
                // and more softly than a ball's, since a mass has no sharp border. Never quite the same on all sides.
                let inside = (1.0 - (t / (1.0 + soft)).powi(2)).max(0.0).powf(1.5);
                let tilted = 1.0 + (tilt.0 * dx + tilt.1 * dy) / self.radius;
                profile.set(x, y, inside * tilted);
            }
        }
    }

    fn outline(&self, center: Point) -> Shape {
        let points = (0..48).map(|i| {
            let angle = i as f32 / 48.0 * TAU;
            let r = self.at(angle);
            Point { x: center.x + r * angle.cos(), y: center.y + r * angle.sin() }
        });
        Shape::Polygon { points: points.collect() }
    }
}

/// Strands that leave the rim and taper off.
fn spicules(profile: &mut Plane, rim: &Rim, center: Point, rng: &mut Stream) {
    let scale = profile.height() as f32 / 832.0;
    let count = rng.random_range(14..26);
    for i in 0..count {
        let mut angle = (i as f32 + rng.random_range(-0.4..0.4f32)) / count as f32 * TAU;
        let start = 0.75 * rim.at(angle);
        let (mut x, mut y) = (center.x + start * angle.cos(), center.y + start * angle.sin());
        let length = rim.radius * rng.random_range(0.8..1.9f32);
        let width = (scale * rng.random_range(2.2..4.6f32)).max(0.5);
        let strength = rng.random_range(0.18..0.30f32);
        let bend = rng.random_range(-0.012..0.012f32) / scale;
        let mut gone = 0.0;
        while gone < length {
            let left = 1.0 - gone / length;
            stamp(profile, (x, y), (width * (0.35 + 0.65 * left)).max(0.4), strength * left.sqrt());
            angle += bend;
            x += angle.cos();
            y += angle.sin();
            gone += 1.0;
        }
    }
}

/// Bright specks about a point.
fn calcifications(profile: &mut Plane, center: Point, radius: f32, scale: f32, rng: &mut Stream) -> Shape {
    let count = rng.random_range(9..26);
    let spread = radius * 0.75;
    for _ in 0..count {
        let (angle, r) = (rng.random_range(0.0..TAU), spread * rng.random::<f32>().sqrt());
        let at = (center.x + r * angle.cos(), center.y + r * angle.sin());
        stamp(profile, at, (scale * rng.random_range(0.9..2.0f32)).max(0.45), rng.random_range(1.3..2.6));
    }
    Shape::Circle { center, radius: spread + 3.0 * scale }
}
