//! Where the breast is: outline, depth below the skin, nipple and pectoral muscle. The chest wall is at the left edge.

use mammo_core::{Mask, Plane, Stream, ViewPosition};
use rand::Rng;

/// The geometry of one breast in one view.
pub(crate) struct Outline {
    /// Where there is no air.
    pub(crate) breast: Mask,
    /// Distance to the nearest air in pixels, 0 in air. The image's edges are not air.
    pub(crate) depth_px: Plane,
    /// Column and row of the nipple's base.
    pub(crate) nipple: (f32, f32),
    /// How far the muscle covers a pixel, 0 to 1.
    pub(crate) pectoral: Plane,
}

impl Outline {
    pub(crate) fn new(width: usize, height: usize, view: ViewPosition, rng: &mut Stream) -> Self {
        let (w, h) = (width as f32, height as f32);
        let oblique = view == ViewPosition::Mlo;
        let reach = w * rng.random_range(0.58..0.84);
        let middle = h * if oblique { rng.random_range(0.54..0.62) } else { rng.random_range(0.46..0.54) };
        let (above, below) = if oblique {
            (h * rng.random_range(0.52..0.62), h * rng.random_range(0.30..0.37))
        } else {
            (h * rng.random_range(0.36..0.44), h * rng.random_range(0.36..0.44))
        };
        let power = rng.random_range(1.9..2.5f32);
        // In an oblique view the breast goes over into the axilla, which leaves the image at its top edge.
        let axilla = if oblique { w * rng.random_range(0.24..0.40) } else { 0.0 };
        let waves: Vec<(f32, f32, f32)> = (1..6)
            .map(|k| {
                let size = 0.012 / k as f32;
                (k as f32, rng.random_range(-size..size), rng.random_range(0.0..std::f32::consts::TAU))
            })
            .collect();
        let edge = |y: f32| {
            let t = (y - middle) / if y < middle { above } else { below };
            let ellipse =
                if t.abs() < 1.0 { reach * (1.0 - t.abs().powf(power)).powf(1.0 / power) } else { 0.0 };
            let strip = if y < middle { axilla * (1.0 - 0.15 * (1.0 - y / middle)) } else { 0.0 };
            // A smooth maximum, so that skin and axilla meet in a curve.
            let joined = if oblique {
                let (a, b) = (ellipse / w, strip / w);
                w * ((9.0 * a).exp() + (9.0 * b).exp() - 1.0).ln() / 9.0
            } else {
                ellipse
            };
            let ripple: f32 = waves
                .iter()
                .map(|(k, size, phase)| size * (k * std::f32::consts::TAU * y / h + phase).sin())
                .sum();
            joined * (1.0 + ripple)
        };
        let nipple_y = middle + h * rng.random_range(-0.02..0.03);
        let nipple = (edge(nipple_y), nipple_y);
        let nipple_r = h * rng.random_range(0.014..0.020);
        let breast = Mask::from_fn(width, height, |x, y| {
            let (px, py) = (x as f32 + 0.5, y as f32 + 0.5);
            let on_nipple = ((px - nipple.0 - 0.2 * nipple_r) / 1.1).hypot(py - nipple.1) < nipple_r;
            px < edge(py) || on_nipple
        });
        let depth_px = depth(&breast);
        let pectoral = if oblique { pectoral(width, height, rng) } else { Plane::filled(width, height, 0.0) };
        Self { breast, depth_px, nipple, pectoral }
    }
}

/// A triangle in the upper corner of the chest wall with a slightly convex edge.
fn pectoral(width: usize, height: usize, rng: &mut Stream) -> Plane {
    let (w, h) = (width as f32, height as f32);
    let top = w * rng.random_range(0.26..0.40);
    let length = h * rng.random_range(0.45..0.64);
    let bend = rng.random_range(0.85..1.25f32);
    let blur = 0.008 * h;
    Plane::from_fn(width, height, |x, y| {
        let (px, py) = (x as f32 + 0.5, y as f32 + 0.5);
        if py >= length {
            return 0.0;
        }
        let edge = top * (1.0 - (py / length).powf(bend));
        1.0 / (1.0 + ((px - edge) / blur).exp())
    })
}

/// Exact Euclidean distance to the nearest pixel outside the mask (Felzenszwalb and Huttenlocher, Theory of Computing
/// 2012;8:415): distances along columns first, then lower envelopes of parabolas along rows.
fn depth(mask: &Mask) -> Plane {
    let (w, h) = (mask.width(), mask.height());
    let far = (w + h) as f32;
    let mut column = vec![0f32; w * h];
    for x in 0..w {
        let mut run = far;
        for y in 0..h {
            run = if mask.get(x, y) { run + 1.0 } else { 0.0 };
            column[y * w + x] = run;
        }
        run = far;
        for y in (0..h).rev() {
            run = if mask.get(x, y) { run + 1.0 } else { 0.0 };
            let value = &mut column[y * w + x];
            *value = value.min(run);
        }
    }
    let mut out = Plane::filled(w, h, 0.0);
    let mut vertices = vec![0usize; w];
    let mut bounds = vec![0f32; w + 1];
    for y in 0..h {
        let row: Vec<f32> = column[y * w..(y + 1) * w].iter().map(|d| d * d).collect();
        let cross = |p: usize, q: usize| {
            ((row[q] + (q * q) as f32) - (row[p] + (p * p) as f32)) / (2.0 * (q as f32 - p as f32))
        };
        let mut k = 0;
        vertices[0] = 0;
        bounds[0] = f32::NEG_INFINITY;
        bounds[1] = f32::INFINITY;
        for q in 1..w {
            let mut s = cross(vertices[k], q);
            while s <= bounds[k] {
                k -= 1;
                s = cross(vertices[k], q);
            }
            k += 1;
            vertices[k] = q;
            bounds[k] = s;
            bounds[k + 1] = f32::INFINITY;
        }
        k = 0;
        for x in 0..w {
            while bounds[k + 1] < x as f32 {
                k += 1;
            }
            let v = vertices[k];
            let d2 = (x as f32 - v as f32).powi(2) + row[v];
            out.set(x, y, d2.sqrt());
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use mammo_core::Seed;

    #[test]
    fn depth_is_the_distance_to_the_nearest_air() {
        let mut rng = Seed(3).stream("test");
        let mask = Mask::from_fn(23, 17, |_, _| rng.random_bool(0.93));
        let fast = depth(&mask);
        for y in 0..17 {
            for x in 0..23 {
                let air = (0..17 * 23).filter(|i| !mask.data()[*i]);
                let slow = air
                    .map(|i| ((i % 23) as f32 - x as f32).hypot((i / 23) as f32 - y as f32))
                    .fold(f32::INFINITY, f32::min);
                assert!((fast.get(x, y) - slow).abs() < 1e-3, "({x}, {y}): {} {slow}", fast.get(x, y));
            }
        }
    }

    #[test]
    fn breasts_sit_on_the_chest_wall_and_leave_air() {
        for i in 0..20 {
            for view in [ViewPosition::Cc, ViewPosition::Mlo] {
                let outline = Outline::new(160, 208, view, &mut Seed(1).stream_at("outline", i));
                let share = outline.breast.count() as f64 / (160.0 * 208.0);
                assert!((0.2..0.8).contains(&share), "{view} {i}: {share}");
                assert!(
                    outline.breast.get(0, 104)
                        && !outline.breast.get(159, 104)
                        && !outline.breast.get(159, 0)
                );
                assert_eq!(outline.pectoral.get(2, 2) > 0.9, view == ViewPosition::Mlo);
            }
        }
    }
}
