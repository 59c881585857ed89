//! What happens to images between a generator and whoever looks for it.

use mammo_core::{Plane, Seed};
use rand::Rng;
use rand_distr::StandardNormal;

/// Takes an image and its number, which noise is drawn from.
pub(super) type Handling = fn(&Plane, u64) -> Plane;

/// Ways of handling an image, with the names in tables.
pub(super) const HANDLINGS: [(&str, Handling); 11] = [
    ("as it is", |plane, _| plane.clone()),
    ("8 bits", |plane, _| plane.map(|v| (v.clamp(0.0, 1.0) * 255.0).round() / 255.0)),
    ("JPEG, quality 90", |plane, _| jpeg(plane, 90)),
    ("JPEG, quality 75", |plane, _| jpeg(plane, 75)),
    ("blur, 0.7 pixels", |plane, _| blurred(plane, 0.7)),
    ("blur, 1.5 pixels", |plane, _| blurred(plane, 1.5)),
    ("noise, 1 % of the range", noisy),
    ("half size and back", |plane, _| {
        plane.resized(plane.width() / 2, plane.height() / 2).resized(plane.width(), plane.height())
    }),
    ("twice the size and back", |plane, _| {
        plane.resized(2 * plane.width(), 2 * plane.height()).resized(plane.width(), plane.height())
    }),
    ("CLAHE", |plane, _| clahe(plane)),
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

/// Written as baseline JPEG of 8 bits and read again.
fn jpeg(plane: &Plane, quality: u8) -> Plane {
    let grey: Vec<u8> = plane.data().iter().map(|v| (v.clamp(0.0, 1.0) * 255.0).round() as u8).collect();
    let mut bytes = Vec::new();
    let mut encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, quality);
    let size = (plane.width() as u32, plane.height() as u32);
    let written = encoder.encode(&grey, size.0, size.1, image::ExtendedColorType::L8);
    let read = written.and_then(|()| image::load_from_memory_with_format(&bytes, image::ImageFormat::Jpeg));
    let values = read.expect("what the encoder wrote is read").into_luma8().into_raw();
    let values = values.into_iter().map(|v| f32::from(v) / 255.0).collect();
    Plane::new(plane.width(), plane.height(), values).expect("the size is that of the image")
}

/// Contrast-limited adaptive histogram equalisation (Zuiderveld 1994): 8 x 8 tiles, 256 levels, bars of a tile's histogram
/// cut at three times the mean, maps of four tiles mixed between their centres.
fn clahe(plane: &Plane) -> Plane {
    const TILES: usize = 8;
    const LEVELS: usize = 256;
    let (width, height) = (plane.width(), plane.height());
    let level = |v: f32| ((v.clamp(0.0, 1.0) * 255.0).round() as usize).min(LEVELS - 1);
    let edge = |i: usize, n: usize| i * n / TILES;
    let mut maps = vec![[0f32; LEVELS]; TILES * TILES];
    for (i, map) in maps.iter_mut().enumerate() {
        let (columns, rows) = (
            edge(i % TILES, width)..edge(i % TILES + 1, width),
            edge(i / TILES, height)..edge(i / TILES + 1, height),
        );
        let mut bars = [0f32; LEVELS];
        for y in rows.clone() {
            for x in columns.clone() {
                bars[level(plane.get(x, y))] += 1.0;
            }
        }
        let count = (columns.len() * rows.len()) as f32;
        let limit = 3.0 * count / LEVELS as f32;
        let surplus: f32 = bars.iter().map(|bar| (bar - limit).max(0.0)).sum();
        let mut sum = 0.0;
        for (bar, out) in bars.iter().zip(map.iter_mut()) {
            sum += bar.min(limit) + surplus / LEVELS as f32;
            *out = sum / count.max(1.0);
        }
    }
    // The place between tile centres: the lower tile, the upper one, and the share of the upper.
    let between = |i: usize, n: usize| {
        let at = ((i as f32 + 0.5) * TILES as f32 / n as f32 - 0.5).clamp(0.0, (TILES - 1) as f32);
        let low = at as usize;
        (low, (low + 1).min(TILES - 1), at - low as f32)
    };
    Plane::from_fn(width, height, |x, y| {
        let ((left, right, u), (upper, lower, v)) = (between(x, width), between(y, height));
        let value = level(plane.get(x, y));
        let at = |column: usize, row: usize| maps[row * TILES + column][value];
        let mix = |a: f32, b: f32, share: f32| a + share * (b - a);
        mix(mix(at(left, upper), at(right, upper), u), mix(at(left, lower), at(right, lower), u), v)
    })
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
        // JPEG of high quality changes little; CLAHE raises the contrast of a flat picture.
        let near = jpeg(&plane.map(|v| 0.4 + 0.2 * v), 90);
        assert!(near.zip(&plane, |a, b| (a - 0.4 - 0.2 * b).abs()).mean() < 0.03);
        let flat = plane.map(|v| 0.45 + 0.1 * v);
        let (low, high) = clahe(&flat).min_max();
        assert!(high - low > 0.2, "{low} {high}");
        assert!((blurred(&plane, 1.5).mean() - plane.mean()).abs() < 0.01);
        assert_eq!(noisy(&plane, 3), noisy(&plane, 3));
        assert_ne!(noisy(&plane, 3), noisy(&plane, 4));
    }
}
