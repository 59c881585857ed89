use crate::logistic::Logistic;
use serde::{Deserialize, Serialize};

/// From a method's raw scores to log odds, and where the alarm is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Log odds of a raw score of 0.
    pub intercept: f64,
    /// Log odds that a raw score of 1 adds.
    pub slope: f64,
    /// Log odds above which an image is flagged.
    pub threshold_log_odds: f64,
}

impl Calibration {
    /// Fits slope and intercept by logistic regression on scores of images that the method has not learned from (Platt
    /// 1999), the classes at equal shares, and puts the threshold where at most `false_alarm_rate` of the originals lie
    /// above it. `unseen` holds whether an image was altered and its raw score; both classes are there.
    ///
    /// ```
    /// use mammo_detect::Calibration;
    /// let unseen: Vec<(bool, f64)> = (0..40).map(|i| (i % 2 == 1, f64::from(i % 7) + if i % 2 == 1 { 3.0 } else { 0.0 })).collect();
    /// let calibration = Calibration::fit(&unseen, 0.1);
    /// assert!(calibration.slope > 0.0);
    /// let above = |score| calibration.log_odds(score) > calibration.threshold_log_odds;
    /// assert!(unseen.iter().filter(|(modified, score)| !modified && above(*score)).count() <= 2);
    /// ```
    pub fn fit(unseen: &[(bool, f64)], false_alarm_rate: f64) -> Self {
        let scores: Vec<&[f64]> = unseen.iter().map(|(_, score)| std::slice::from_ref(score)).collect();
        let truth: Vec<bool> = unseen.iter().map(|(modified, _)| *modified).collect();
        let platt = Logistic::fit(&scores, &truth, 1.0);
        let (intercept, slope) = (platt.score(&[0.0]), platt.score(&[1.0]) - platt.score(&[0.0]));
        let mut originals: Vec<f64> =
            unseen.iter().filter(|u| !u.0).map(|u| intercept + slope * u.1).collect();
        originals.sort_by(f64::total_cmp);
        // The smallest value that so few originals exceed.
        let allowed = (false_alarm_rate * originals.len() as f64).floor() as usize;
        let threshold = originals.len().checked_sub(1 + allowed.min(originals.len().saturating_sub(1)));
        Self { intercept, slope, threshold_log_odds: threshold.map_or(0.0, |at| originals[at]) }
    }

    /// Log odds of a raw score.
    pub fn log_odds(&self, score: f64) -> f64 {
        self.intercept + self.slope * score
    }
}

/// Share of pairs of an altered and an original image that are in order, ties one half.
pub(crate) fn auc(scores: &[(bool, f64)]) -> f64 {
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
