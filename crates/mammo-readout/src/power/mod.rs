//! Power and sample size of ROC studies: one curve, two paired curves, several readers; by formula and by simulation.
//!
//! ```
//! use mammo_readout::power::{BinormalVariance, SingleRoc};
//!
//! // One reader, AUC .66 against chance, two-sided 5 %: power at 30 + 30 cases, and cases for 80 %.
//! let design = SingleRoc { auc: 0.66, alpha: 0.05, two_sided: true, variance: BinormalVariance::Exact };
//! assert!((design.power(30.0, 30.0)? - 0.598).abs() < 1e-3);
//! assert_eq!(design.positives_for(0.8, 1.0)?.ceil(), 48.0);
//! # Ok::<(), mammo_readout::mrmc::MrmcError>(())
//! ```

mod mean;
mod mrmc;
mod paired;
mod roe_metz;
mod simulation;
mod single;

pub use mean::{MeanDesign, ReaderModel};
pub use mrmc::{DfRule, MrmcPower, OrVariances, Sampling};
pub use paired::PairedRoc;
pub use roe_metz::RoeMetz;
pub use simulation::{SimulatedDesign, SimulatedPower, SimulatedTest, simulate};
pub use single::{BinormalVariance, SingleRoc};

use crate::mrmc::MrmcError;

pub(crate) fn in_range(
    what: &'static str,
    value: f64,
    ok: bool,
    range: &'static str,
) -> Result<(), MrmcError> {
    if ok { Ok(()) } else { Err(MrmcError::OutOfRange { what, value, range }) }
}

pub(crate) fn check_alpha(alpha: f64) -> Result<(), MrmcError> {
    in_range("the significance level", alpha, alpha > 0.0 && alpha < 1.0, "inside (0, 1)")
}

pub(crate) fn check_auc(auc: f64) -> Result<(), MrmcError> {
    in_range("the AUC", auc, auc > 0.0 && auc < 1.0, "inside (0, 1)")
}

pub(crate) fn check_power(power: f64) -> Result<(), MrmcError> {
    in_range("the power", power, power > 0.0 && power < 1.0, "inside (0, 1)")
}

/// The standard normal distribution function.
pub(crate) fn phi(z: f64) -> f64 {
    0.5 * libm::erfc(-z / std::f64::consts::SQRT_2)
}

/// The normal critical value of a test.
pub(crate) fn critical(alpha: f64, two_sided: bool) -> f64 {
    crate::normal::quantile(1.0 - if two_sided { alpha / 2.0 } else { alpha })
}

/// The smallest whole number from `from` on at which a rising condition holds, at most ten million.
pub(crate) fn smallest(
    from: usize,
    mut reached: impl FnMut(usize) -> Result<bool, MrmcError>,
) -> Result<Option<usize>, MrmcError> {
    const LIMIT: usize = 10_000_000;
    let (mut low, mut high) = (from, from);
    while !reached(high)? {
        if high >= LIMIT {
            return Ok(None);
        }
        low = high + 1;
        high = (2 * high).min(LIMIT);
    }
    while low < high {
        let middle = usize::midpoint(low, high);
        if reached(middle)? {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    Ok(Some(low))
}
