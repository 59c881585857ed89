use crate::{RoomError, Source, Truth};
use fs_err as fs;
use mammo_core::Label;
use mammo_core::Plane;
use mammo_png::{Mark, encode_gray16_stored, write_png};
use mammo_reader::Arm;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What the reading room knows of a study: `study.json`. It holds no truth but that of the training cases, which readers
/// are told anyway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenStudy {
    /// The form of this file.
    pub schema: String,
    /// What readers see above the study.
    pub title: String,
    /// Columns of every image.
    pub width_px: usize,
    /// Rows of every image.
    pub height_px: usize,
    /// Sittings.
    pub sessions: usize,
    /// Days between sittings.
    pub washout_days: u32,
    /// Whether answers may be changed.
    pub go_back: bool,
    /// Seconds after which time counts as idle.
    pub idle_after_s: u32,
    /// Images between offers of a break; 0 for never.
    pub break_every: usize,
    /// SHA-256 of the picture of each image, by the image's id.
    pub images: BTreeMap<String, String>,
    /// What readers are told after a training case, by its id.
    pub feedback: BTreeMap<String, Feedback>,
}

/// The mark of every image that readers may see, original or not: a mark that told them apart would tell the readers.
pub const STUDY_IMAGE: &str = "an image of a reader study, in which some images are made by a CycleGAN";

/// The truth of a training case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feedback {
    /// The label of the source.
    pub label: Label,
    /// Whether the image was altered.
    pub modified: bool,
}

/// A study as a folder: `study.json`, `images/`, `truth/truth.json`, and `room.sqlite` once it has readers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StudyFolder {
    root: PathBuf,
}

impl StudyFolder {
    /// The form of `study.json`.
    pub const SCHEMA: &str = "mammo-room-study/1";

    /// The folder at `root`, which need not be there yet.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The answers and their log.
    pub fn database(&self) -> PathBuf {
        self.root.join("room.sqlite")
    }

    /// What is true. The reading room never opens it; it can be taken away while people read.
    pub fn truth_path(&self) -> PathBuf {
        self.root.join("truth").join("truth.json")
    }

    /// The picture of an image.
    pub fn picture(&self, id: &str) -> PathBuf {
        self.root.join("images").join(format!("{id}.png"))
    }

    /// Writes a new study. Every picture, original or not, is a grey 16-bit PNG without compression and with one and the
    /// same mark, so that all have one length and one head.
    ///
    /// # Errors
    /// [`RoomError::Study`] when the folder is not empty or the images differ in size.
    pub fn create(root: &Path, truth: &Truth, sources: &[Source], made_by: &str) -> Result<Self, RoomError> {
        let folder = Self::new(root);
        let wrong = |what: String| RoomError::Study { path: root.to_owned(), what };
        if root.exists() && (!root.is_dir() || fs::read_dir(root)?.next().is_some()) {
            return Err(wrong("the folder is not empty; choose another one for the study".to_owned()));
        }
        let plane = |case: &crate::SealedCase| -> Option<&Plane> {
            let source = sources.iter().find(|s| s.image.id == case.case.source)?;
            match case.case.arm {
                Arm::Original => Some(&source.original),
                Arm::Modified => source.modified.get(&case.checkpoint),
            }
        };
        let all: Vec<_> = truth.cases.iter().chain(&truth.training).collect();
        let mut size = None;
        for case in &all {
            let plane =
                plane(case).ok_or_else(|| wrong(format!("there is no image for {}", case.case.case)))?;
            let this = (plane.width(), plane.height());
            if *size.get_or_insert(this) != this {
                return Err(wrong(format!(
                    "an image of {} x {} pixels among images of another size; readers must not see a difference, so \
                     bring all to one size",
                    this.0, this.1
                )));
            }
        }
        let (width_px, height_px) = size.ok_or_else(|| wrong("the study has no images".to_owned()))?;
        mammo_files::create_dir(&root.join("images"))?;
        mammo_files::create_dir(&root.join("truth"))?;
        let mark = Mark::new(made_by, STUDY_IMAGE);
        let mut images = BTreeMap::new();
        for case in &all {
            let plane = plane(case).expect("looked up above");
            let bytes = encode_gray16_stored(plane, &mark)?;
            images.insert(case.id.clone(), mammo_files::sha256(&bytes));
            write_png(&folder.picture(&case.id), &bytes)?;
        }
        let feedback = truth.training.iter().map(|case| {
            let feedback = Feedback { label: case.case.label, modified: case.case.arm == Arm::Modified };
            (case.id.clone(), feedback)
        });
        mammo_files::write_json(&folder.truth_path(), truth)?;
        let plan = &truth.plan;
        let open = OpenStudy {
            schema: Self::SCHEMA.to_owned(),
            title: plan.title.clone(),
            width_px,
            height_px,
            sessions: plan.sessions,
            washout_days: plan.washout_days,
            go_back: plan.go_back,
            idle_after_s: plan.idle_after_s,
            break_every: plan.break_every,
            images,
            feedback: feedback.collect(),
        };
        // Last, because a folder with this file is whole.
        mammo_files::write_json(&root.join("study.json"), &open)?;
        Ok(folder)
    }

