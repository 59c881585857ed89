use crate::{Point, Shape};
use serde::{Deserialize, Serialize};

/// Why a plane could not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlaneError {
    /// The number of values does not fit the size.
    #[error("{width} x {height} pixels need {} values, but there are {len}", width * height)]
    WrongLength {
        /// Columns.
        width: usize,
        /// Rows.
        height: usize,
        /// Values given.
        len: usize,
    },
    /// Zero columns or zero rows.
    #[error("an image needs at least one pixel, not {width} x {height}")]
    Empty {
        /// Columns.
        width: usize,
        /// Rows.
        height: usize,
    },
}

/// A grey image: `height` rows of `width` values, row after row from the top left. The unit of the values is the
/// owner's business and is named where it matters (stored values, `[0, 1]`, `[-1, 1]`).
#[derive(Debug, Clone, PartialEq)]
pub struct Plane {
    width: usize,
    height: usize,
    data: Vec<f32>,
}

impl Plane {
    /// Wraps `data`, row after row.
    ///
    /// # Errors
    /// [`PlaneError`] when a side is zero or the length is not `width * height`.
    pub fn new(width: usize, height: usize, data: Vec<f32>) -> Result<Self, PlaneError> {
        if width == 0 || height == 0 {
            return Err(PlaneError::Empty { width, height });
        }
        if width.checked_mul(height) != Some(data.len()) {
            return Err(PlaneError::WrongLength { width, height, len: data.len() });
        }
        Ok(Self { width, height, data })
    }

    /// A plane of one value. Sides of zero are taken as one.
    pub fn filled(width: usize, height: usize, value: f32) -> Self {
        let (width, height) = (width.max(1), height.max(1));
        Self { width, height, data: vec![value; width * height] }
    }

    /// A plane whose pixel in column `x` and row `y` is `value(x, y)`. Sides of zero are taken as one.
    pub fn from_fn(width: usize, height: usize, mut value: impl FnMut(usize, usize) -> f32) -> Self {
        let mut plane = Self::filled(width, height, 0.0);
        for y in 0..plane.height {
            for x in 0..plane.width {
                plane.data[y * plane.width + x] = value(x, y);
            }
        }
        plane
    }

    /// Columns.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows.
    pub fn height(&self) -> usize {
        self.height
    }

    /// All values, row after row.
    pub fn data(&self) -> &[f32] {
        &self.data
    }

    /// All values, to be changed in place.
    pub fn data_mut(&mut self) -> &mut [f32] {
        &mut self.data
    }

    /// Gives the values away.
    pub fn into_data(self) -> Vec<f32> {
        self.data
    }

    /// The value in column `x`, row `y`.
    ///
    /// # Panics
    /// Outside the image, as slices do.
    pub fn get(&self, x: usize, y: usize) -> f32 {
        assert!(x < self.width, "column {x} of {}", self.width);
        self.data[y * self.width + x]
    }

    /// Sets the value in column `x`, row `y`.
    ///
    /// # Panics
    /// Outside the image, as slices do.
    pub fn set(&mut self, x: usize, y: usize, value: f32) {
        assert!(x < self.width, "column {x} of {}", self.width);
        self.data[y * self.width + x] = value;
    }

    /// One row.
    pub fn row(&self, y: usize) -> &[f32] {
        &self.data[y * self.width..(y + 1) * self.width]
    }

    /// The same image with every value replaced by `f(value)`.
    #[must_use]
    pub fn map(&self, f: impl FnMut(f32) -> f32) -> Self {
        Self { width: self.width, height: self.height, data: self.data.iter().copied().map(f).collect() }
    }

    /// Combines two images of one size pixel by pixel.
    ///
    /// # Panics
    /// When the sizes differ.
    #[must_use]
    pub fn zip(&self, other: &Self, mut f: impl FnMut(f32, f32) -> f32) -> Self {
        assert_eq!((self.width, self.height), (other.width, other.height), "planes of one size");
        let data = self.data.iter().zip(&other.data).map(|(&a, &b)| f(a, b)).collect();
        Self { width: self.width, height: self.height, data }
    }

    /// Left and right exchanged.
    #[must_use]
    pub fn mirrored(&self) -> Self {
        let mut data = Vec::with_capacity(self.data.len());
        for row in self.data.chunks_exact(self.width) {
            data.extend(row.iter().rev());
        }
        Self { width: self.width, height: self.height, data }
    }

    /// The part from (`left`, `top`) of at most `width` x `height` pixels; clipped to the image.
    #[must_use]
    pub fn cropped(&self, left: usize, top: usize, width: usize, height: usize) -> Self {
        let left = left.min(self.width - 1);
        let top = top.min(self.height - 1);
        let width = width.clamp(1, self.width - left);
        let height = height.clamp(1, self.height - top);
        Self::from_fn(width, height, |x, y| self.get(left + x, top + y))
    }

