mod file;
mod measures;
mod network;

pub use file::{DetectorFile, StoredMethod, TrainedOn};

use crate::calibration::{Calibration, auc};
use crate::{DetectError, Handling, Logistic, as_seen};
use mammo_core::{Plane, Seed};
use mammo_forensics::ForensicsError;
use mammo_train::TrainedClassifier;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// An original and what was made of it.
#[derive(Debug, Clone)]
pub struct Sample {
    /// Whose image it is. Images of one patient stay on one side whenever the detector is tried on what it has not seen.
    pub patient: String,
    /// The original, in `[0, 1]`.
    pub original: Plane,
    /// Altered images, each made from the original.
    pub modified: Vec<Plane>,
}

/// What weighs an image.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// The measures of [`mammo_forensics::features`], weighed by a logistic regression with this ridge, in images: the larger,
    /// the more cautious.
    Measures {
        /// The ridge.
        ridge: f64,
    },
    /// A [`mammo_models::Classifier`] of the image's residual.
    Network {
        /// How often every sample is drawn in training.
        epochs: usize,
    },
}

/// How a detector is trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DetectorSettings {
    /// What weighs an image.
    pub method: Method,
    /// Share of original images that may be called altered, in `(0, 0.5]`; it sets the threshold.
    pub false_alarm_rate: f64,
    /// Copies of every image, each under a [`Handling`] of its own, for one that is as it is. 0 trains on images as they
    /// are alone.
    pub handled_copies: usize,
    /// Parts of the patients, at least 2. Measures are fitted as often, each time without one part; the network once, without
    /// the first part. The scores of patients that were left out calibrate the detector.
    pub folds: usize,
    /// What handlings and the network's training are drawn from.
    pub seed: Seed,
}

impl Default for DetectorSettings {
    fn default() -> Self {
        Self {
            method: Method::Measures { ridge: 1.0 },
            false_alarm_rate: 0.05,
            handled_copies: 2,
            folds: 5,
            seed: Seed(1),
        }
    }
}

/// What a detector says of an image.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct DetectorScore {
    /// Natural logarithm of the odds that it was altered, where half of the images are.
    pub log_odds: f64,
    /// The same as a probability.
    pub probability: f64,
    /// Whether it is above the threshold.
    pub flagged: bool,
}

/// A trained detector.
pub struct Detector {
    file: DetectorFile,
    weigher: Weigher,
}

/// What weighs an image, ready for work.
enum Weigher {
    Measures(Logistic),
    Network(TrainedClassifier),
}

/// A method that was trained: its raw scores of patients that it had not seen, and itself.
type Trained = (Vec<(bool, f64)>, StoredMethod);

impl Detector {
    /// Trains a detector. The same samples give the same detector, in whatever order they come and on any number of threads.
    /// `after_step` hears of the steps of a network's training (done, of how many) and ends it by `false`, which gives `None`.
    ///
    /// # Errors
    /// [`DetectError::Training`] for settings out of range, fewer than `folds` patients, a class with fewer than ten images
    /// or images of several sizes, and what methods refuse.
    pub fn train(
        samples: &[Sample],
        settings: &DetectorSettings,
        after_step: &mut dyn FnMut(usize, usize) -> bool,
    ) -> Result<Option<Self>, DetectError> {
        let patients = check(samples, settings)?;
        let size = (samples[0].original.width(), samples[0].original.height());
        let mut samples: Vec<Sample> = samples
            .par_iter()
            .map(|s| Sample {
                patient: s.patient.clone(),
                original: as_seen(&s.original),
                modified: s.modified.iter().map(as_seen).collect(),
            })
            .collect();
        samples.sort_by(|a, b| {
            let values = || a.original.data().iter().zip(b.original.data()).map(|(x, y)| x.total_cmp(y));
            a.patient
                .cmp(&b.patient)
                .then_with(|| values().find(|o| o.is_ne()).unwrap_or(std::cmp::Ordering::Equal))
        });
        let order: Vec<&str> = patients.iter().map(String::as_str).collect();
        let folds: Vec<usize> = samples
            .iter()
            .map(|s| order.binary_search(&s.patient.as_str()).unwrap_or(0) % settings.folds)
            .collect();
        let trained = match settings.method {
            Method::Measures { ridge } => Some(measures::train(&samples, &folds, settings, ridge)?),
            Method::Network { epochs } => network::train(&samples, &folds, settings, epochs, after_step)?,
        };
        let Some((unseen, method)) = trained else { return Ok(None) };
        let file = DetectorFile {
            schema: DetectorFile::SCHEMA.to_owned(),
            trained_on: TrainedOn {
                width_px: size.0,
                height_px: size.1,
                n_original: samples.len(),
                n_modified: samples.iter().map(|s| s.modified.len()).sum(),
                patients: patients.into_iter().collect(),
            },
            settings: settings.clone(),
            unseen_auc: auc(&unseen),
            calibration: Calibration::fit(&unseen, settings.false_alarm_rate),
            method,
        };
        Self::from_file(file).map(Some)
    }

