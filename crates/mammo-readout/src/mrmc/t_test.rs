use super::MrmcError;
use crate::{distribution::student_t, interval::logistic};
use serde::{Deserialize, Serialize};

/// An estimate with its standard error and degrees of freedom, and the test and interval that follow.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TTest {
    /// The estimate: a mean figure of merit or a difference.
    pub estimate: f64,
    /// Its standard error.
    pub se: f64,
    /// Degrees of freedom; `None` is the normal limit.
    pub df: Option<f64>,
    /// The value under the null hypothesis.
    pub null: f64,
    /// `(estimate - null) / se`; `None` when the standard error is zero, and then there is no test.
    pub t: Option<f64>,
    /// Two-sided p-value of `t`.
    pub p: Option<f64>,
    /// Lower confidence limit, `estimate - t_quantile se`. NaN (`null` in JSON) when the standard error is zero: an
    /// estimate without an error has no interval.
    #[serde(deserialize_with = "null_as_nan")]
    pub ci_low: f64,
    /// Upper confidence limit; NaN likewise.
    #[serde(deserialize_with = "null_as_nan")]
    pub ci_high: f64,
    /// Two-sided coverage of the limits.
    pub level: f64,
}

impl TTest {
    /// Tests an estimate against `null`; `df` of infinity gives the normal test.
    ///
    /// # Errors
    /// [`MrmcError::OutOfRange`] for a level outside `(0, 1)`; [`MrmcError::Distribution`] for degrees of freedom that
    /// are not above zero.
    ///
    /// ```
    /// use mammo_readout::mrmc::TTest;
    ///
    /// let test = TTest::new(-0.04380032, 0.02074862, 15.2597, 0.0, 0.95)?;
    /// assert!((test.p.unwrap() - 0.0517).abs() < 1e-4);
    /// assert!((test.ci_high - 0.00036).abs() < 1e-5);
    /// # Ok::<(), mammo_readout::mrmc::MrmcError>(())
    /// ```
    pub fn new(estimate: f64, se: f64, df: f64, null: f64, level: f64) -> Result<Self, MrmcError> {
        check_level(level)?;
        let (t, p, half) = if se > 0.0 {
            let t = (estimate - null) / se;
            let half = student_t::quantile(0.5 + level / 2.0, df)? * se;
            (Some(t), Some(student_t::two_sided_p(t, df)?), half)
        } else {
            (None, None, f64::NAN)
        };
        let df = df.is_finite().then_some(df);
        Ok(Self { estimate, se, df, null, t, p, ci_low: estimate - half, ci_high: estimate + half, level })
    }

    /// Confidence limits that are symmetric in `ln(x / (1 - x))` and so stay inside (0, 1), for a mean that is a share: limits
    /// `logit(estimate) ± t_quantile se / (estimate (1 - estimate))`. Near 0 and 1 they keep their coverage where the plain
    /// limits fall short. None outside (0, 1) or without a standard error.
    ///
    /// ```
    /// use mammo_readout::mrmc::TTest;
    ///
    /// let (low, high) = TTest::new(0.95, 0.03, 4.0, 0.5, 0.95)?.logit_limits().unwrap();
    /// assert!(low < 0.87 && high < 1.0);
    /// # Ok::<(), mammo_readout::mrmc::MrmcError>(())
    /// ```
    pub fn logit_limits(&self) -> Option<(f64, f64)> {
        let x = self.estimate;
        if !(x > 0.0 && x < 1.0) || self.se <= 0.0 {
            return None;
        }
        let half = (self.ci_high - self.ci_low) / 2.0 / (x * (1.0 - x));
        let logit = (x / (1.0 - x)).ln();
        Some((logistic(logit - half), logistic(logit + half)))
    }

    fn df(&self) -> f64 {
        self.df.unwrap_or(f64::INFINITY)
    }

    /// The one-sided p-value that the estimate lies above `bound`; `None` when the standard error is zero.
    ///
    /// # Errors
    /// [`MrmcError::Distribution`], which the constructor would have met already.
    ///
    /// ```
    /// use mammo_readout::mrmc::TTest;
    /// let test = TTest::new(0.6, 0.05, f64::INFINITY, 0.5, 0.95)?;
    /// assert!((test.p_above(0.5)?.unwrap() - 0.02275).abs() < 1e-5);
    /// # Ok::<(), mammo_readout::mrmc::MrmcError>(())
    /// ```
    pub fn p_above(&self, bound: f64) -> Result<Option<f64>, MrmcError> {
        if self.se <= 0.0 {
            return Ok(None);
        }
        Ok(Some(student_t::cdf((bound - self.estimate) / self.se, self.df())?))
    }

