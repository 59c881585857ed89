//! Answers and truth together, after the reading.

use crate::store::{self, LogHead};
use crate::{GivenAnswer, Item, ItemKind, RoomError, RoomQuestion, SealedCase, Truth};
use mammo_reader::{Arm, Question, Rating};
use rusqlite::Connection;
use serde::Serialize;
use std::collections::BTreeMap;

/// One answer with what was shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Joined {
    /// Who answered.
    pub reader: String,
    /// Whether a program answered.
    pub simulated: bool,
    /// What was shown.
    pub item: Item,
    /// The answer.
    pub given: GivenAnswer,
    /// When it came, in milliseconds since 1970.
    pub at_ms: i64,
    /// The image, or the left one.
    pub first: SealedCase,
    /// The right one of a pair.
    pub second: Option<SealedCase>,
}

/// Which of the two answers to a question counts as the rating.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RatingScale {
    /// 0 to 100.
    Score,
    /// BI-RADS category by rank (1, 2, 3, 4a, 4b, 4c, 5 as 1 to 7); for tampering the five points.
    Category,
}

/// Brings all answers together with the truth.
///
/// # Errors
/// [`RoomError::Account`] when an answer is about an image that the truth does not know.
pub fn join(db: &Connection, truth: &Truth) -> Result<Vec<Joined>, RoomError> {
    let case = |id: &str| {
        truth.case(id).cloned().ok_or_else(|| {
            RoomError::Account(format!(
                "{id}: the sealed truth does not know this image; is it that of this study?"
            ))
        })
    };
    let mut joined = Vec::new();
    for progress in store::progress(db)? {
        let Some(account) = store::account_by_name(db, &progress.reader)? else { continue };
        let items = store::items(db, account.number)?;
        for (given, at_ms) in store::answers(db, account.number)? {
            let Some(item) = items.get(given.position.wrapping_sub(1)).cloned() else { continue };
            let (first, second) = (case(&item.first)?, item.second.as_deref().map(case).transpose()?);
            let (reader, simulated) = (account.name.clone(), account.simulated);
            joined.push(Joined { reader, simulated, item, given, at_ms, first, second });
        }
    }
    Ok(joined)
}

/// The ratings of single images, for [`mammo_reader::analyse`]: without training and second looks.
pub fn ratings(joined: &[Joined], scale: RatingScale) -> Vec<Rating> {
    let single = joined.iter().filter(|j| j.item.kind == ItemKind::Single && !j.item.repeat);
    single
        .filter_map(|j| {
            let question = match j.given.question {
                RoomQuestion::Malignancy => Question::Malignancy,
                RoomQuestion::Tampering => Question::Tampering,
                RoomQuestion::Choice => return None,
            };
            Some(j.first.case.rated(&j.reader, question, value(&j.given, scale), j.simulated))
        })
        .collect()
}

fn value(given: &GivenAnswer, scale: RatingScale) -> f64 {
    match (scale, given.category, given.points) {
        (RatingScale::Category, Some(category), _) => f64::from(category.rank()),
        (RatingScale::Category, None, Some(points)) => f64::from(points),
        _ => given.score,
    }
}

/// How often a reader named the altered one of two images.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Choices {
    /// The reader.
    pub reader: String,
    /// Whether a program chose.
    pub simulated: bool,
    /// Pairs shown side by side.
    pub pairs: usize,
    /// Rightly named.
    pub right: usize,
    /// Neither was named: a score of exactly 50.
    pub undecided: usize,
    /// Share named rightly, undecided ones counting one half.
    pub share: f64,
    /// 95 % score interval of Wilson (1927). It takes the pairs as independent.
    pub interval_95: (f64, f64),
}

/// The choices between the two images of a pair, reader by reader.
pub fn choices(joined: &[Joined]) -> Vec<Choices> {
    let mut by_reader: BTreeMap<&str, (bool, usize, usize, usize)> = BTreeMap::new();
    for j in joined.iter().filter(|j| j.item.kind == ItemKind::Pair) {
        let entry = by_reader.entry(&j.reader).or_insert((j.simulated, 0, 0, 0));
        entry.1 += 1;
        let right_is_modified = j.first.case.arm == Arm::Original;
        if j.given.score == 50.0 {
            entry.3 += 1;
        } else if (j.given.score > 50.0) == right_is_modified {
            entry.2 += 1;
        }
    }
    by_reader
        .into_iter()
        .map(|(reader, (simulated, pairs, right, undecided))| {
            let share = (right as f64 + undecided as f64 / 2.0) / pairs as f64;
            let interval_95 = wilson(share, pairs);
            Choices { reader: reader.to_owned(), simulated, pairs, right, undecided, share, interval_95 }
        })
        .collect()
}

/// Wilson (1927), J Am Stat Assoc 22:209.
fn wilson(share: f64, n: usize) -> (f64, f64) {
    const Z: f64 = 1.959963984540054;
    let n = n as f64;
    let middle = (share + Z * Z / (2.0 * n)) / (1.0 + Z * Z / n);
    let half = Z / (1.0 + Z * Z / n) * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    ((middle - half).max(0.0), (middle + half).min(1.0))
}

/// A reader's two answers about one image: question, first and second value.
pub fn second_looks(joined: &[Joined], scale: RatingScale) -> Vec<(String, RoomQuestion, f64, f64)> {
    let singles: Vec<_> = joined.iter().filter(|j| j.item.kind == ItemKind::Single).collect();
    singles
        .iter()
        .filter(|j| j.item.repeat)
        .filter_map(|again| {
            let first = singles.iter().find(|j| {
                !j.item.repeat
                    && j.reader == again.reader
                    && j.first.id == again.first.id
                    && j.given.question == again.given.question
            })?;
            let values = (value(&first.given, scale), value(&again.given, scale));
            Some((again.reader.clone(), again.given.question, values.0, values.1))
        })
        .collect()
}

