//! A detector of altered images: measures of the whole image, weighed by a logistic regression.

mod features;
mod logistic;

pub use features::{FEATURES, features};

use crate::ForensicsError;
use logistic::Logistic;
use mammo_core::Plane;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// An image to learn from.
#[derive(Debug, Clone)]
pub struct Sample {
    /// The image in `[0, 1]`.
    pub plane: Plane,
    /// Whether it was altered.
    pub modified: bool,
    /// Whose image it is. Images of one patient stay on one side whenever the detector is tried on what it has not seen.
    pub patient: String,
}

/// How a detector is trained.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DetectorSettings {
    /// Ridge of the regression, in images: the larger, the more cautious.
    pub ridge: f64,
    /// Share of original images that may be called altered, in `(0, 0.5]`; it sets the threshold.
    pub false_alarm_rate: f64,
    /// Parts of the patients for cross-validation, at least 2.
    pub folds: usize,
}

impl Default for DetectorSettings {
    fn default() -> Self {
        Self { ridge: 1.0, false_alarm_rate: 0.05, folds: 5 }
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

/// A trained detector: everything that scoring needs and what it was trained on, as one JSON file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Detector {
    /// The form of the file.
    pub schema: String,
    /// Columns of the images that it knows.
    pub width_px: usize,
    /// Rows of the images that it knows.
    pub height_px: usize,
    /// How it was trained.
    pub settings: DetectorSettings,
    /// Original images that it was trained on.
    pub n_original: usize,
    /// Altered images that it was trained on.
    pub n_modified: usize,
    /// Patients that it was trained on, in order. It must not be judged on them.
    pub patients: Vec<String>,
    /// Area under the ROC curve over patients that each part had not seen.
    pub cross_validated_auc: f64,
    /// Log odds above which an image is flagged.
    pub threshold_log_odds: f64,
    regression: Logistic,
    /// Intercept and slope from the regression's score to log odds, by logistic regression on scores of patients that
    /// were not seen (Platt 1999).
    calibration: (f64, f64),
}

impl Detector {
    /// The form of a detector's file.
    pub const SCHEMA: &str = "mammo-detector/1";