    /// One-sided p-value of non-inferiority: the null hypothesis is that the estimate is `null - margin` or less.
    ///
    /// # Errors
    /// [`MrmcError::OutOfRange`] when `margin` is not positive.
    ///
    /// ```
    /// use mammo_readout::mrmc::TTest;
    /// let difference = TTest::new(-0.01, 0.02, 10.0, 0.0, 0.95)?;
    /// assert!(difference.non_inferiority_p(0.06)?.unwrap() < 0.05);
    /// # Ok::<(), mammo_readout::mrmc::MrmcError>(())
    /// ```
    pub fn non_inferiority_p(&self, margin: f64) -> Result<Option<f64>, MrmcError> {
        check_margin(margin)?;
        self.p_above(self.null - margin)
    }

    /// P-value of equivalence within `null ± margin` by two one-sided tests (Schuirmann, Journal of Pharmacokinetics and
    /// Biopharmaceutics 1987;15:657): the larger of the two.
    ///
    /// # Errors
    /// [`MrmcError::OutOfRange`] when `margin` is not positive.
    ///
    /// ```
    /// use mammo_readout::mrmc::TTest;
    /// let detection = TTest::new(0.51, 0.06, 4.0, 0.5, 0.95)?;
    /// // Too wide to say that the mean is within .1 of chance.
    /// assert!(detection.equivalence_p(0.1)?.unwrap() > 0.05);
    /// # Ok::<(), mammo_readout::mrmc::MrmcError>(())
    /// ```
    pub fn equivalence_p(&self, margin: f64) -> Result<Option<f64>, MrmcError> {
        check_margin(margin)?;
        let above = self.p_above(self.null - margin)?;
        let below = self.p_above(self.null + margin)?.map(|p| 1.0 - p);
        Ok(above.zip(below).map(|(a, b)| a.max(b)))
    }
}

/// JSON has no NaN and writes null.
pub(super) fn null_as_nan<'de, D: serde::Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    Ok(Option::<f64>::deserialize(from)?.unwrap_or(f64::NAN))
}

pub(super) fn check_level(level: f64) -> Result<(), MrmcError> {
    if level > 0.0 && level < 1.0 {
        Ok(())
    } else {
        let what = "the confidence level";
        Err(MrmcError::OutOfRange { what, value: level, range: "inside (0, 1)" })
    }
}

fn check_margin(margin: f64) -> Result<(), MrmcError> {
    if margin > 0.0 && margin.is_finite() {
        Ok(())
    } else {
        Err(MrmcError::OutOfRange { what: "the margin", value: margin, range: "above 0" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equivalence_agrees_with_the_shorter_interval() {
        // TOST at 5 % and the 90 % interval inside the margin are the same statement.
        for (estimate, se) in [(0.01, 0.04), (0.05, 0.03), (-0.08, 0.02), (0.0, 0.07)] {
            let test = TTest::new(estimate, se, 7.3, 0.0, 0.90).unwrap();
            let inside = test.ci_low > -0.1 && test.ci_high < 0.1;
            assert_eq!(test.equivalence_p(0.1).unwrap().unwrap() < 0.05, inside, "{estimate} {se}");
        }
    }

    #[test]
    fn no_standard_error_gives_no_test() {
        let test = TTest::new(0.2, 0.0, 3.0, 0.0, 0.95).unwrap();
        assert_eq!((test.t, test.p, test.equivalence_p(0.1).unwrap()), (None, None, None));
        assert!(test.ci_low.is_nan() && test.ci_high.is_nan());
        let text = serde_json::to_string(&test).unwrap();
        assert!(text.contains("\"ci_low\":null"));
        assert!(serde_json::from_str::<TTest>(&text).unwrap().ci_low.is_nan());
        assert!(TTest::new(0.2, 0.1, 3.0, 0.0, 1.0).is_err());
        assert!(test.equivalence_p(0.0).is_err());
    }
}
