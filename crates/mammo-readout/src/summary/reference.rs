/// A source of a method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reference {
    /// DeLong, DeLong and Clarke-Pearson.
    DeLong,
    /// Obuchowski and Rockette.
    ObuchowskiRockette,
    /// Hillis' degrees of freedom.
    Hillis2007,
    /// Dorfman, Berbaum and Metz.
    DorfmanBerbaumMetz,
    /// Hillis, Berbaum and Metz.
    HillisBerbaumMetz,
    /// Gallas' one-shot estimate.
    Gallas2006,
    /// Gallas, Bandos, Samuelson and Wagner.
    Gallas2009,
    /// Degrees of freedom of U-statistics.
    ObuchowskiGallasHillis,
    /// Hanley and McNeil.
    HanleyMcNeil,
    /// Two one-sided tests.
    Schuirmann,
    /// Clustered ratings.
    Obuchowski1997,
    /// Leaving cases out one at a time.
    Hillis2005,
    /// Pepe's book, for logit intervals.
    Pepe,
    /// Binormal curves by maximum likelihood.
    DorfmanAlf,
}

impl Reference {
    /// The reference as printed.
    ///
    /// ```
    /// use mammo_readout::summary::Reference;
    /// assert!(Reference::Pepe.text().contains("Pepe"));
    /// ```
    pub fn text(self) -> &'static str {
        match self {
            Self::DeLong => {
                "DeLong ER, DeLong DM, Clarke-Pearson DL. Comparing the areas under two or more correlated receiver \
                 operating characteristic curves. Biometrics 1988;44:837-845."
            }
            Self::ObuchowskiRockette => {
                "Obuchowski NA, Rockette HE. Hypothesis testing of diagnostic accuracy for multiple readers and multiple \
                 tests. Communications in Statistics - Simulation and Computation 1995;24:285-308."
            }
            Self::Hillis2007 => {
                "Hillis SL. A comparison of denominator degrees of freedom methods for multiple observer ROC analysis. \
                 Statistics in Medicine 2007;26:596-619."
            }
            Self::DorfmanBerbaumMetz => {
                "Dorfman DD, Berbaum KS, Metz CE. Receiver operating characteristic rating analysis. Investigative \
                 Radiology 1992;27:723-731."
            }
            Self::HillisBerbaumMetz => {
                "Hillis SL, Berbaum KS, Metz CE. Recent developments in the Dorfman-Berbaum-Metz procedure for \
                 multireader ROC study analysis. Academic Radiology 2008;15:647-661."
            }
            Self::Gallas2006 => {
                "Gallas BD. One-shot estimate of MRMC variance: AUC. Academic Radiology 2006;13:353-362."
            }
            Self::Gallas2009 => {
                "Gallas BD, Bandos A, Samuelson FW, Wagner RF. A framework for random-effects ROC analysis: biases with \
                 the bootstrap and other variance estimators. Communications in Statistics - Theory and Methods \
                 2009;38:2586-2603."
            }
            Self::ObuchowskiGallasHillis => {
                "Obuchowski NA, Gallas BD, Hillis SL. Multi-reader ROC studies with split-plot designs: a comparison of \
                 statistical methods. Academic Radiology 2012;19:1508-1517."
            }
            Self::DorfmanAlf => {
                "Dorfman DD, Alf E. Maximum-likelihood estimation of parameters of signal-detection theory and \
                 determination of confidence intervals: rating-method data. Journal of Mathematical Psychology \
                 1969;6:487-496."
            }
            Self::HanleyMcNeil => {
                "Hanley JA, McNeil BJ. The meaning and use of the area under a receiver operating characteristic (ROC) \
                 curve. Radiology 1982;143:29-36."
            }
            Self::Schuirmann => {
                "Schuirmann DJ. A comparison of the two one-sided tests procedure and the power approach for assessing \
                 the equivalence of average bioavailability. Journal of Pharmacokinetics and Biopharmaceutics \
                 1987;15:657-680."
            }
            Self::Obuchowski1997 => {
                "Obuchowski NA. Nonparametric analysis of clustered ROC curve data. Biometrics 1997;53:567-578."
            }
            Self::Hillis2005 => {
                "Hillis SL, Obuchowski NA, Schartz KM, Berbaum KS. A comparison of the Dorfman-Berbaum-Metz and \
                 Obuchowski-Rockette methods for receiver operating characteristic (ROC) data. Statistics in Medicine \
                 2005;24:1579-1607."
            }
            Self::Pepe => {
                "Pepe MS. The statistical evaluation of medical tests for classification and prediction. Oxford University \
                 Press, 2003."
            }
        }
    }
}