    /// Reads what the reading room may know, and makes sure that every picture is the one that was designed.
    ///
    /// # Errors
    /// [`RoomError::Study`] for a folder that is no study or was changed.
    pub fn open(&self) -> Result<OpenStudy, RoomError> {
        let study = self.read_open()?;
        for (id, sha256) in &study.images {
            let path = self.picture(id);
            if !path.is_file() || mammo_files::sha256_file(&path)? != *sha256 {
                return Err(RoomError::Study {
                    path,
                    what: "the picture is missing or is not the one that was designed; bring it back from a copy"
                        .to_owned(),
                });
            }
        }
        Ok(study)
    }

    /// Reads `study.json` alone.
    ///
    /// # Errors
    /// [`RoomError::Study`] for a folder that is no study.
    pub fn read_open(&self) -> Result<OpenStudy, RoomError> {
        let path = self.root.join("study.json");
        let study: OpenStudy = if path.is_file() {
            mammo_files::read_json(&path)?
        } else {
            return Err(RoomError::Study {
                path: self.root.clone(),
                what: "there is no study in this folder; make one by mammo study design".to_owned(),
            });
        };
        if study.schema != Self::SCHEMA {
            let what = format!("a study of the form {}; this version reads {}", study.schema, Self::SCHEMA);
            return Err(RoomError::Study { path, what });
        }
        Ok(study)
    }

    /// Opens the seal. Only for adding readers, exports and analyses.
    ///
    /// # Errors
    /// [`RoomError::Study`] when it is not there.
    pub fn truth(&self) -> Result<Truth, RoomError> {
        let path = self.truth_path();
        if !path.is_file() {
            return Err(RoomError::Study {
                path,
                what: "the sealed truth is not in its place; put it back for this step".to_owned(),
            });
        }
        Ok(mammo_files::read_json(&path)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Plan, draw, draw::tests::sources};
    use mammo_core::Seed;

    #[test]
    fn pictures_of_both_arms_have_one_length_and_one_head() {
        let sources = sources(60);
        let truth = draw(&Plan::named("becker-exp1").unwrap(), &sources, Seed(1)).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let folder = StudyFolder::create(&dir.path().join("s"), &truth, &sources, "test").unwrap();
        let study = folder.open().unwrap();
        assert_eq!(study.images.len(), 64);
        let bytes: Vec<_> = study.images.keys().map(|id| fs::read(folder.picture(id)).unwrap()).collect();
        let head = bytes[0].windows(4).position(|w| w == b"IDAT").unwrap() + 4;
        assert!(bytes.iter().all(|b| b.len() == bytes[0].len() && b[..head] == bytes[0][..head]));
        let text = fs::read_to_string(folder.root().join("study.json")).unwrap();
        for word in ["original", "seed", "source", "patient", "p1"] {
            assert!(!text.contains(&format!("\"{word}")), "{word}");
        }
        assert_eq!(folder.truth().unwrap(), truth);

        let again = StudyFolder::create(folder.root(), &truth, &sources, "test").unwrap_err();
        assert!(again.to_string().contains("not empty"));
        fs::write(folder.picture(&truth.cases[0].id), b"x").unwrap();
        assert!(folder.open().unwrap_err().to_string().contains("not the one that was designed"));
    }
}
