use super::{check_alpha, check_power, in_range, smallest};
use crate::{
    distribution::{chi_square, f, noncentral_chi_square, noncentral_f},
    mrmc::{MrmcError, OrAnalysis},
};
use serde::{Deserialize, Serialize};

/// What the planned study samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sampling {
    /// Readers and cases.
    #[default]
    ReadersAndCases,
    /// Cases; the readers are fixed.
    Cases,
    /// Readers; the cases are fixed.
    Readers,
}

/// Denominator degrees of freedom for random readers and cases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DfRule {
    /// Hillis, Obuchowski and Berbaum (Academic Radiology 2011;18:129).
    #[default]
    Hillis,
    /// Obuchowski (Academic Radiology 1995;2:S22): `J - 1`, conservative with few readers.
    Obuchowski,
}

/// Variances of an Obuchowski-Rockette pilot of two treatments, from which a study of another size is planned: the
/// interaction of readers stays, everything from cases shrinks as `cases / K`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct OrVariances {
    /// Variance of readers by treatments; below zero counts as zero.
    pub var_tr: f64,
    /// Error variance.
    pub var_error: f64,
    /// Same reader, different treatments.
    pub cov1: f64,
    /// Different readers, same treatment.
    pub cov2: f64,
    /// Different readers and treatments.
    pub cov3: f64,
    /// Cases of the pilot, both classes.
    pub cases: f64,
}

/// Power of a planned study with what it follows from.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MrmcPower {
    /// Power of the two-sided test.
    pub power: f64,
    /// Non-centrality of F or chi-square.
    pub noncentrality: f64,
    /// Denominator degrees of freedom; none for fixed readers (chi-square).
    pub df2: Option<f64>,
    /// Standard error of the difference.
    pub se: f64,
}

impl OrVariances {
    /// The variances of an analysis of two or more treatments.
    ///
    /// # Errors
    /// [`MrmcError::TooFew`] for a single treatment.
    ///
    /// ```
    /// use mammo_readout::{mrmc::{MrmcSettings, Reading, Study, obuchowski_rockette}, power::OrVariances};
    /// let mut rows = Vec::new();
    /// for (reader, shift) in [("r1", 0.0), ("r2", 0.7), ("r3", 0.2)] {
    ///     for (treatment, gain) in [("original", 1.0), ("modified", 0.2)] {
    ///         for case in 0..12 {
    ///             let noise = f64::from(case * 7 % 12) / 6.0 + shift * f64::from(case % 3);
    ///             rows.push(Reading {
    ///                 reader: reader.into(), treatment: treatment.into(), case: case.to_string(),
    ///                 positive: case % 2 == 0, rating: noise + if case % 2 == 0 { gain } else { 0.0 },
    ///             });
    ///         }
    ///     }
    /// }
    /// let study = Study::from_readings(rows)?;
    /// let pilot = OrVariances::of(&obuchowski_rockette(&study, MrmcSettings::default())?)?;
    /// assert_eq!(pilot.cases, 12.0);
    /// # Ok::<(), mammo_readout::mrmc::MrmcError>(())
    /// ```
    pub fn of(analysis: &OrAnalysis) -> Result<Self, MrmcError> {
        let c = &analysis.components;
        match (c.var_tr, c.cov1, c.cov3) {
            (Some(var_tr), Some(cov1), Some(cov3)) => Ok(Self {
                var_tr,
                var_error: c.var_error,
                cov1,
                cov2: c.cov2,
                cov3,
                cases: (analysis.n_pos + analysis.n_neg) as f64,
            }),
            _ => Err(MrmcError::TooFew { what: "treatments", found: 1, needed: 2 }),
        }
    }

