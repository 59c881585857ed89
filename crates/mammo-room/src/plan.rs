use crate::RoomError;
use mammo_reader::Exp1Plan;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// What a study shows and how it is run: the content of a design file.
///
/// ```
/// use mammo_room::Plan;
///
/// let plan = Plan::named("becker-exp1").unwrap();
/// assert_eq!(plan.n_images(), 60);
/// let own = Plan::from_toml("title = 'Pilot'\nsessions = 1\n[[part]]\npairs = 4\nmodified_only = 0\noriginal_only = 2")?;
/// assert_eq!((own.n_images(), own.minimum_gap), (10, 10));
/// # Ok::<(), mammo_room::RoomError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// What readers see above the study; not a hint at its question.
    pub title: String,
    /// Sittings, 1 to 10. With two or more, the images of a pair are in different ones.
    #[serde(default = "default_sessions")]
    pub sessions: usize,
    /// Days that must lie between the end of a sitting and the beginning of the next. Four weeks are common.
    #[serde(default)]
    pub washout_days: u32,
    /// Fewest images between two that show the same breast.
    #[serde(default = "default_gap")]
    pub minimum_gap: usize,
    /// Images that are shown a second time in the last sitting, for the agreement of readers with themselves.
    #[serde(default)]
    pub repeats: usize,
    /// Images with feedback before the first sitting. They are not among those of the study, nor are their patients as
    /// long as there are others.
    #[serde(default)]
    pub training_cases: usize,
    /// Whether each pair is shown side by side after all single images, with the question which one was altered.
    #[serde(default)]
    pub side_by_side: bool,
    /// Whether a reader may change answers given before.
    #[serde(default)]
    pub go_back: bool,
    /// Seconds without mouse or keyboard after which time counts as idle.
    #[serde(default = "default_idle")]
    pub idle_after_s: u32,
    /// A break is offered after so many images; 0 for never.
    #[serde(default)]
    pub break_every: usize,
    /// The images by the checkpoint of the training that the modified ones come from.
    #[serde(rename = "part")]
    pub parts: Vec<Part>,
}

/// Images of one checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// Name of the checkpoint.
    #[serde(default = "default_checkpoint")]
    pub checkpoint: String,
    /// Sources shown both as original and modified.
    pub pairs: usize,
    /// Sources shown modified only.
    pub modified_only: usize,
    /// Sources shown as original only.
    pub original_only: usize,
}

fn default_sessions() -> usize {
    2
}
fn default_gap() -> usize {
    10
}
fn default_idle() -> u32 {
    60
}
fn default_checkpoint() -> String {
    "late".to_owned()
}

impl Part {
    /// The numbers alone.
    pub fn counts(&self) -> Exp1Plan {
        Exp1Plan { pairs: self.pairs, modified_only: self.modified_only, original_only: self.original_only }
    }
}

impl Plan {
    /// The plans that come with the crate, by name.
    pub const NAMES: [&str; 2] = ["becker-exp1", "becker-exp2"];

    /// A plan that comes with the crate.
    pub fn named(name: &str) -> Option<Self> {
        let text = match name {
            "becker-exp1" => include_str!("../plans/becker-exp1.toml"),
            "becker-exp2" => include_str!("../plans/becker-exp2.toml"),
            _ => return None,
        };
        Some(Self::from_toml(text).expect("the plans of this crate are well formed"))
    }

    /// Reads a design file's text.
    ///
    /// # Errors
    /// [`RoomError::Plan`] for text that is no plan, and for a plan that cannot be carried out.
    pub fn from_toml(text: &str) -> Result<Self, RoomError> {
        let plan: Self = toml::from_str(text).map_err(|e| RoomError::Plan(e.to_string()))?;
        plan.check()?;
        Ok(plan)
    }

    /// Reads a design file, or the plan of this name.
    ///
    /// # Errors
    /// As [`Self::from_toml`], naming the file, and [`RoomError::Io`] when it cannot be read.
    pub fn read(name_or_path: &str) -> Result<Self, RoomError> {
        if let Some(plan) = Self::named(name_or_path) {
            return Ok(plan);
        }
        let path = Path::new(name_or_path);
        if !path.is_file() {
            return Err(RoomError::Plan(format!(
                "{name_or_path}: neither a file nor one of the designs {}",
                Self::NAMES.join(", ")
            )));
        }
        let text = fs_err::read_to_string(path)?;
        Self::from_toml(&text).map_err(|error| RoomError::Plan(format!("{name_or_path}: {error}")))
    }

    /// Single images that a reader sees, without repeats and training cases.
    pub fn n_images(&self) -> usize {
        self.parts.iter().map(|part| part.counts().n_cases()).sum()
    }

    fn check(&self) -> Result<(), RoomError> {
        let refuse = |what: &str| Err(RoomError::Plan(what.to_owned()));
        if self.title.trim().is_empty() {
            return refuse("title: give the study a name that readers may see");
        }
        if !(1..=10).contains(&self.sessions) {
            return refuse("sessions: choose 1 to 10");
        }
        if self.idle_after_s == 0 {
            return refuse("idle_after_s: choose at least 1 second");
        }
        if self.parts.is_empty() || self.n_images() == 0 {
            return refuse(
                "the study shows no image; give at least one [[part]] with pairs or single images",
            );
        }
        if self.n_images() > 10_000 {
            return refuse("more than 10,000 images; nobody reads that many");
        }
        if self.repeats > self.n_images() {
            return refuse("repeats: more than there are images");
        }
        let mut names: Vec<_> = self.parts.iter().map(|part| &part.checkpoint).collect();
        names.sort();
        if names.windows(2).any(|w| w[0] == w[1]) {
            return refuse("two parts name the same checkpoint; put their numbers into one");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plans_are_those_of_the_paper() {
        assert_eq!(Plan::named("becker-exp1").unwrap().n_images(), 60);
        let second = Plan::named("becker-exp2").unwrap();
        assert_eq!((second.n_images(), second.parts[0].counts().n_cases()), (72, 18));
    }

    #[test]
    fn what_cannot_be_carried_out_is_refused_by_name() {
        let good = "title = 'x'\nsessions = 1\n[[part]]\npairs = 2\nmodified_only = 0\noriginal_only = 0\n";
        assert!(Plan::from_toml(good).is_ok());
        for (bad, part) in [
            (good.replace("'x'", "' '"), "title"),
            (good.replace("sessions = 1", "sessions = 0"), "sessions"),
            (good.replace("sessions = 1", "sesions = 1"), "sesions"),
            (good.replace("pairs = 2", "pairs = 0"), "no image"),
            (good.replace("pairs = 2", "pairs = -2"), "pairs"),
            (format!("{good}[[part]]\npairs = 2\nmodified_only = 0\noriginal_only = 0\n"), "same checkpoint"),
        ] {
            let message = Plan::from_toml(&bad).unwrap_err().to_string();
            assert!(message.contains(part), "{part:?} in {message}");
        }
        assert!(Plan::read("no-such-design").unwrap_err().to_string().contains("becker-exp2"));
    }
}
