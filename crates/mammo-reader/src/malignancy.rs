//! What a scanning channelised observer sees: responses to blobs of several sizes, wherever they are strongest.

use crate::filters::{Smoother, breast};
use mammo_core::Plane;

/// Features of `plane` for blobs of the given sizes, in pixels of an image 128 wide (scaled to other widths). Three a
/// size: the mean of the strongest 0.2 % of responses measured in local standard deviations, and the logarithms of
/// the mean of the strongest 1 % and of the root mean square of the plain responses.
///
/// A channel is a difference of two Gaussians (centre `0.7 s`, surround `1.6 s`), a bandpass as in Abbey and
/// Barrett, JOSA A 2001;18:473, taken inside the breast and without its skin line.
pub(crate) fn features(plane: &Plane, sizes_px_at_128: &[f32]) -> Vec<f64> {
    let region = breast(plane);
    let smoother = Smoother::new(&region);
    let unit = plane.width() as f32 / 128.0;
    let mut features = Vec::with_capacity(3 * sizes_px_at_128.len());
    for size in sizes_px_at_128.iter().map(|s| s * unit) {
        let centre = smoother.smooth(plane.data(), 0.7 * size);
        let surround = smoother.smooth(plane.data(), 1.6 * size);
        let response: Vec<f32> = centre.iter().zip(&surround).map(|(c, s)| c - s).collect();
        let squares: Vec<f32> = response.iter().map(|r| r * r).collect();
        let local = smoother.smooth(&squares, 4.0 * size);
        let inside = |i: &usize| region.data()[*i];
        let mean_square = (0..squares.len()).filter(inside).map(|i| f64::from(squares[i])).sum::<f64>()
            / region.count() as f64;
        // A floor of a quarter of the usual spread keeps flat fat from looking busy.
        let floor = mean_square as f32 / 16.0 + 1e-10;
        let mut plain: Vec<f32> = (0..response.len()).filter(inside).map(|i| response[i]).collect();
        let mut relative: Vec<f32> =
            (0..response.len()).filter(inside).map(|i| response[i] / (local[i] + floor).sqrt()).collect();
        features.push(mean_of_largest(&mut relative, 0.002));
        features.push((mean_of_largest(&mut plain, 0.01).max(0.0) + 1e-4).ln());
        features.push((mean_square.sqrt() + 1e-4).ln());
    }
    features
}

/// Mean of the given share of the values, at least four of them if there are four.
fn mean_of_largest(values: &mut [f32], share: f64) -> f64 {
    let k = ((values.len() as f64 * share) as usize).max(4).min(values.len());
    if k < values.len() {
        values.select_nth_unstable_by(k, |a, b| b.total_cmp(a));
    }
    values[..k].iter().map(|&v| f64::from(v)).sum::<f64>() / k as f64
}
