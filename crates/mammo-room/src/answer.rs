use crate::{ItemKind, RoomError};
use serde::{Deserialize, Serialize};

/// What is asked about an item, in the order of asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoomQuestion {
    /// How likely the image shows cancer.
    Malignancy,
    /// How likely the image was altered; on a screen of its own, after malignancy.
    Tampering,
    /// Which of two images was altered.
    Choice,
}

impl RoomQuestion {
    /// The word in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Malignancy => "malignancy",
            Self::Tampering => "tampering",
            Self::Choice => "choice",
        }
    }

    /// The question of this word.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Malignancy, Self::Tampering, Self::Choice].into_iter().find(|q| q.name() == name)
    }

    /// The questions about an item.
    pub fn of(kind: ItemKind) -> &'static [Self] {
        match kind {
            ItemKind::Training | ItemKind::Single => &[Self::Malignancy, Self::Tampering],
            ItemKind::Pair => &[Self::Choice],
        }
    }
}

/// Assessment category of BI-RADS (5th edition), 1 to 5 with the three parts of 4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Category {
    /// Negative.
    #[serde(rename = "1")]
    One,
    /// Benign.
    #[serde(rename = "2")]
    Two,
    /// Probably benign.
    #[serde(rename = "3")]
    Three,
    /// Low suspicion.
    #[serde(rename = "4a")]
    FourA,
    /// Moderate suspicion.
    #[serde(rename = "4b")]
    FourB,
    /// High suspicion.
    #[serde(rename = "4c")]
    FourC,
    /// Highly suggestive of malignancy.
    #[serde(rename = "5")]
    Five,
}

impl Category {
    /// Rank, 1 to 7.
    pub fn rank(self) -> u8 {
        self as u8 + 1
    }
}

/// A place in an image, in pixels from its left and upper edges.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// To the right.
    pub x: f64,
    /// Downwards.
    pub y: f64,
}

/// How the image was looked at when the answer was given.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct View {
    /// Centre of the window in 16-bit levels.
    pub window_center: f64,
    /// Width of the window in 16-bit levels.
    pub window_width: f64,
    /// Whether black and white were exchanged.
    pub inverted: bool,
    /// Whether pixels were smoothed, which hides grids.
    pub smoothed: bool,
    /// Whether pixels were smoothed at any time during the question.
    pub smoothed_before: bool,
    /// Screen pixels to an image pixel.
    pub zoom: f64,
    /// The largest zoom during the question.
    pub largest_zoom: f64,
}

/// One answer as the browser sends it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GivenAnswer {
    /// The step of the reader's way, from 1.
    pub position: usize,
    /// The question.
    pub question: RoomQuestion,
    /// 0 to 100. Of a choice: 0 surely the left image was altered, 100 surely the right one.
    pub score: f64,
    /// For malignancy.
    #[serde(default)]
    pub category: Option<Category>,
    /// For tampering and choices, 1 to 5.
    #[serde(default)]
    pub points: Option<u8>,
    /// The place that made the reader suspicious.
    #[serde(default)]
    pub mark: Option<Place>,
    /// Milliseconds from the image's appearance to the answer, by the browser's clock.
    pub elapsed_ms: f64,
    /// Of these, milliseconds without mouse or keyboard beyond the study's limit.
    pub idle_ms: f64,
    /// Milliseconds from asking for the item to the image's appearance.
    #[serde(default)]
    pub paint_ms: f64,
    /// How the image was looked at.
    #[serde(default)]
    pub view: View,
}

/// No reader has more steps: more than any number that a database cannot hold.
pub(crate) const MOST_STEPS: usize = 1_000_000;

impl GivenAnswer {
    /// Refuses an answer that does not fit its question.
    ///
    /// # Errors
    /// [`RoomError::Answer`], saying what is missing or out of range.
    pub fn check(&self, (width_px, height_px): (usize, usize)) -> Result<(), RoomError> {
        let refuse = |what: &str| Err(RoomError::Answer(what.to_owned()));
        if !(1..=MOST_STEPS).contains(&self.position) {
            return refuse("there is no such step");
        }
        if !(0.0..=100.0).contains(&self.score) {
            return refuse("the score must be 0 to 100");
        }
        match (self.question, self.category, self.points) {
            (RoomQuestion::Malignancy, Some(_), None) => {}
            (RoomQuestion::Malignancy, ..) => {
                return refuse("malignancy needs a BI-RADS category and no points");
            }
            (_, None, Some(1..=5)) => {}
            _ => return refuse("this question needs 1 to 5 points and no BI-RADS category"),
        }
        if let Some(mark) = self.mark
            && !((0.0..=width_px as f64).contains(&mark.x) && (0.0..=height_px as f64).contains(&mark.y))
        {
            return refuse("the mark lies outside the image");
        }
        // Ten years: a clock that runs longer is broken.
        let time = 0.0..=3.2e11;
        if ![self.elapsed_ms, self.idle_ms, self.paint_ms].iter().all(|t| time.contains(t)) {
            return refuse("the times must be milliseconds from 0");
        }
        let view = &self.view;
        let numbers = [view.window_center, view.window_width, view.zoom, view.largest_zoom];
        if !numbers.iter().all(|v| v.is_finite() && v.abs() <= 1e9) {
            return refuse("the view must be given in numbers");
        }
        Ok(())
    }

    /// Whether both say the same about the image, whatever the clock says: a browser that sends an answer again because
    /// it did not hear back is not refused.
    pub fn says_the_same(&self, other: &Self) -> bool {
        (self.position, self.question, self.score, self.category, self.points, self.mark)
            == (other.position, other.question, other.score, other.category, other.points, other.mark)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_must_fit_their_question() {
        let good = serde_json::json!({"position": 1, "question": "malignancy", "score": 20, "category": "4a",
            "elapsed_ms": 3000, "idle_ms": 0});
        let check = |value: serde_json::Value| {
            serde_json::from_value::<GivenAnswer>(value)
                .map_err(|e| e.to_string())
                .and_then(|a| a.check((10, 10)).map_err(|e| e.to_string()))
        };
        assert_eq!(check(good.clone()), Ok(()));
        for (field, value, part) in [
            ("position", serde_json::json!(0), "no such step"),
            ("position", serde_json::json!(u64::MAX), "no such step"),
            ("score", serde_json::json!(101), "0 to 100"),
            ("score", serde_json::json!("'; DROP TABLE answers; --"), "invalid type"),
            ("category", serde_json::json!("6"), "unknown variant"),
            ("category", serde_json::Value::Null, "BI-RADS"),
            ("points", serde_json::json!(3), "no points"),
            ("question", serde_json::json!("choice"), "1 to 5"),
            ("mark", serde_json::json!({"x": 11, "y": 0}), "outside"),
            ("elapsed_ms", serde_json::json!(-1), "milliseconds"),
            ("truth", serde_json::json!(1), "unknown field"),
        ] {
            let mut bad = good.clone();
            bad[field] = value;
            let message = check(bad).unwrap_err();
            assert!(message.contains(part), "{field}: {message}");
        }
        assert_eq!(Category::FourA.rank(), 4);
    }
}
