//! What the breast is made of: fat, glandular tissue, ligaments, skin and muscle, as attenuation per unit of thickness.

use mammo_core::{AcrDensity, Plane, Stream, ViewPosition};
use rand::Rng;

use crate::noise::power_law_fields;
use crate::outline::Outline;

/// The exponent of the texture's power law before structures and blur act on it.
const BETA: f64 = 2.7;

/// Attenuation of fat; gland adds to it.
const FAT: f32 = 0.30;
const GLAND: f32 = 0.05;
/// How much gland gathers in clumps. Above 1 clumps of a mass's size are as bright as half a mass, and neither a network
/// nor a person can say what a half-removed mass is.
const CLUMPS: f32 = 0.5;
/// Standard deviation of the texture in fat.
const TEXTURE: f32 = 0.010;

/// The tissue of one breast.
pub(crate) struct Tissue {
    /// Attenuation per unit of thickness.
    pub(crate) attenuation: Plane,
    /// Compressed thickness, 1 in the middle of the breast, falling to 0 at the skin.
    pub(crate) thickness: Plane,
}

impl Tissue {
    pub(crate) fn new(outline: &Outline, view: ViewPosition, density: AcrDensity, rng: &mut Stream) -> Self {
        let (w, h) = (outline.breast.width(), outline.breast.height());
        let (texture, clumps) = power_law_fields(w, h, BETA, 1.5 / h as f64, rng);
        let (amount, spread) = match density.class() {
            1 => (-1.5, 0.62),
            2 => (-0.7, 0.72),
            3 => (0.1, 0.85),
            _ => (0.9, 1.05),
        };
        let amount = amount + rng.random_range(-0.2..0.2f32);
        let (nipple_x, nipple_y) = outline.nipple;
        let reach = nipple_x.max(1.0);
        let ligaments = ligaments(outline, rng);
        let roll = h as f32 * rng.random_range(0.085..0.12);
        let skin = (h as f32 * 0.0055).max(0.8);
        let thickness = outline.depth_px.map(|d| {
            let t = (d / roll).min(1.0);
            // A round edge would be the square root; a for-presentation image shows the periphery softer than that.
            (1.0 - (1.0 - t) * (1.0 - t)).powf(0.85)
        });
        let attenuation = Plane::from_fn(w, h, |x, y| {
            let depth = outline.depth_px.get(x, y);
            if depth == 0.0 {
                return 0.0;
            }
            let (px, py) = (x as f32 + 0.5, y as f32 + 0.5);
            // The glandular disc: behind the nipple, widening towards the chest wall, never in the fat below the skin.
            let along = 1.0 - px / reach;
            let across = (py - nipple_y) / (h as f32 * (0.10 + 0.28 * along.clamp(0.0, 1.0).sqrt()) * spread);
            let disc = (1.0 - across * across).max(-2.5) - 1.6 * (along - 0.42).max(0.0);
            let subcutaneous = (depth / (0.055 * h as f32)).min(1.0);
            let here = CLUMPS * clumps.get(x, y) + 0.4 * texture.get(x, y) + amount + 1.1 * disc - 0.5;
            let gland = subcutaneous / (1.0 + (-1.15 * here).exp());
            let tissue = FAT + GLAND * gland * (1.0 + 0.10 * texture.get(x, y));
            let fibre = ligaments.get(x, y) * (0.35 + 0.65 * gland);
            let skin_line = 0.10 * (-((depth - skin) / skin).powi(2)).exp();
            let muscle = outline.pectoral.get(x, y);
            let body = tissue + TEXTURE * texture.get(x, y) * (0.8 + 0.5 * gland) + fibre + skin_line;
            let muscle_tissue = 0.50 + 0.015 * clumps.get(x, y) + 0.02 * texture.get(x, y) + 0.4 * fibre;
            body * (1.0 - muscle) + muscle_tissue.max(body) * muscle
        });
        debug_assert!(matches!(view, ViewPosition::Cc | ViewPosition::Mlo | ViewPosition::Fb));
        Self { attenuation, thickness }
    }
}

/// Cooper's ligaments and ducts: thin curved strands, most of them drawn towards the nipple, brighter in the middle.
fn ligaments(outline: &Outline, rng: &mut Stream) -> Plane {
    let (w, h) = (outline.breast.width(), outline.breast.height());
    let scale = h as f32 / 832.0;
    let mut plane = Plane::filled(w, h, 0.0);
    let count = rng.random_range(110..170);
    for _ in 0..count {
        let (mut x, mut y) = (rng.random_range(0.0..w as f32), rng.random_range(0.0..h as f32));
        let to_nipple = (outline.nipple.1 - y).atan2(outline.nipple.0 - x);
        let mut angle = to_nipple + rng.random_range(-1.0..1.0f32);
        let mut bend = rng.random_range(-0.010..0.010f32) / scale;
        let length = scale * rng.random_range(40.0..190.0f32);
        let width = (scale * rng.random_range(0.8..2.0f32)).max(0.45);
        let strength = rng.random_range(0.012..0.048f32);
        let mut gone = 0.0;
        while gone < length {
            let fade = (std::f32::consts::PI * gone / length).sin();
            stamp(&mut plane, (x, y), width, strength * fade);
            bend += rng.random_range(-0.0016..0.0016f32) / scale;
            angle += bend;
            x += angle.cos();
            y += angle.sin();
            gone += 1.0;
        }
    }
    plane
}

/// Raises a round Gaussian spot to at least `strength`; strands so keep one brightness along their length.
pub(crate) fn stamp(plane: &mut Plane, (x, y): (f32, f32), width: f32, strength: f32) {
    let reach = (2.5 * width).ceil() as isize;
    let (cx, cy) = (x.floor() as isize, y.floor() as isize);
    for py in (cy - reach).max(0)..=(cy + reach).min(plane.height() as isize - 1) {
        for px in (cx - reach).max(0)..=(cx + reach).min(plane.width() as isize - 1) {
            let (dx, dy) = (px as f32 + 0.5 - x, py as f32 + 0.5 - y);
            let value = strength * (-(dx * dx + dy * dy) / (2.0 * width * width)).exp();
            let (px, py) = (px as usize, py as usize);
            if value > plane.get(px, py) {
                plane.set(px, py, value);
            }
        }
    }
}
