use crate::difference::mean_where;
use mammo_core::{Mask, Plane};

/// Least width of the ring around a lesion, in pixels.
const MIN_RING_PX: usize = 2;

/// The width in pixels of the ring that a lesion is compared with: half the radius of the disc of the lesion's area, and
/// at least 2. Narrow enough to stay in similar tissue, wide enough to outgrow a soft rim.
pub fn ring_width_px(lesion: &Mask) -> usize {
    let radius = (lesion.count() as f64 / std::f64::consts::PI).sqrt();
    ((radius / 2.0).round() as usize).max(MIN_RING_PX)
}

/// How much brighter a lesion is than its surroundings: the mean inside the lesion minus the mean in the ring around it
/// ([`ring_width_px`]), both within the breast, in units of the plane.
///
/// `None` when the sizes differ, or when no pixel of the lesion or of the ring lies in the breast.
pub fn lesion_contrast(plane: &Plane, lesion: &Mask, breast: &Mask) -> Option<f64> {
    let size = (plane.width(), plane.height());
    if (lesion.width(), lesion.height()) != size || (breast.width(), breast.height()) != size {
        return None;
    }
    let grown = lesion.dilated(ring_width_px(lesion));
    let inside = Mask::from_fn(size.0, size.1, |x, y| lesion.get(x, y) && breast.get(x, y));
    let ring = Mask::from_fn(size.0, size.1, |x, y| grown.get(x, y) && !lesion.get(x, y) && breast.get(x, y));
    let mean = |mask: &Mask| mean_where(mask, plane.data().iter().map(|&v| f64::from(v)));
    Some(mean(&inside)? - mean(&ring)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use mammo_core::{Point, Shape};

    fn disc(radius: f32) -> Mask {
        Mask::from_shape(40, 40, &Shape::Circle { center: Point { x: 20.0, y: 20.0 }, radius })
    }

    fn everywhere() -> Mask {
        Mask::from_fn(40, 40, |_, _| true)
    }

    #[test]
    fn the_step_at_the_rim_is_the_contrast() {
        let lesion = disc(6.0);
        let plane = Plane::from_fn(40, 40, |x, y| if lesion.get(x, y) { 0.75 } else { 0.5 });
        assert!((lesion_contrast(&plane, &lesion, &everywhere()).unwrap() - 0.25).abs() < 1e-6);
        assert_eq!(ring_width_px(&lesion), 3);
    }

    #[test]
    fn a_linear_gradient_has_no_contrast() {
        let plane = Plane::from_fn(40, 40, |x, y| 0.01 * x as f32 + 0.005 * y as f32);
        assert!(lesion_contrast(&plane, &disc(5.0), &everywhere()).unwrap().abs() < 1e-6);
    }

    #[test]
    fn the_air_beside_a_lesion_does_not_count() {
        let lesion = disc(6.0);
        let breast = Mask::from_fn(40, 40, |x, _| x < 24);
        let plane = Plane::from_fn(40, 40, |x, y| match (x < 24, lesion.get(x, y)) {
            (false, _) => 0.0,
            (true, true) => 0.6,
            (true, false) => 0.5,
        });
        assert!((lesion_contrast(&plane, &lesion, &breast).unwrap() - 0.1).abs() < 1e-6);
        assert_eq!(lesion_contrast(&plane, &lesion, &Mask::from_fn(40, 40, |_, _| false)), None);
        assert_eq!(lesion_contrast(&plane, &Mask::from_fn(40, 40, |_, _| false), &breast), None);
        assert_eq!(lesion_contrast(&plane, &lesion, &Mask::from_fn(4, 4, |_, _| true)), None);
    }
}