    /// The detector of a file.
    ///
    /// # Errors
    /// [`DetectError::File`] for another form, [`DetectError::Network`] for parameters that are not the network's.
    pub fn from_file(file: DetectorFile) -> Result<Self, DetectError> {
        file.check()?;
        let weigher = match &file.method {
            StoredMethod::Measures(regression) => Weigher::Measures(regression.clone()),
            StoredMethod::Network(stored) => Weigher::Network(TrainedClassifier::load(stored)?),
        };
        Ok(Self { file, weigher })
    }

    /// All of it, for a file.
    pub fn file(&self) -> &DetectorFile {
        &self.file
    }

    /// Scores an image of the size that the detector knows.
    ///
    /// # Errors
    /// [`DetectError::Size`] for another size, [`DetectError::Measure`] for a constant image or a value that is no number.
    pub fn score(&self, plane: &Plane) -> Result<DetectorScore, DetectError> {
        let plane = self.seen(plane)?;
        let raw = match &self.weigher {
            Weigher::Measures(regression) => regression.score(&mammo_forensics::features(&plane)?),
            Weigher::Network(network) => network.logit(&plane)?,
        };
        let log_odds = self.file.calibration.log_odds(raw);
        let probability = 1.0 / (1.0 + (-log_odds).exp());
        Ok(DetectorScore {
            log_odds,
            probability,
            flagged: log_odds > self.file.calibration.threshold_log_odds,
        })
    }

    /// Where a network finds an image altered: the log odds of every place of 8 x 8 pixels, as the network gives them, and
    /// the share of tissue in it, both as small planes.
    ///
    /// # Errors
    /// [`DetectError::NoPlaces`] for a detector of measures, and as [`Self::score`].
    pub fn places(&self, plane: &Plane) -> Result<(Plane, Plane), DetectError> {
        let network = self.network().ok_or(DetectError::NoPlaces)?;
        Ok(network.places(&self.seen(plane)?)?)
    }

    /// The network, for attacks on it; `None` for a detector of measures.
    pub fn network(&self) -> Option<&TrainedClassifier> {
        match &self.weigher {
            Weigher::Measures(_) => None,
            Weigher::Network(network) => Some(network),
        }
    }

    /// What the detector sees of an image, after its checks.
    fn seen(&self, plane: &Plane) -> Result<Plane, DetectError> {
        let known = &self.file.trained_on;
        let (found_width, found_height) = (plane.width(), plane.height());
        let (width, height) = (known.width_px, known.height_px);
        if (found_width, found_height) != (width, height) {
            return Err(DetectError::Size { found_width, found_height, width, height });
        }
        if plane.data().iter().any(|v| !v.is_finite()) {
            return Err(ForensicsError::NotFinite.into());
        }
        let plane = as_seen(plane);
        let (low, high) = plane.min_max();
        if low == high { Err(ForensicsError::Constant.into()) } else { Ok(plane) }
    }
}

/// Checks settings and samples, and gives the patients in order.
fn check(samples: &[Sample], settings: &DetectorSettings) -> Result<BTreeSet<String>, DetectError> {
    let refuse = |what: String| Err(DetectError::Training(what));
    if !(settings.false_alarm_rate > 0.0 && settings.false_alarm_rate <= 0.5) {
        return refuse("the false alarm rate must be above 0 and at most 0.5".to_owned());
    }
    match settings.method {
        Method::Measures { ridge } if !(ridge > 0.0 && ridge.is_finite()) => {
            return refuse("the ridge must be above 0".to_owned());
        }
        Method::Network { epochs: 0 } => return refuse("a network needs at least 1 epoch".to_owned()),
        _ => {}
    }
    if settings.folds < 2 {
        return refuse("there must be at least 2 folds".to_owned());
    }
    let n_modified: usize = samples.iter().map(|s| s.modified.len()).sum();
    if samples.len().min(n_modified) < 10 {
        let n = samples.len();
        return refuse(format!("{n} original and {n_modified} altered images; give at least 10 of each"));
    }
    let patients: BTreeSet<String> = samples.iter().map(|s| s.patient.clone()).collect();
    if patients.len() < settings.folds {
        let (n, folds) = (patients.len(), settings.folds);
        return refuse(format!("{n} patients for {folds} folds; give more patients"));
    }
    let size = (samples[0].original.width(), samples[0].original.height());
    for plane in samples.iter().flat_map(|s| std::iter::once(&s.original).chain(&s.modified)) {
        if (plane.width(), plane.height()) != size {
            return refuse(format!(
                "an image of {} x {} pixels among images of {} x {}; bring all to one size",
                plane.width(),
                plane.height(),
                size.0,
                size.1
            ));
        }
    }
    Ok(patients)
}

/// An image as it is (`copy` 0) or one of its handled copies. Copies are told apart by the sample and by which of its images
/// it is, so that they stay the same whatever else is in the set.
fn copy(plane: &Plane, sample: &Sample, which: usize, copy: usize, seed: Seed) -> Plane {
    if copy == 0 {
        return plane.clone();
    }
    let seed = seed.derive(&format!("detector/copies/{}/{which}", sample.patient));
    let first =
        u64::from(sample.original.data().iter().fold(0u32, |sum, v| sum.rotate_left(5) ^ v.to_bits()));
    let mut random = seed.stream_at("copy", (first << 16) + copy as u64);
    as_seen(&Handling::draw(&mut random).apply(plane, &mut random))
}

#[cfg(test)]
mod tests;
