use super::{check_alpha, check_auc, check_power, in_range, phi, smallest};
use crate::{
    Interval,
    distribution::{noncentral_t, student_t},
    hanley_mcneil_published,
    mrmc::MrmcError,
};
use serde::{Deserialize, Serialize};
use statrs::function::gamma::ln_gamma;

/// How readers differ and agree.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ReaderModel {
    /// Standard deviation of the readers' true AUCs.
    pub reader_sd: f64,
    /// Correlation of two readers' AUCs over cases, in `[0, 1)`.
    pub correlation: f64,
}

impl Default for ReaderModel {
    /// A spread of .05 and a correlation of .3, in the middle of what mammography studies report.
    fn default() -> Self {
        Self { reader_sd: 0.05, correlation: 0.3 }
    }
}

/// A study of the mean AUC of random readers under one treatment, against a constant or for equivalence with it.
///
/// The variance of one reader's AUC over cases, `V`, is Hanley and McNeil's (1982) at the true AUC. Then
/// `MSR = σ² + (1 - ρ) V`, the standard error is `sqrt((MSR + J ρ V) / J)` and the degrees of freedom
/// `(J - 1) ((MSR + J ρ V) / MSR)²` (Hillis, Statistics in Medicine 2007;26:596).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MeanDesign {
    /// The true mean AUC.
    pub auc: f64,
    /// Readers, at least 2.
    pub readers: usize,
    /// Positive cases.
    pub n_pos: usize,
    /// Negative cases.
    pub n_neg: usize,
    /// How readers differ and agree.
    pub model: ReaderModel,
}

impl MeanDesign {
    /// Standard error and degrees of freedom that the study is expected to have.
    ///
    /// # Errors
    /// [`MrmcError::OutOfRange`].
    ///
    /// ```
    /// use mammo_readout::power::{MeanDesign, ReaderModel};
    /// let study = MeanDesign { auc: 0.5, readers: 3, n_pos: 200, n_neg: 200, model: ReaderModel::default() };
    /// let (se, df) = study.precision()?;
    /// assert!((se - 0.0358).abs() < 1e-3 && df > 2.0);
    /// # Ok::<(), mammo_readout::mrmc::MrmcError>(())
    /// ```
    pub fn precision(&self) -> Result<(f64, f64), MrmcError> {
        check_auc(self.auc)?;
        in_range("the number of readers", self.readers as f64, self.readers >= 2, "2 or more")?;
        let (sd, rho) = (self.model.reader_sd, self.model.correlation);
        in_range("the standard deviation between readers", sd, (0.0..=0.5).contains(&sd), "in [0, 0.5]")?;
        in_range("the correlation between readers", rho, (0.0..1.0).contains(&rho), "in [0, 1)")?;
        let smaller = self.n_pos.min(self.n_neg);
        in_range("the number of cases of a class", smaller as f64, smaller >= 2, "2 or more")?;
        let estimate = hanley_mcneil_published(self.auc, self.n_pos, self.n_neg, Interval::default());
        let out = |_| MrmcError::OutOfRange { what: "the AUC", value: self.auc, range: "inside (0, 1)" };
        let variance = estimate.map_err(out)?.se.powi(2);
        let j = self.readers as f64;
        let ms_r = sd * sd + (1.0 - rho) * variance;
        let error = ms_r + j * rho * variance;
        Ok(((error / j).sqrt(), (j - 1.0) * (error / ms_r).powi(2)))
    }

    /// Power of the two-sided t test of the mean against a constant.
    ///
    /// # Errors
    /// [`MrmcError::OutOfRange`].
    ///
    /// ```
    /// use mammo_readout::power::{MeanDesign, ReaderModel};
    ///
    /// let becker = MeanDesign { auc: 0.66, readers: 3, n_pos: 30, n_neg: 30, model: ReaderModel::default() };
    /// assert!((becker.power_against(0.5, 0.05)? - 0.63).abs() < 0.01);
    /// # Ok::<(), mammo_readout::mrmc::MrmcError>(())
    /// ```
    pub fn power_against(&self, constant: f64, alpha: f64) -> Result<f64, MrmcError> {
        check_alpha(alpha)?;
        let (se, df) = self.precision()?;
        let delta = (self.auc - constant) / se;
        let critical = student_t::quantile(1.0 - alpha / 2.0, df)?;
        Ok(noncentral_t::survival(critical, df, delta)? + noncentral_t::cdf(-critical, df, delta)?)
    }

