/// Red, green and blue, 0 to 255 each, in sRGB.
pub type Rgb = [u8; 3];

/// The dark end, the middle and the light end of each arm of [`diverging`]. Both arms rise equally in lightness, so
/// that equal changes up and down look equally strong, also without colour vision (blue against orange).
const NEUTRAL: [f32; 3] = [18.0, 18.0, 20.0];
const LOWER: [[f32; 3]; 2] = [[36.0, 110.0, 200.0], [170.0, 220.0, 255.0]];
const HIGHER: [[f32; 3]; 2] = [[205.0, 85.0, 25.0], [255.0, 220.0, 150.0]];

/// The colour of a difference: black where nothing changed, through blue to pale blue for a loss of brightness, through
/// orange to pale yellow for a gain. `value` is clamped to `[-1, 1]`; NaN is neutral.
///
/// A dark centre suits pictures that hang beside mammograms: an unchanged breast stays quiet.
pub fn diverging(value: f32) -> Rgb {
    let value = if value.is_nan() { 0.0 } else { value.clamp(-1.0, 1.0) };
    let arm = if value < 0.0 { LOWER } else { HIGHER };
    let t = 2.0 * value.abs();
    let (from, to, t) = if t <= 1.0 { (NEUTRAL, arm[0], t) } else { (arm[0], arm[1], t - 1.0) };
    std::array::from_fn(|i| (from[i] + (to[i] - from[i]) * t).round() as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance by Rec. 709 weights, without gamma: enough to compare the arms.
    fn brightness(c: Rgb) -> f32 {
        0.2126 * f32::from(c[0]) + 0.7152 * f32::from(c[1]) + 0.0722 * f32::from(c[2])
    }

    #[test]
    fn both_arms_rise_together() {
        for step in 1..=20 {
            let (t, before) = (step as f32 / 20.0, (step - 1) as f32 / 20.0);
            let (low, high) = (brightness(diverging(-t)), brightness(diverging(t)));
            assert!((low - high).abs() < 22.0, "{t}: {low} {high}");
            assert!(low > brightness(diverging(-before)) && high > brightness(diverging(before)));
        }
        assert_eq!(diverging(0.0), diverging(f32::NAN));
    }
}
