use mammo_core::{Mask, Plane, Stream};
use rand::Rng;
use std::ops::RangeInclusive;

/// An original into which a disc of its altered image was pasted.
#[derive(Debug, Clone)]
pub struct Spliced {
    /// The image.
    pub plane: Plane,
    /// Where it comes from the altered image.
    pub disc: Mask,
}

impl Spliced {
    /// Pastes a disc about some pixel of the tissue (what is not exactly 0), with a radius in pixels from a range that is not
    /// empty. Both images have one size.
    ///
    /// ```
    /// use mammo_core::{Plane, Seed};
    /// use mammo_detect::Spliced;
    /// let (original, altered) = (Plane::filled(32, 32, 0.4), Plane::filled(32, 32, 0.6));
    /// let spliced = Spliced::draw(&original, &altered, 4.0..=4.0, &mut Seed(1).stream("splice"));
    /// let pasted = spliced.plane.data().iter().filter(|v| **v == 0.6).count();
    /// assert_eq!(pasted, spliced.disc.count());
    /// ```
    pub fn draw(
        original: &Plane,
        altered: &Plane,
        radius_px: RangeInclusive<f64>,
        random: &mut Stream,
    ) -> Self {
        let (width, height) = (original.width(), original.height());
        let tissue: Vec<usize> = (0..width * height).filter(|&i| original.data()[i] > 0.0).collect();
        let at = if tissue.is_empty() { 0 } else { tissue[random.random_range(0..tissue.len())] };
        let (cx, cy) = ((at % width) as f64, (at / width) as f64);
        let radius = random.random_range(radius_px);
        let disc = Mask::from_fn(width, height, |x, y| (x as f64 - cx).hypot(y as f64 - cy) <= radius);
        let value = |x, y| if disc.get(x, y) { altered.get(x, y) } else { original.get(x, y) };
        let plane = Plane::from_fn(width, height, value);
        Self { plane, disc }
    }
}
