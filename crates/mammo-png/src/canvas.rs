use crate::{Mark, PngError, Rgb, color::diverging, encode_rgb, font};
use mammo_core::{Plane, Point, Shape};

/// A colour picture to draw on: planes, difference maps, outlines and short labels.
///
/// Positions count pixels from the top left corner; whatever lies outside the picture is cut off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Canvas {
    width: usize,
    height: usize,
    rgb: Vec<u8>,
}

impl Canvas {
    /// A picture of one colour. Sides of zero are taken as one.
    pub fn new(width: usize, height: usize, background: Rgb) -> Self {
        let (width, height) = (width.max(1), height.max(1));
        Self { width, height, rgb: background.repeat(width * height) }
    }

    /// Columns.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows.
    pub fn height(&self) -> usize {
        self.height
    }

    /// The colours, three bytes a pixel, row after row.
    pub fn rgb(&self) -> &[u8] {
        &self.rgb
    }

    /// The colour in column `x`, row `y`, or `None` outside.
    pub fn get(&self, x: usize, y: usize) -> Option<Rgb> {
        let i = 3 * (y * self.width + x);
        (x < self.width && y < self.height).then(|| [self.rgb[i], self.rgb[i + 1], self.rgb[i + 2]])
    }

    /// Encodes the picture as a marked PNG.
    ///
    /// # Errors
    /// As [`encode_rgb`].
    pub fn encode(&self, mark: &Mark) -> Result<Vec<u8>, PngError> {
        encode_rgb(self.width, self.height, &self.rgb, mark)
    }

    /// Fills a rectangle.
    pub fn fill(&mut self, left: usize, top: usize, width: usize, height: usize, color: Rgb) {
        for y in top..top.saturating_add(height).min(self.height) {
            for x in left..left.saturating_add(width).min(self.width) {
                self.set(x, y, color);
            }
        }
    }

    /// Draws a plane of values in `[0, 1]` in grey, each value as `zoom` x `zoom` pixels (no smoothing, so that pixel
    /// grids stay visible).
    pub fn draw_gray(&mut self, left: usize, top: usize, plane: &Plane, zoom: usize) {
        self.draw_with(left, top, plane, zoom, |v| [(v.clamp(0.0, 1.0) * 255.0).round() as u8; 3]);
    }

    /// Draws a difference in the colours of [`diverging`]; `limit` (positive) is the difference that gets the
    /// strongest colour.
    pub fn draw_difference(&mut self, left: usize, top: usize, plane: &Plane, limit: f32, zoom: usize) {
        let limit = if limit > 0.0 { limit } else { 1.0 };
        self.draw_with(left, top, plane, zoom, |v| diverging(v / limit));
    }

    fn draw_with(&mut self, left: usize, top: usize, plane: &Plane, zoom: usize, color: impl Fn(f32) -> Rgb) {
        let zoom = zoom.max(1);
        for y in 0..plane.height() {
            for (x, &value) in plane.row(y).iter().enumerate() {
                self.fill(left + x * zoom, top + y * zoom, zoom, zoom, color(value));
            }
        }
    }

    /// Outlines a region whose coordinates are those of a plane drawn at (`left`, `top`) with the same `zoom`: a line
    /// of `thickness` canvas pixels with smooth edges. Circles and polygons of fewer than two points draw what they
    /// can.
    pub fn draw_outline(
        &mut self,
        (left, top): (usize, usize),
        zoom: usize,
        shape: &Shape,
        thickness: f32,
        color: Rgb,
    ) {
        let zoom = zoom.max(1) as f32;
        let (left, top) = (left as f32, top as f32);
        let to_canvas = |p: Point| Point { x: left + p.x * zoom, y: top + p.y * zoom };
        let shape = shape.transformed(zoom, to_canvas);
        let margin = thickness / 2.0 + 1.0;
        let (x0, y0, x1, y1) = shape.bounds();
        let clip = |v: f32, end: usize| (v.max(0.0) as usize).min(end);
        for y in clip(y0 - margin, self.height)..clip(y1 + margin + 1.0, self.height) {
            for x in clip(x0 - margin, self.width)..clip(x1 + margin + 1.0, self.width) {
                let p = Point { x: x as f32 + 0.5, y: y as f32 + 0.5 };
                // A pixel is covered by the part of it that lies within half the thickness of the line.
                let coverage = (thickness / 2.0 + 0.5 - distance_to_outline(&shape, p)).clamp(0.0, 1.0);
                if coverage > 0.0 {
                    self.blend(x, y, color, coverage);
                }
            }
        }
    }

    /// Writes one line of text in a 5 x 7 pixel face times `scale`. Lower case is written as capitals; characters that
    /// the face lacks appear as a small block.
    pub fn draw_text(&mut self, left: usize, top: usize, text: &str, scale: usize, color: Rgb) {
        let scale = scale.max(1);
        for (i, c) in text.chars().enumerate() {
            let start = left + i * font::ADVANCE * scale;
            for (row, bits) in font::glyph(c).into_iter().enumerate() {
                for column in (0..font::WIDTH).filter(|column| bits >> (font::WIDTH - 1 - column) & 1 == 1) {
                    self.fill(start + column * scale, top + row * scale, scale, scale, color);
                }
            }
        }
    }

