use super::DetectorSettings;
use crate::calibration::Calibration;
use crate::{DetectError, Logistic};
use mammo_train::StoredClassifier;
use serde::{Deserialize, Serialize};

/// A detector as it stands in a JSON file: what scoring needs, and what it was trained on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DetectorFile {
    /// The form of the file, [`Self::SCHEMA`].
    pub schema: String,
    /// The images that it was trained on.
    pub trained_on: TrainedOn,
    /// How it was trained.
    pub settings: DetectorSettings,
    /// Area under the ROC curve over patients that were left out in training. It is no test: the threshold comes from the
    /// same patients.
    pub unseen_auc: f64,
    /// From raw scores to log odds.
    pub calibration: Calibration,
    /// What weighs an image.
    pub method: StoredMethod,
}

/// The images that a detector was trained on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrainedOn {
    /// Columns of the images, and of all that it can score.
    pub width_px: usize,
    /// Rows of the images, and of all that it can score.
    pub height_px: usize,
    /// Original images.
    pub n_original: usize,
    /// Altered images.
    pub n_modified: usize,
    /// Patients, in order. The detector must not be judged on them.
    pub patients: Vec<String>,
}

/// What weighs an image, trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoredMethod {
    /// A regression on measures.
    Measures(Logistic),
    /// A network.
    Network(StoredClassifier),
}

impl DetectorFile {
    /// The form of files that this version writes and reads.
    pub const SCHEMA: &'static str = "mammo-detector/2";

    /// Refuses what cannot be used.
    pub(super) fn check(&self) -> Result<(), DetectError> {
        let refuse = |what: String| Err(DetectError::File(what));
        if self.schema != Self::SCHEMA {
            return refuse(format!("it has the form {}, this version reads {}", self.schema, Self::SCHEMA));
        }
        if let StoredMethod::Measures(regression) = &self.method
            && !regression.weighs(mammo_forensics::FEATURES)
        {
            return refuse("it weighs other measures than this version takes".to_owned());
        }
        let numbers =
            [self.calibration.intercept, self.calibration.slope, self.calibration.threshold_log_odds];
        if numbers.iter().any(|v| !v.is_finite()) {
            return refuse("its calibration holds what is not a number".to_owned());
        }
        Ok(())
    }
}
