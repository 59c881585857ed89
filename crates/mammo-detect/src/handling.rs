use mammo_core::{Plane, Stream};
use rand::Rng;
use rand_distr::StandardNormal;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What may happen to an image between a generator, or an acquisition, and whoever looks at it. It keeps the size; values
/// are those of planes in `[0, 1]`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Handling {
    /// Nothing.
    AsItIs,
    /// Rounded to 256 levels, as in an 8-bit PNG.
    EightBits,
    /// Written as baseline JPEG of this quality, 1 to 100, and read again.
    Jpeg(u8),
    /// Gaussian blur of this deviation in pixels.
    Blur(f32),
    /// White noise of this deviation, as a share of the range.
    Noise(f32),
    /// Resampled to this multiple of its size, and back.
    Resized(f32),
    /// Contrast-limited adaptive histogram equalisation with this limit.
    Clahe(f32),
    /// Contrast about the middle of the range by this factor.
    Contrast(f32),
}

impl Handling {
    /// Ways that detectors are judged under.
    pub const JUDGED: [Self; 12] = [
        Self::AsItIs,
        Self::EightBits,
        Self::Jpeg(90),
        Self::Jpeg(75),
        Self::Blur(0.7),
        Self::Blur(1.5),
        Self::Noise(0.01),
        Self::Resized(0.5),
        Self::Resized(0.75),
        Self::Resized(2.0),
        Self::Clahe(3.0),
        Self::Contrast(1.2),
    ];

    /// Draws a way of handling for training, of any kind and of any strength about those of [`Self::JUDGED`].
    pub fn draw(random: &mut Stream) -> Self {
        match random.random_range(0..8) {
            0 => Self::AsItIs,
            1 => Self::EightBits,
            2 => Self::Jpeg(random.random_range(60..=98)),
            3 => Self::Blur(random.random_range(0.3..1.8)),
            4 => Self::Noise(random.random_range(0.002..0.015)),
            5 => Self::Resized(if random.random_bool(0.5) {
                random.random_range(0.4..0.95)
            } else {
                random.random_range(1.1..2.2)
            }),
            6 => Self::Clahe(random.random_range(1.5..4.0)),
            _ => Self::Contrast(random.random_range(0.8..1.3)),
        }
    }

    /// The image after it. Noise is drawn from `random`; nothing else is.
    ///
    /// ```
    /// use mammo_core::{Plane, Seed};
    /// use mammo_detect::Handling;
    /// let image = Plane::from_fn(32, 32, |x, y| ((x * y) % 7) as f32 / 7.0);
    /// let rounded = Handling::EightBits.apply(&image, &mut Seed(1).stream("handling"));
    /// assert!(image.zip(&rounded, |a, b| (a - b).abs()).min_max().1 <= 0.5 / 255.0 + 1e-6);
    /// ```
    pub fn apply(self, plane: &Plane, random: &mut Stream) -> Plane {
        let limited = |v: f32| v.clamp(0.0, 1.0);
        match self {
            Self::AsItIs => plane.clone(),
            Self::EightBits => plane.map(|v| (limited(v) * 255.0).round() / 255.0),
            Self::Jpeg(quality) => jpeg(plane, quality.clamp(1, 100)),
            Self::Blur(sigma_px) => blurred(plane, sigma_px),
            Self::Noise(sd) => plane.map(|v| limited(v + sd * random.sample::<f32, _>(StandardNormal))),
            Self::Resized(factor) => {
                let side = |n: usize| ((n as f32 * factor).round() as usize).max(1);
                let (width, height) = (side(plane.width()), side(plane.height()));
                resampled(&resampled(plane, width, height), plane.width(), plane.height())
            }
            Self::Clahe(limit) => clahe(plane, limit),
            Self::Contrast(factor) => plane.map(|v| limited((v - 0.5) * factor + 0.5)),
        }
    }
}

impl fmt::Display for Handling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AsItIs => f.write_str("as it is"),
            Self::EightBits => f.write_str("8 bits"),
            Self::Jpeg(quality) => write!(f, "JPEG, quality {quality}"),
            Self::Blur(sigma_px) => write!(f, "blur, {sigma_px} pixels"),
            Self::Noise(sd) => write!(f, "noise, {} % of the range", 100.0 * sd),
            Self::Resized(0.5) => f.write_str("half size and back"),
            Self::Resized(2.0) => f.write_str("twice the size and back"),
            Self::Resized(factor) => write!(f, "size x {factor} and back"),
            Self::Clahe(limit) => write!(f, "CLAHE, limit {limit}"),
            Self::Contrast(factor) => write!(f, "contrast x {factor}"),
        }
    }
}

/// Means over areas where the image shrinks, straight lines between pixels where it grows.
fn resampled(plane: &Plane, width: usize, height: usize) -> Plane {
    if width <= plane.width() && height <= plane.height() {
        return plane.resized(width, height);
    }
    let place = |i: usize, to: usize, from: usize| {
        ((i as f32 + 0.5) * from as f32 / to as f32).clamp(0.5, from as f32 - 0.5)
    };
    Plane::from_fn(width, height, |x, y| {
        plane.sample(place(x, width, plane.width()), place(y, height, plane.height()), 0.0)
    })
}

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
/// cut at `limit` times the mean, maps of four tiles mixed between their centres.
fn clahe(plane: &Plane, limit: f32) -> Plane {
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
        let limit = limit * count / LEVELS as f32;
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

#[cfg(test)]
mod tests {
    use super::*;
    use mammo_core::Seed;

    #[test]
    fn handling_keeps_size_and_range_and_blur_keeps_the_mean() {
        let plane = Plane::from_fn(40, 30, |x, y| ((x * 5 + y * 3) % 17) as f32 / 16.0);
        let apply = |handling: Handling, n| handling.apply(&plane, &mut Seed(1).stream_at("noise", n));
        let drawn = (0..40).map(|i| Handling::draw(&mut Seed(2).stream_at("draw", i)));
        for handling in Handling::JUDGED.into_iter().chain(drawn) {
            let handled = apply(handling, 3);
            let (low, high) = handled.min_max();
            assert_eq!((handled.width(), handled.height()), (40, 30), "{handling}");
            assert!(low >= -1e-4 && high <= 1.0 + 1e-4, "{handling}: {low} {high}");
            assert_eq!(handled, apply(handling, 3), "{handling}");
        }
        // JPEG of high quality changes little; CLAHE raises the contrast of a flat picture.
        let near = jpeg(&plane.map(|v| 0.4 + 0.2 * v), 90);
        assert!(near.zip(&plane, |a, b| (a - 0.4 - 0.2 * b).abs()).mean() < 0.03);
        let flat = plane.map(|v| 0.45 + 0.1 * v);
        let (low, high) = clahe(&flat, 3.0).min_max();
        assert!(high - low > 0.2, "{low} {high}");
        assert!((blurred(&plane, 1.5).mean() - plane.mean()).abs() < 0.01);
        assert_ne!(apply(Handling::Noise(0.01), 3), apply(Handling::Noise(0.01), 4));
    }

    #[test]
    fn names_say_what_and_how_much() {
        let names: Vec<String> = Handling::JUDGED.iter().map(Handling::to_string).collect();
        assert_eq!(
            names[2..8].join("; "),
            "JPEG, quality 90; JPEG, quality 75; blur, 0.7 pixels; blur, 1.5 pixels; noise, 1 % of the range; half size and back"
        );
    }
}
