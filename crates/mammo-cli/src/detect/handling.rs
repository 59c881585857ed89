//! What happens to images between a generator and whoever looks for it.

use mammo_core::{Plane, Seed};
use rand::Rng;
use rand_distr::StandardNormal;

/// Takes an image and its number, which noise is drawn from.
pub(super) type Handling = fn(&Plane, u64) -> Plane;

/// Ways of handling an image, with the names in tables.
pub(super) const HANDLINGS: [(&str, Handling); 7] = [
    ("as it is", |plane, _| plane.clone()),
    ("8 bits", |plane, _| plane.map(|v| (v.clamp(0.0, 1.0) * 255.0).round() / 255.0)),
    ("blur, 0.7 pixels", |plane, _| blurred(plane, 0.7)),
    ("blur, 1.5 pixels", |plane, _| blurred(plane, 1.5)),
    ("noise, 1 % of the range", noisy),
    ("half size and back", |plane, _| {
        plane.resized(plane.width() / 2, plane.height() / 2).resized(plane.width(), plane.height())
    }),
    ("contrast x 1.2", |plane, _| plane.map(|v| ((v - 0.5) * 1.2 + 0.5).clamp(0.0, 1.0))),
];

/// Gaussian blur, cut at three deviations; the edge pixels go on beyond the edge.
fn blurred(plane: &Plane, sigma_px: f32) -> Plane {
    let reach = (3.0 * sigma_px).ceil() as isize;
    let weights: Vec<f32> =
        (-reach..=reach).map(|i| (-(i as f32).powi(2) / (2.0 * sigma_px * sigma_px)).exp()).collect();
    let total: f32 = weights.iter().sum();
    let clamp = |i: isize, n: usize| i.clamp(0, n.cast_signed() - 1).unsigned_abs();
    let along = |plane: &Plane, dx: isize, dy: isize| {
        Plane::from_fn(plane.width(), plane.height(), |x, y| {
            let at = |k: isize| {
                let (x, y) = (x.cast_signed() + k * dx, y.cast_signed() + k * dy);
                plane.get(clamp(x, plane.width()), clamp(y, plane.height()))
            };
            (-reach..=reach).zip(&weights).map(|(k, w)| w * at(k)).sum::<f32>() / total
        })
    };
    along(&along(plane, 1, 0), 0, 1)
}

fn noisy(plane: &Plane, index: u64) -> Plane {
    let mut random = Seed(1).stream_at("detect/noise", index);
    plane.map(|v| (v + 0.01 * random.sample::<f32, _>(StandardNormal)).clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handling_keeps_size_and_range_and_blur_keeps_the_mean() {
        let plane = Plane::from_fn(40, 30, |x, y| ((x * 5 + y * 3) % 17) as f32 / 16.0);
        for (name, handle) in HANDLINGS {
            let handled = handle(&plane, 3);
            let (low, high) = handled.min_max();
            assert_eq!((handled.width(), handled.height()), (40, 30), "{name}");
            assert!(low >= -1e-4 && high <= 1.0 + 1e-4, "{name}: {low} {high}");
        }
        assert!((blurred(&plane, 1.5).mean() - plane.mean()).abs() < 0.01);
        assert_eq!(noisy(&plane, 3), noisy(&plane, 3));
        assert_ne!(noisy(&plane, 3), noisy(&plane, 4));
    }
}