/// How long a reader took.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Pace {
    /// The reader.
    pub reader: String,
    /// Whether a program read.
    pub simulated: bool,
    /// Single images with both answers.
    pub images: usize,
    /// Median seconds an image for both questions, idle time taken off.
    pub median_s: f64,
    /// Lower and upper quartile.
    pub quartiles_s: (f64, f64),
    /// Median milliseconds from asking for an image to its appearance.
    pub median_paint_ms: f64,
}

/// How long the readers took for single images.
pub fn pace(joined: &[Joined]) -> Vec<Pace> {
    /// Seconds and answers by position, and milliseconds to the appearance of each image.
    #[derive(Default)]
    struct Times {
        simulated: bool,
        images: BTreeMap<usize, (f64, usize)>,
        paints: Vec<f64>,
    }
    let mut times: BTreeMap<&str, Times> = BTreeMap::new();
    for j in joined.iter().filter(|j| j.item.kind == ItemKind::Single) {
        let entry = times.entry(&j.reader).or_default();
        entry.simulated = j.simulated;
        let image = entry.images.entry(j.given.position).or_default();
        image.0 += (j.given.elapsed_ms - j.given.idle_ms).max(0.0) / 1000.0;
        image.1 += 1;
        if j.given.question == RoomQuestion::Malignancy {
            entry.paints.push(j.given.paint_ms);
        }
    }
    times
        .into_iter()
        .filter_map(|(reader, Times { simulated, images, mut paints })| {
            let mut seconds: Vec<f64> = images.values().filter(|i| i.1 == 2).map(|i| i.0).collect();
            if seconds.is_empty() {
                return None;
            }
            seconds.sort_by(f64::total_cmp);
            paints.sort_by(f64::total_cmp);
            let at =
                |sorted: &[f64], share: f64| sorted[((sorted.len() - 1) as f64 * share).round() as usize];
            Some(Pace {
                reader: reader.to_owned(),
                simulated,
                images: seconds.len(),
                median_s: at(&seconds, 0.5),
                quartiles_s: (at(&seconds, 0.25), at(&seconds, 0.75)),
                median_paint_ms: at(&paints, 0.5),
            })
        })
        .collect()
}

/// Every answer as a csv table, with the truth, times and the way of looking.
///
/// # Errors
/// [`RoomError::Io`].
pub fn answers_csv(joined: &[Joined], comments: &[(String, usize, String)]) -> Result<Vec<u8>, RoomError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let failed = |error: csv::Error| RoomError::Io(std::io::Error::other(error));
    writer
        .write_record([
            "reader",
            "simulated",
            "position",
            "session",
            "kind",
            "repeat",
            "case",
            "checkpoint",
            "arm",
            "truth_label",
            "other_case",
            "question",
            "score",
            "category",
            "points",
            "mark_x_px",
            "mark_y_px",
            "elapsed_ms",
            "idle_ms",
            "paint_ms",
            "window_center",
            "window_width",
            "inverted",
            "smoothed",
            "smoothed_before",
            "zoom",
            "largest_zoom",
            "at_ms_since_1970",
            "comments",
        ])
        .map_err(failed)?;
    for j in joined {
        let (g, v) = (&j.given, &j.given.view);
        let category = g.category.map(|c| serde_json::to_value(c).unwrap_or_default());
        let said: Vec<&str> =
            comments.iter().filter(|c| c.0 == j.reader && c.1 == g.position).map(|c| c.2.as_str()).collect();
        let place =
            |f: fn(&crate::Place) -> f64| g.mark.as_ref().map(|m| f(m).to_string()).unwrap_or_default();
        writer
            .write_record([
                j.reader.clone(),
                j.simulated.to_string(),
                g.position.to_string(),
                j.item.session.to_string(),
                j.item.kind.name().to_owned(),
                j.item.repeat.to_string(),
                j.first.case.case.clone(),
                j.first.checkpoint.clone(),
                j.first.case.arm.to_string(),
                j.first.case.label.to_string(),
                j.second.as_ref().map(|c| c.case.case.clone()).unwrap_or_default(),
                g.question.name().to_owned(),
                g.score.to_string(),
                category.and_then(|c| c.as_str().map(str::to_owned)).unwrap_or_default(),
                g.points.map(|p| p.to_string()).unwrap_or_default(),
                place(|m| m.x),
                place(|m| m.y),
                g.elapsed_ms.to_string(),
                g.idle_ms.to_string(),
                g.paint_ms.to_string(),
                v.window_center.to_string(),
                v.window_width.to_string(),
                v.inverted.to_string(),
                v.smoothed.to_string(),
                v.smoothed_before.to_string(),
                v.zoom.to_string(),
                v.largest_zoom.to_string(),
                j.at_ms.to_string(),
                said.join(" | "),
            ])
            .map_err(failed)?;
    }
    writer.into_inner().map_err(|error| RoomError::Io(std::io::Error::other(error.to_string())))
}

/// What a study's numbers come from: how far the readers got, and the end of the log.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Provenance {
    /// How far the readers got.
    pub readers: Vec<store::Progress>,
    /// The end of the log, verified.
    pub log: LogHead,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wilsons_interval_is_that_of_the_tables() {
        // Newcombe (1998), Stat Med 17:857, table I: 81 of 263 gives .2553 to .3662; 0 of 20 gives 0 to .1611.
        for (share, n, low, high) in [(81.0 / 263.0, 263, 0.2553, 0.3662), (0.0, 20, 0.0, 0.1611)] {
            let (a, b) = wilson(share, n);
            assert!((a - low).abs() < 5e-5 && (b - high).abs() < 5e-5, "{a} {b}");
        }
    }
}