    /// Trains a detector. The same samples give the same detector, in whatever order they come.
    ///
    /// # Errors
    /// [`ForensicsError::Training`] for fewer than `folds` patients or a class with fewer than ten images,
    /// [`ForensicsError::Size`] for images of several sizes, and what [`features`] refuses.
    pub fn train(samples: &[Sample], settings: DetectorSettings) -> Result<Self, ForensicsError> {
        let refuse = |what: String| Err(ForensicsError::Training { what });
        if !(settings.false_alarm_rate > 0.0 && settings.false_alarm_rate <= 0.5) {
            return refuse("the false alarm rate must be above 0 and at most 0.5".to_owned());
        }
        if !(settings.ridge > 0.0 && settings.ridge.is_finite()) || settings.folds < 2 {
            return refuse("the ridge must be above 0, and there must be at least 2 folds".to_owned());
        }
        let count = |modified| samples.iter().filter(|s| s.modified == modified).count();
        let (n_original, n_modified) = (count(false), count(true));
        if n_original.min(n_modified) < 10 {
            return refuse(format!(
                "{n_original} original and {n_modified} altered images; give at least 10 of each"
            ));
        }
        let patients: BTreeSet<&str> = samples.iter().map(|s| s.patient.as_str()).collect();
        if patients.len() < settings.folds {
            return refuse(format!(
                "{} patients for {} folds; give more patients",
                patients.len(),
                settings.folds
            ));
        }
        let size = (samples[0].plane.width(), samples[0].plane.height());
        for sample in samples {
            crate::check_size("image", (sample.plane.width(), sample.plane.height()), size)?;
        }
        let mut rows = samples
            .par_iter()
            .map(|s| Ok((s.patient.as_str(), s.modified, features(&s.plane)?)))
            .collect::<Result<Vec<_>, ForensicsError>>()?;
        rows.sort_by(|a, b| {
            let values = || a.2.iter().zip(&b.2).map(|(x, y)| x.total_cmp(y)).find(|o| o.is_ne());
            (a.0, a.1).cmp(&(b.0, b.1)).then_with(|| values().unwrap_or(std::cmp::Ordering::Equal))
        });
        let order: Vec<&str> = patients.into_iter().collect();
        let fold = |patient: &str| order.binary_search(&patient).unwrap_or(0) % settings.folds;

        // Scores of every image by a regression that has not seen its patient.
        let mut unseen: Vec<(bool, f64)> = Vec::new();
        for held_out in 0..settings.folds {
            let seen: Vec<_> = rows.iter().filter(|r| fold(r.0) != held_out).collect();
            let regression = Logistic::fit(
                &seen.iter().map(|r| r.2.as_slice()).collect::<Vec<_>>(),
                &seen.iter().map(|r| r.1).collect::<Vec<_>>(),
                settings.ridge,
            );
            unseen
                .extend(rows.iter().filter(|r| fold(r.0) == held_out).map(|r| (r.1, regression.score(&r.2))));
        }
        let scores: Vec<&[f64]> = unseen.iter().map(|(_, score)| std::slice::from_ref(score)).collect();
        let truth: Vec<bool> = unseen.iter().map(|(modified, _)| *modified).collect();
        let platt = Logistic::fit(&scores, &truth, settings.ridge);
        let calibration = (platt.score(&[0.0]), platt.score(&[1.0]) - platt.score(&[0.0]));
        let mut originals: Vec<f64> = unseen.iter().filter(|u| !u.0).map(|u| u.1).collect();
        originals.sort_by(f64::total_cmp);
        // The smallest score that so few originals exceed.
        let allowed = (settings.false_alarm_rate * originals.len() as f64).floor() as usize;
        let cut = originals[originals.len() - 1 - allowed.min(originals.len() - 1)];
        let regression = Logistic::fit(
            &rows.iter().map(|r| r.2.as_slice()).collect::<Vec<_>>(),
            &rows.iter().map(|r| r.1).collect::<Vec<_>>(),
            settings.ridge,
        );
        Ok(Self {
            schema: Self::SCHEMA.to_owned(),
            width_px: size.0,
            height_px: size.1,
            settings,
            n_original,
            n_modified,
            patients: order.into_iter().map(str::to_owned).collect(),
            cross_validated_auc: auc(&unseen),
            threshold_log_odds: calibration.0 + calibration.1 * cut,
            regression,
            calibration,
        })
    }

    /// Scores an image of the size that the detector knows.
    ///
    /// # Errors
    /// [`ForensicsError::Size`] for another size, and what [`features`] refuses.
    pub fn score(&self, plane: &Plane) -> Result<DetectorScore, ForensicsError> {
        crate::check_size("image", (plane.width(), plane.height()), (self.width_px, self.height_px))?;
        let log_odds = self.calibration.0 + self.calibration.1 * self.regression.score(&features(plane)?);
        let probability = 1.0 / (1.0 + (-log_odds).exp());
        Ok(DetectorScore { log_odds, probability, flagged: log_odds > self.threshold_log_odds })
    }
}

/// Share of pairs of an altered and an original image that are in order, ties one half.
fn auc(scores: &[(bool, f64)]) -> f64 {
    let of = |modified| scores.iter().filter(move |s| s.0 == modified).map(|s| s.1);
    let (mut won, mut pairs) = (0.0, 0.0);
    for a in of(true) {
        for b in of(false) {
            won += if a > b { 1.0 } else { f64::from(u8::from(a == b)) / 2.0 };
            pairs += 1.0;
        }
    }
    won / pairs
}

#[cfg(test)]
mod tests {
    use super::*;
    use mammo_core::Seed;
    use rand::Rng;

