use super::cell::Cell;
use super::fom::{FigureOfMerit, curve};
use super::{Flag, MrmcError, Study, covariance};
use crate::{BinormalFit, Interval, binormal};
use rayon::prelude::*;

/// Area under the binormal curve that fits the ratings best, and whether it is a limit.
///
/// Where the likelihood has no maximum it may still have a limit that goes through all operating points: as the slope
/// goes to zero the curve rises along the left edge to a height `t`, runs level, and rises along the right edge, which
/// fits if every point between the edges has a true positive rate of `t`; its area is `t`. As the slope grows without bound the
/// same holds turned: every point between the lower and the upper edge has one false positive rate `f`, and the area is
/// `1 - f`. Points on the left and upper edges are both, with an area of 1. NaN where there is neither a maximum nor one limit.
pub(super) fn binormal_area(negative: &[f64], positive: &[f64]) -> (f64, bool) {
    let ratings: Vec<f64> = negative.iter().chain(positive).copied().collect();
    let truth: Vec<bool> = (0..ratings.len()).map(|i| i >= negative.len()).collect();
    match binormal(&ratings, &truth, Interval::default()) {
        Ok(BinormalFit::Fitted(fit)) => (fit.estimate.auc, false),
        Ok(BinormalFit::Degenerate(_)) => (limit(&curve(negative, positive)), true),
        Err(_) => (f64::NAN, true),
    }
}

fn limit(points: &[(f64, f64)]) -> f64 {
    let inside = |v: f64| v > 0.0 && v < 1.0;
    // The one value of a coordinate among points whose other coordinate is inside; None where several differ.
    let one = |values: Vec<f64>| match values.split_first() {
        Some((first, rest)) if rest.iter().all(|v| v == first) => Some(*first),
        _ => None,
    };
    let level = one(points.iter().filter(|p| inside(p.0)).map(|p| p.1).collect());
    let upright = one(points.iter().filter(|p| inside(p.1)).map(|p| p.0).collect());
    match (level, upright) {
        (Some(t), None) => t,
        (None, Some(f)) => 1.0 - f,
        (Some(t), Some(f)) if t == 1.0 - f => t,
        // All points in corners: the classes are apart.
        (None, None) if points.iter().all(|p| !inside(p.0) && !inside(p.1)) => {
            f64::from(u8::from(points.contains(&(0.0, 1.0))))
        }
        _ => f64::NAN,
    }
}

/// Flags of cells whose fit is a limit, whole or without one of the cases.
///
/// # Errors
/// [`MrmcError::NoBinormalFit`] for a cell with neither a fit nor a limit.
pub(super) fn check_fits(
    study: &Study,
    cells: &[Vec<Cell>],
    fom: FigureOfMerit,
) -> Result<Vec<Flag>, MrmcError> {
    if fom != FigureOfMerit::BinormalAuc {
        return Ok(Vec::new());
    }
    let flat: Vec<(usize, usize, &Cell)> = cells
        .iter()
        .enumerate()
        .flat_map(|(t, row)| row.iter().enumerate().map(move |(r, cell)| (t, r, cell)))
        .collect();
    /// Treatment, reader, the area, and the areas without each case.
    type Found = (usize, usize, (f64, bool), Vec<(f64, bool)>);
    let found: Vec<Found> = flat
        .into_par_iter()
        .map(|(t, r, cell)| {
            let whole =
                binormal_area(&covariance::ratings(&cell.negative), &covariance::ratings(&cell.positive));
            (t, r, whole, covariance::leave_one_out_by(cell, binormal_area, whole))
        })
        .collect();
    let mut flags = Vec::new();
    for (t, r, whole, left) in found {
        let (reader, treatment) = (study.readers()[r].clone(), study.treatments()[t].clone());
        if whole.0.is_nan() || left.iter().any(|(area, _)| area.is_nan()) {
            return Err(MrmcError::NoBinormalFit { reader, treatment });
        }
        let without_a_case = left.iter().filter(|(_, limit)| *limit).count();
        if whole.1 || without_a_case > 0 {
            flags.push(Flag::LimitOfFits {
                reader,
                treatment,
                area: whole.0,
                whole: whole.1,
                without_a_case,
            });
        }
    }
    Ok(flags)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_areas_under_the_edges() {
        for (points, area) in [
            // One point between the edges, level with one on the left.
            (vec![(0.0, 0.5), (0.2, 0.8), (0.7, 0.8), (1.0, 0.9)], 0.8),
            (vec![(0.3, 0.1), (0.3, 0.9), (0.8, 1.0)], 0.7),
            (vec![(0.0, 0.9), (0.1, 1.0), (1.0, 1.0)], 1.0),
            (vec![(0.4, 0.0), (1.0, 0.3), (1.0, 1.0)], 0.0),
            (vec![(0.0, 1.0), (1.0, 1.0)], 1.0),
            (vec![(1.0, 0.0), (1.0, 1.0)], 0.0),
        ] {
            assert!((limit(&points) - area).abs() < 1e-12, "{points:?}: {}", limit(&points));
        }
        // One point inside lets both edges through; two points inside neither.
        assert!(limit(&[(0.2, 0.7), (1.0, 1.0)]).is_nan());
        assert!(limit(&[(0.2, 0.7), (0.4, 0.9), (1.0, 1.0)]).is_nan());
    }

    #[test]
    fn a_fit_is_no_limit() {
        let (neg, pos) = ([1.0, 1.0, 2.0, 2.0, 3.0, 4.0], [2.0, 3.0, 3.0, 4.0, 5.0, 5.0]);
        let (area, limit) = binormal_area(&neg, &pos);
        assert!(!limit && area > 0.7 && area < 1.0);
    }
}