    /// Columns that [`Canvas::draw_text`] needs for `text`.
    pub fn text_width(text: &str, scale: usize) -> usize {
        text.chars().count() * font::ADVANCE * scale.max(1)
    }

    /// Rows that [`Canvas::draw_text`] needs.
    pub fn text_height(scale: usize) -> usize {
        font::HEIGHT * scale.max(1)
    }

    fn set(&mut self, x: usize, y: usize, color: Rgb) {
        let i = 3 * (y * self.width + x);
        self.rgb[i..i + 3].copy_from_slice(&color);
    }

    fn blend(&mut self, x: usize, y: usize, color: Rgb, share: f32) {
        let i = 3 * (y * self.width + x);
        for (old, new) in self.rgb[i..i + 3].iter_mut().zip(color) {
            *old = (f32::from(*old) * (1.0 - share) + f32::from(new) * share).round() as u8;
        }
    }
}

/// Distance of a point from the line that bounds the shape, in pixels.
fn distance_to_outline(shape: &Shape, p: Point) -> f32 {
    match shape {
        Shape::Circle { center, radius } => ((p.x - center.x).hypot(p.y - center.y) - radius).abs(),
        Shape::Polygon { points } => points
            .iter()
            .zip(points.iter().cycle().skip(1))
            .map(|(&a, &b)| distance_to_segment(p, a, b))
            .fold(f32::INFINITY, f32::min),
    }
}

fn distance_to_segment(p: Point, a: Point, b: Point) -> f32 {
    let (dx, dy) = (b.x - a.x, b.y - a.y);
    let length_squared = dx * dx + dy * dy;
    let t = if length_squared > 0.0 {
        (((p.x - a.x) * dx + (p.y - a.y) * dy) / length_squared).clamp(0.0, 1.0)
    } else {
        0.0
    };
    (p.x - a.x - t * dx).hypot(p.y - a.y - t * dy)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLACK: Rgb = [0; 3];
    const WHITE: Rgb = [255; 3];

    fn lit(canvas: &Canvas) -> usize {
        canvas.rgb().chunks_exact(3).filter(|c| c[0] > 0).count()
    }

    #[test]
    fn zoomed_planes_repeat_pixels_and_are_cut_at_the_edge() {
        let plane = Plane::new(2, 1, vec![0.0, 1.0]).unwrap();
        let mut canvas = Canvas::new(5, 3, [9, 9, 9]);
        canvas.draw_gray(1, 1, &plane, 3);
        assert_eq!(canvas.get(1, 1), Some(BLACK));
        assert_eq!(canvas.get(4, 2), Some(WHITE));
        assert_eq!(canvas.get(0, 0), Some([9, 9, 9]));
        assert_eq!(canvas.get(5, 0), None);
    }

    #[test]
    fn a_circle_is_a_ring_of_its_circumference() {
        let mut canvas = Canvas::new(41, 41, BLACK);
        let circle = Shape::Circle { center: Point { x: 20.5, y: 20.5 }, radius: 15.0 };
        canvas.draw_outline((0, 0), 1, &circle, 1.0, WHITE);
        assert_eq!(canvas.get(20, 20), Some(BLACK));
        assert!(canvas.get(35, 20).unwrap()[0] > 200);
        let total: f64 = canvas.rgb().chunks_exact(3).map(|c| f64::from(c[0]) / 255.0).sum();
        assert!((total - std::f64::consts::TAU * 15.0).abs() < 3.0, "{total}");
    }

    #[test]
    fn outlines_follow_their_zoomed_plane() {
        let square = Shape::Polygon {
            points: [(1.0, 1.0), (3.0, 1.0), (3.0, 3.0), (1.0, 3.0)].map(|(x, y)| Point { x, y }).to_vec(),
        };
        let mut canvas = Canvas::new(40, 40, BLACK);
        canvas.draw_outline((4, 2), 10, &square, 2.0, WHITE);
        assert_eq!(canvas.get(14, 22), Some(WHITE));
        assert_eq!(canvas.get(24, 22), Some(BLACK));
        // Off the picture and without points: nothing happens.
        let before = canvas.clone();
        canvas.draw_outline((400, 400), 10, &square, 2.0, WHITE);
        canvas.draw_outline((0, 0), 1, &Shape::Polygon { points: vec![] }, 2.0, WHITE);
        assert_eq!(canvas, before);
    }

    #[test]
    fn text_fits_the_width_it_promises() {
        let mut canvas = Canvas::new(200, 20, BLACK);
        canvas.draw_text(0, 0, "Fake B 0.5", 2, WHITE);
        assert!(lit(&canvas) > 100);
        let end = Canvas::text_width("Fake B 0.5", 2);
        for y in 0..20 {
            for x in end..200 {
                assert_eq!(canvas.get(x, y), Some(BLACK));
            }
        }
    }
}
