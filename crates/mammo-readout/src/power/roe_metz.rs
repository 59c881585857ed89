use super::{check_auc, in_range};
use crate::{
    mrmc::{Case, MrmcError, Study},
    normal,
};
use rand::Rng;
use rand_distr::StandardNormal;
use serde::{Deserialize, Serialize};

/// Roe and Metz' model of decision variables (Academic Radiology 1997;4:298): for treatment `i`, reader `j`, case `k`
/// and truth `t`
///
/// ```text
/// X = μ_i [t = 1] + R_jt + C_kt + (TR)_ijt + (TC)_ikt + (RC)_jkt + E_ijkt
/// ```
///
/// with independent normal effects of the variances given. The population AUC of treatment `i` is
/// `Φ(μ_i / sqrt(2 V))` with `V` the sum of all six.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RoeMetz {
    /// Variance of readers.
    pub var_r: f64,
    /// Variance of readers by treatments.
    pub var_tr: f64,
    /// Variance of cases.
    pub var_c: f64,
    /// Variance of cases by treatments.
    pub var_tc: f64,
    /// Variance of readers by cases.
    pub var_rc: f64,
    /// Variance of all three with the error.
    pub var_error: f64,
}

impl RoeMetz {
    /// High correlation between readings of a case: .3, .3, .2 and .2 for cases, treatments by cases, readers by cases and
    /// error; `var_r` for readers and for readers by treatments.
    ///
    /// ```
    /// use mammo_readout::power::RoeMetz;
    /// assert_eq!(RoeMetz::high_correlation(0.03).var_c, 0.3);
    /// ```
    pub fn high_correlation(var_r: f64) -> Self {
        Self { var_r, var_tr: var_r, var_c: 0.3, var_tc: 0.3, var_rc: 0.2, var_error: 0.2 }
    }

    /// Low correlation: .1, .1, .2 and .6.
    ///
    /// ```
    /// use mammo_readout::power::RoeMetz;
    /// assert_eq!(RoeMetz::low_correlation(0.03).var_error, 0.6);
    /// ```
    pub fn low_correlation(var_r: f64) -> Self {
        Self { var_r, var_tr: var_r, var_c: 0.1, var_tc: 0.1, var_rc: 0.2, var_error: 0.6 }
    }

    fn total(&self) -> f64 {
        self.var_r + self.var_tr + self.var_c + self.var_tc + self.var_rc + self.var_error
    }

    /// The mean of positive cases that gives a population AUC.
    ///
    /// # Errors
    /// [`MrmcError::OutOfRange`] for an AUC outside `(0, 1)` or variances that are negative or all zero.
    ///
    /// ```
    /// use mammo_readout::power::RoeMetz;
    /// assert_eq!(RoeMetz::high_correlation(0.01).separation(0.5)?, 0.0);
    /// assert!(RoeMetz::high_correlation(0.01).separation(1.0).is_err());
    /// # Ok::<(), mammo_readout::mrmc::MrmcError>(())
    /// ```
    pub fn separation(&self, auc: f64) -> Result<f64, MrmcError> {
        check_auc(auc)?;
        let all = [self.var_r, self.var_tr, self.var_c, self.var_tc, self.var_rc, self.var_error];
        for value in all {
            in_range("a variance of the model", value, value >= 0.0 && value.is_finite(), "0 or above")?;
        }
        in_range("the sum of the model's variances", self.total(), self.total() > 0.0, "above 0")?;
        Ok(normal::quantile(auc) * (2.0 * self.total()).sqrt())
    }

    /// A study with population AUCs `aucs`, one a treatment, read by `readers` on `n_pos` and `n_neg` cases.
    ///
    /// # Errors
    /// [`MrmcError`] for numbers out of range or nothing to read.
    ///
    /// ```
    /// use mammo_readout::power::RoeMetz;
    /// use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
    ///
    /// let model = RoeMetz::high_correlation(0.01);
    /// let study = model.study(&[0.8, 0.8], 3, 30, 30, &mut ChaCha8Rng::seed_from_u64(1))?;
    /// assert_eq!((study.readers().len(), study.cases().len(), study.missing()), (3, 60, 0));
    /// # Ok::<(), mammo_readout::mrmc::MrmcError>(())
    /// ```
    pub fn study(
        &self,
        aucs: &[f64],
        readers: usize,
        n_pos: usize,
        n_neg: usize,
        rng: &mut impl Rng,
    ) -> Result<Study, MrmcError> {
        let means = aucs.iter().map(|&auc| self.separation(auc)).collect::<Result<Vec<_>, _>>()?;
        let cases = (0..n_neg + n_pos).map(|k| Case { name: k.to_string(), positive: k >= n_neg });
        let names = |prefix: &str, n: usize| (1..=n).map(|i| format!("{prefix}{i}")).collect::<Vec<_>>();
        let mut study = Study::declared(names("reader ", readers), names("treatment ", aucs.len()), cases)?;
        let mut draw = |variance: f64, n: usize| -> Vec<f64> {
            (0..n).map(|_| variance.sqrt() * rng.sample::<f64, _>(StandardNormal)).collect()
        };
        let (i, k) = (aucs.len(), n_neg + n_pos);
        // Reader effects differ by truth: negatives first.
        let r = draw(self.var_r, 2 * readers);
        let tr = draw(self.var_tr, 2 * readers * i);
        let c = draw(self.var_c, k);
        let tc = draw(self.var_tc, k * i);
        let rc = draw(self.var_rc, k * readers);
        let e = draw(self.var_error, k * readers * i);
        study.fill(|t, j, case| {
            let truth = usize::from(case >= n_neg);
            let reader = r[2 * j + truth] + tr[2 * (t * readers + j) + truth];
            let of_case = c[case] + tc[t * k + case] + rc[j * k + case];
            truth as f64 * means[t] + reader + of_case + e[(t * readers + j) * k + case]
        });
        Ok(study)
    }
}