    /// Cloudy pictures; altered ones carry a faint pattern of two pixels.
    fn samples(n: usize, strength: f32, seed: u64) -> Vec<Sample> {
        (0..n)
            .flat_map(|i| {
                let mut random = Seed(seed).stream_at("clouds", i as u64);
                let waves: Vec<[f32; 4]> =
                    (0..12).map(|_| [0; 4].map(|_| random.random_range(-0.3..0.3))).collect();
                let grain: Vec<f32> = (0..64 * 64).map(|_| random.random_range(-0.02..0.02)).collect();
                let draw = |pattern: f32, shift: usize| {
                    Plane::from_fn(64, 64, |x, y| {
                        let wave =
                            |w: &[f32; 4]| (w[0] * x as f32 + w[1] * y as f32 + 9.0 * w[2]).sin() * w[3];
                        let sign = if (x + y) % 2 == 0 { pattern } else { -pattern };
                        let clouds = waves.iter().map(wave).sum::<f32>();
                        0.5 + 0.1 * clouds + grain[(y * 64 + x + shift) % (64 * 64)] + sign
                    })
                };
                [(false, 0.0, 0), (true, strength, 777)].map(|(modified, pattern, shift)| Sample {
                    plane: draw(pattern, shift),
                    modified,
                    patient: format!("{seed}/{i}"),
                })
            })
            .collect()
    }

    #[test]
    fn a_faint_pattern_is_found_on_patients_that_were_not_seen() {
        let detector = Detector::train(&samples(40, 0.004, 1), DetectorSettings::default()).unwrap();
        assert!(detector.cross_validated_auc > 0.9, "{}", detector.cross_validated_auc);
        let scores: Vec<(bool, f64)> = samples(60, 0.004, 2)
            .iter()
            .map(|s| (s.modified, detector.score(&s.plane).unwrap().log_odds))
            .collect();
        assert!(auc(&scores) > 0.9, "{}", auc(&scores));
        let alarms = scores.iter().filter(|s| !s.0 && s.1 > detector.threshold_log_odds).count();
        assert!(alarms <= 12, "{alarms} of 60 originals");
        // A file holds all of it.
        let text = serde_json::to_string(&detector).unwrap();
        assert_eq!(serde_json::from_str::<Detector>(&text).unwrap(), detector);
    }

    #[test]
    fn without_a_difference_there_is_nothing_to_find() {
        let detector = Detector::train(&samples(60, 0.0, 3), DetectorSettings::default()).unwrap();
        assert!((detector.cross_validated_auc - 0.5).abs() < 0.16, "{}", detector.cross_validated_auc);
    }

    #[test]
    fn the_order_of_the_samples_does_not_matter() {
        let mut given = samples(12, 0.01, 4);
        let one = Detector::train(&given, DetectorSettings::default()).unwrap();
        given.reverse();
        assert_eq!(one, Detector::train(&given, DetectorSettings::default()).unwrap());
    }

    #[test]
    fn what_cannot_be_learned_from_is_refused() {
        let good = samples(12, 0.01, 5);
        let train = |s: &[Sample], settings| Detector::train(s, settings).unwrap_err().to_string();
        let settings = DetectorSettings::default();
        assert!(train(&good[..8], settings).contains("at least 10"));
        assert!(train(&good, DetectorSettings { false_alarm_rate: 0.0, ..settings }).contains("false alarm"));
        assert!(
            train(&good, DetectorSettings { folds: 20, ..settings }).contains("12 patients for 20 folds")
        );
        let mut mixed = good.clone();
        mixed[3].plane = Plane::filled(70, 64, 0.5);
        assert!(train(&mixed, settings).contains("70 x 64"));
        let detector = Detector::train(&good, settings).unwrap();
        for (plane, part) in [
            (Plane::filled(64, 64, 0.3), "constant"),
            (good[0].plane.map(|_| f32::NAN), "finite"),
            (Plane::filled(32, 64, 0.3), "32 x 64"),
        ] {
            let message = detector.score(&plane).unwrap_err().to_string();
            assert!(message.contains(part), "{message}");
        }
    }
}