    /// Power to find `effect` between two treatments with `readers` and `cases` (both classes, in the pilot's ratio):
    /// `Δ = J effect² / (2 E)` with `E = Var(TR) + K*/K (Var(error) - Cov1 + (J - 1) max(Cov2 - Cov3, 0))`, without
    /// `Var(TR)` for fixed readers and with `- max(Cov2 - Cov3, 0)` in place of `(J - 1) max(...)` for fixed cases.
    ///
    /// # Errors
    /// [`MrmcError::OutOfRange`], or a variance of zero.
    ///
    /// ```
    /// use mammo_readout::power::{DfRule, OrVariances, Sampling};
    ///
    /// let pilot = OrVariances {
    ///     var_tr: 0.0002, var_error: 0.0008, cov1: 0.00035, cov2: 0.00034, cov3: 0.00024, cases: 114.0,
    /// };
    /// let planned = pilot.power(0.044, 10, 165.0, 0.05, Sampling::ReadersAndCases, DfRule::Hillis)?;
    /// let larger = pilot.power(0.044, 10, 330.0, 0.05, Sampling::ReadersAndCases, DfRule::Hillis)?;
    /// assert!(planned.power < larger.power && larger.power < 1.0);
    /// # Ok::<(), mammo_readout::mrmc::MrmcError>(())
    /// ```
    pub fn power(
        &self,
        effect: f64,
        readers: usize,
        cases: f64,
        alpha: f64,
        sampling: Sampling,
        rule: DfRule,
    ) -> Result<MrmcPower, MrmcError> {
        check_alpha(alpha)?;
        in_range("the effect", effect, effect.abs() > 0.0 && effect.abs() <= 1.0, "in [-1, 1] and not 0")?;
        in_range("the number of readers", readers as f64, readers >= 2, "2 or more")?;
        in_range("the number of cases", cases, cases >= 4.0 && cases.is_finite(), "4 or more")?;
        in_range("the pilot's number of cases", self.cases, self.cases > 0.0, "above 0")?;
        let (j, scale) = (readers as f64, self.cases / cases);
        let excess = (self.cov2 - self.cov3).max(0.0);
        let between = self.var_error - self.cov1;
        let error = match sampling {
            Sampling::ReadersAndCases => self.var_tr.max(0.0) + scale * (between + (j - 1.0) * excess),
            Sampling::Cases => scale * (between + (j - 1.0) * excess),
            Sampling::Readers => self.var_tr.max(0.0) + scale * (between - excess),
        };
        in_range(
            "the error variance",
            error,
            error > 0.0,
            "above 0: the pilot's variances do not allow planning",
        )?;
        let noncentrality = j * effect * effect / (2.0 * error);
        let se = (2.0 * error / j).sqrt();
        if sampling == Sampling::Cases {
            let critical = noncentral_chi_square::quantile(1.0 - alpha, 1.0, 0.0)?;
            debug_assert!(chi_square::cdf(critical, 1.0).is_ok());
            let power = noncentral_chi_square::survival(critical, 1.0, noncentrality)?;
            return Ok(MrmcPower { power, noncentrality, df2: None, se });
        }
        let df2 = match (sampling, rule) {
            (Sampling::ReadersAndCases, DfRule::Hillis) => {
                let ms_tr = self.var_tr.max(0.0) + scale * (between - excess);
                in_range(
                    "the interaction mean square",
                    ms_tr,
                    ms_tr > 0.0,
                    "above 0: the pilot's variances do not allow planning",
                )?;
                (j - 1.0) * (error / ms_tr).powi(2)
            }
            _ => j - 1.0,
        };
        let critical = f::quantile(1.0 - alpha, 1.0, df2)?;
        let power = noncentral_f::survival(critical, 1.0, df2, noncentrality)?;
        Ok(MrmcPower { power, noncentrality, df2: Some(df2), se })
    }

    /// Cases (both classes) for a power; none when readers alone keep it out of reach.
    ///
    /// # Errors
    /// As [`OrVariances::power`].
    ///
    /// ```
    /// use mammo_readout::power::{DfRule, OrVariances, Sampling};
    /// let pilot = OrVariances {
    ///     var_tr: 0.0002, var_error: 0.0008, cov1: 0.00035, cov2: 0.00034, cov3: 0.00024, cases: 114.0,
    /// };
    /// let rule = (Sampling::ReadersAndCases, DfRule::Hillis);
    /// let cases = pilot.cases_for(0.8, 0.044, 6, 0.05, rule.0, rule.1)?.unwrap();
    /// assert!(pilot.power(0.044, 6, cases as f64, 0.05, rule.0, rule.1)?.power >= 0.8);
    /// # Ok::<(), mammo_readout::mrmc::MrmcError>(())
    /// ```
    pub fn cases_for(
        &self,
        power: f64,
        effect: f64,
        readers: usize,
        alpha: f64,
        sampling: Sampling,
        rule: DfRule,
    ) -> Result<Option<usize>, MrmcError> {
        check_power(power)?;
        smallest(4, |cases| {
            Ok(self.power(effect, readers, cases as f64, alpha, sampling, rule)?.power >= power)
        })
    }
}