    /// Power to show that the mean lies within `centre ± margin` by two one-sided t tests at level `alpha` each:
    /// `P(|D| < margin - t S)` with `D` normal and the standard error `S` scaled by an independent chi (Phillips, Journal
    /// of Pharmacokinetics and Biopharmaceutics 1990;18:137), by Simpson's rule over chi.
    ///
    /// # Errors
    /// [`MrmcError::OutOfRange`].
    ///
    /// ```
    /// use mammo_readout::power::{MeanDesign, ReaderModel};
    /// let study = MeanDesign { auc: 0.5, readers: 3, n_pos: 200, n_neg: 200, model: ReaderModel::default() };
    /// // Three readers cannot show that they are fooled, with any number of images.
    /// assert!((study.equivalence_power(0.5, 0.1, 0.05)? - 0.48).abs() < 0.01);
    /// # Ok::<(), mammo_readout::mrmc::MrmcError>(())
    /// ```
    pub fn equivalence_power(&self, centre: f64, margin: f64, alpha: f64) -> Result<f64, MrmcError> {
        let (se, df, critical) = self.equivalence_setting(margin, alpha)?;
        let offset = (self.auc - centre) / se;
        let width = margin / se;
        // Beyond this share of the expected standard error the region of rejection is empty.
        let end = (width / critical).min(1.0 + 40.0 / (2.0 * df).sqrt());
        let log_front = std::f64::consts::LN_2 + df / 2.0 * (df / 2.0).ln() - ln_gamma(df / 2.0);
        let integrand = |s: f64| {
            if s <= 0.0 {
                return 0.0;
            }
            let density = (log_front + (df - 1.0) * s.ln() - df * s * s / 2.0).exp();
            let half = width - critical * s;
            density * (phi(half - offset) - phi(-half - offset)).max(0.0)
        };
        const PANELS: u32 = 4000;
        let step = end / f64::from(PANELS);
        let sum: f64 = (0..=PANELS)
            .map(|i| {
                let weight = if i == 0 || i == PANELS { 1.0 } else { f64::from(2 + 2 * (i % 2)) };
                weight * integrand(f64::from(i) * step)
            })
            .sum();
        Ok((sum * step / 3.0).clamp(0.0, 1.0))
    }

    /// As [`MeanDesign::equivalence_power`] with the standard error taken as known: `Φ(w - o - t) - Φ(-w - o + t)`. It is
    /// what simple planning tables hold, and is off with few readers, whose standard error varies.
    ///
    /// # Errors
    /// [`MrmcError::OutOfRange`].
    ///
    /// ```
    /// use mammo_readout::power::{MeanDesign, ReaderModel};
    /// let study = MeanDesign { auc: 0.5, readers: 3, n_pos: 200, n_neg: 200, model: ReaderModel::default() };
    /// // It ignores that the standard error comes from three readers, and is too low here.
    /// assert!((study.equivalence_power_plug_in(0.5, 0.1, 0.05)? - 0.36).abs() < 0.01);
    /// # Ok::<(), mammo_readout::mrmc::MrmcError>(())
    /// ```
    pub fn equivalence_power_plug_in(&self, centre: f64, margin: f64, alpha: f64) -> Result<f64, MrmcError> {
        let (se, _, critical) = self.equivalence_setting(margin, alpha)?;
        let (offset, half) = ((self.auc - centre) / se, margin / se - critical);
        Ok((phi(half - offset) - phi(-half - offset)).max(0.0))
    }

    fn equivalence_setting(&self, margin: f64, alpha: f64) -> Result<(f64, f64, f64), MrmcError> {
        check_alpha(alpha)?;
        in_range("the margin", margin, margin > 0.0 && margin < 1.0, "inside (0, 1)")?;
        let (se, df) = self.precision()?;
        Ok((se, df, student_t::quantile(1.0 - alpha, df)?))
    }

    /// Cases of each class, as many positive as negative, for a power of equivalence; none when the readers alone keep it
    /// out of reach.
    ///
    /// # Errors
    /// [`MrmcError::OutOfRange`].
    ///
    /// ```
    /// use mammo_readout::power::{MeanDesign, ReaderModel};
    /// let study = MeanDesign { auc: 0.5, readers: 3, n_pos: 200, n_neg: 200, model: ReaderModel::default() };
    /// assert_eq!(study.cases_for_equivalence(0.8, 0.5, 0.1, 0.05)?, None);
    /// let more = MeanDesign { readers: 10, ..study };
    /// assert!(more.cases_for_equivalence(0.8, 0.5, 0.1, 0.05)?.unwrap() < 100);
    /// # Ok::<(), mammo_readout::mrmc::MrmcError>(())
    /// ```
    pub fn cases_for_equivalence(
        self,
        power: f64,
        centre: f64,
        margin: f64,
        alpha: f64,
    ) -> Result<Option<usize>, MrmcError> {
        check_power(power)?;
        // A study without case noise cannot do better.
        let most = Self { n_pos: 1_000_000, n_neg: 1_000_000, ..self };
        if most.equivalence_power(centre, margin, alpha)? < power {
            return Ok(None);
        }
        smallest(2, |n| {
            let design = Self { n_pos: n, n_neg: n, ..self };
            Ok(design.equivalence_power(centre, margin, alpha)? >= power)
        })
    }
}