    /// Smallest and largest value. NaN is ignored; an image of NaN only gives (inf, -inf).
    pub fn min_max(&self) -> (f32, f32) {
        self.data.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(lo, hi), &v| (lo.min(v), hi.max(v)))
    }

    /// Arithmetic mean, accumulated in double precision.
    pub fn mean(&self) -> f64 {
        self.data.iter().map(|&v| f64::from(v)).sum::<f64>() / self.data.len() as f64
    }

    /// Value at position (`x`, `y`) in pixels (centres at .5) between the four nearest pixels; `outside` beyond.
    pub fn sample(&self, x: f32, y: f32, outside: f32) -> f32 {
        let (fx, fy) = (x - 0.5, y - 0.5);
        let (x0, y0) = (fx.floor(), fy.floor());
        let (wx, wy) = (fx - x0, fy - y0);
        let at = |x: f32, y: f32| {
            if x < 0.0 || y < 0.0 || x >= self.width as f32 || y >= self.height as f32 {
                outside
            } else {
                self.data[y as usize * self.width + x as usize]
            }
        };
        let top = at(x0, y0) * (1.0 - wx) + at(x0 + 1.0, y0) * wx;
        let bottom = at(x0, y0 + 1.0) * (1.0 - wx) + at(x0 + 1.0, y0 + 1.0) * wx;
        top * (1.0 - wy) + bottom * wy
    }
}

/// A yes-or-no image of the same layout as [`Plane`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mask {
    width: usize,
    height: usize,
    data: Vec<bool>,
}

impl Mask {
    /// A mask whose pixel in column `x` and row `y` is `inside(x, y)`. Sides of zero are taken as one.
    pub fn from_fn(width: usize, height: usize, mut inside: impl FnMut(usize, usize) -> bool) -> Self {
        let (width, height) = (width.max(1), height.max(1));
        let data = (0..width * height).map(|i| inside(i % width, i / width)).collect();
        Self { width, height, data }
    }

    /// The pixels whose centres lie in `shape`.
    pub fn from_shape(width: usize, height: usize, shape: &Shape) -> Self {
        let (left, top, right, bottom) = shape.bounds();
        Self::from_fn(width, height, |x, y| {
            let p = Point { x: x as f32 + 0.5, y: y as f32 + 0.5 };
            p.x >= left && p.x <= right && p.y >= top && p.y <= bottom && shape.contains(p)
        })
    }

    /// Columns.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows.
    pub fn height(&self) -> usize {
        self.height
    }

    /// All values, row after row.
    pub fn data(&self) -> &[bool] {
        &self.data
    }

    /// Whether the pixel in column `x`, row `y` is inside.
    pub fn get(&self, x: usize, y: usize) -> bool {
        assert!(x < self.width, "column {x} of {}", self.width);
        self.data[y * self.width + x]
    }

    /// Number of pixels inside.
    pub fn count(&self) -> usize {
        self.data.iter().filter(|&&inside| inside).count()
    }

    /// Grown by a disc of `radius` pixels.
    #[must_use]
    pub fn dilated(&self, radius: usize) -> Self {
        let r = radius as isize;
        let mut out = self.clone();
        for y in 0..self.height {
            for x in 0..self.width {
                if !self.data[y * self.width + x] {
                    continue;
                }
                for dy in -r..=r {
                    for dx in -r..=r {
                        let (nx, ny) = (x as isize + dx, y as isize + dy);
                        if dx * dx + dy * dy <= r * r
                            && (0..self.width as isize).contains(&nx)
                            && (0..self.height as isize).contains(&ny)
                        {
                            out.data[ny as usize * self.width + nx as usize] = true;
                        }
                    }
                }
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sizes_are_checked() {
        assert!(Plane::new(2, 2, vec![0.0; 4]).is_ok());
        assert_eq!(
            Plane::new(2, 2, vec![0.0; 3]).unwrap_err().to_string(),
            "2 x 2 pixels need 4 values, but there are 3"
        );
        assert!(Plane::new(0, 2, vec![]).is_err());
        assert!(Plane::new(usize::MAX, 2, vec![]).is_err());
    }

    #[test]
    fn pixel_centres_sample_exactly() {
        let plane = Plane::from_fn(3, 2, |x, y| (10 * y + x) as f32);
        assert_eq!(plane.sample(1.5, 1.5, 0.0), 11.0);
        assert_eq!(plane.sample(1.0, 0.5, 0.0), 0.5);
        assert_eq!(plane.sample(-3.0, 0.5, 7.0), 7.0);
    }

    #[test]
    fn a_dilated_point_is_a_disc() {
        let point = Mask::from_fn(5, 5, |x, y| (x, y) == (2, 2));
        assert_eq!(point.dilated(1).count(), 5);
        assert_eq!(point.dilated(2).count(), 13);
    }

    proptest! {
        #[test]
        fn mirroring_twice_changes_nothing(w in 1usize..9, h in 1usize..9, s in 0f32..9.0) {
            let plane = Plane::from_fn(w, h, |x, y| s + (x * 31 + y * 7) as f32);
            prop_assert_eq!(plane.mirrored().mirrored(), plane);
        }
    }
}
