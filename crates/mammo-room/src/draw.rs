use crate::{Plan, RoomError};
use mammo_core::{Plane, Seed};
use mammo_reader::{Arm, SourceImage, StudyCase, StudyDesign};
use rand::Rng;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A held-out image that a study may show, with what was made of it.
#[derive(Debug, Clone)]
pub struct Source {
    /// Which image, whose, and its label.
    pub image: SourceImage,
    /// The image in `[0, 1]`.
    pub original: Plane,
    /// Its translations in `[0, 1]` by the name of the checkpoint; all of the original's size.
    pub modified: BTreeMap<String, Plane>,
}

/// One image of a study with its truth.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedCase {
    /// Random letters and digits under which the reading room knows the image.
    pub id: String,
    /// The checkpoint that a modified image comes from, and whose part an original belongs to.
    pub checkpoint: String,
    /// What it shows.
    #[serde(flatten)]
    pub case: StudyCase,
}

/// What is true of the images of a study. It stays away from the reading room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Truth {
    /// The form of this file.
    pub schema: String,
    /// The plan as it was carried out.
    pub plan: Plan,
    /// The number that everything was drawn from; it decides the order of every reader.
    pub seed: Seed,
    /// The images of the study.
    pub cases: Vec<SealedCase>,
    /// The images with feedback.
    pub training: Vec<SealedCase>,
}

impl Truth {
    /// The form of `truth.json`.
    pub const SCHEMA: &str = "mammo-room-truth/1";

    /// The case of this id, training cases included.
    pub fn case(&self, id: &str) -> Option<&SealedCase> {
        self.cases.iter().chain(&self.training).find(|case| case.id == id)
    }

    /// The pairs: ids of the original and the modified image of each source that the study shows in both arms.
    pub fn pairs(&self) -> Vec<(&SealedCase, &SealedCase)> {
        let of = |arm| self.cases.iter().filter(move |c| c.case.paired && c.case.arm == arm);
        of(Arm::Original)
            .filter_map(|original| {
                let twin = of(Arm::Modified)
                    .find(|m| m.case.source == original.case.source && m.checkpoint == original.checkpoint)?;
                Some((original, twin))
            })
            .collect()
    }
}

/// Draws a study. The part with the most images is drawn first and with `seed` itself, so that a plan of one part gives
/// the study that [`StudyDesign::draw`] gives; the other parts show other sources. Parts shrink to what the sources
/// allow.
///
/// # Errors
/// [`RoomError::Draw`] when there are too few sources, [`RoomError::Plan`] when none has the checkpoint of a part.
pub fn draw(plan: &Plan, sources: &[Source], seed: Seed) -> Result<Truth, RoomError> {
    let mut used: BTreeSet<String> = BTreeSet::new();
    let mut drawn = plan.clone();
    let mut cases = Vec::new();
    let mut order: Vec<usize> = (0..plan.parts.len()).collect();
    order.sort_by_key(|&i| std::cmp::Reverse(plan.parts[i].counts().n_cases()));
    for (turn, index) in order.into_iter().enumerate() {
        let part = &plan.parts[index];
        let candidates: Vec<SourceImage> = sources
            .iter()
            .filter(|s| !used.contains(s.image.id.as_str()) && s.modified.contains_key(&part.checkpoint))
            .map(|s| s.image.clone())
            .collect();
        if candidates.is_empty() {
            return Err(RoomError::Plan(format!(
                "no image is left with a translation of the checkpoint {:?}; give the run that made it",
                part.checkpoint
            )));
        }
        let count = |label| candidates.iter().filter(|s| s.label == label).count();
        let counts =
            part.counts().shrunk_to(count(mammo_core::Label::Healthy), count(mammo_core::Label::Cancer));
        let seed = if turn == 0 { seed } else { seed.derive(&format!("part/{}", part.checkpoint)) };
        let design = StudyDesign::draw(counts, &candidates, seed)?;
        let part = &mut drawn.parts[index];
        (part.pairs, part.modified_only, part.original_only) =
            (counts.pairs, counts.modified_only, counts.original_only);
        let several = plan.parts.len() > 1;
        for mut case in design.cases {
            used.insert(case.source.to_string());
            if several {
                case.case = format!("{}-{}", part.checkpoint, case.case);
            }
            cases.push(SealedCase { id: String::new(), checkpoint: part.checkpoint.clone(), case });
        }
    }
    let mut training = training(plan, sources, &cases, seed);
    drawn.training_cases = training.len();
    name(cases.iter_mut().chain(&mut training), seed);
    // The order in a file must say nothing either.
    cases.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(Truth { schema: Truth::SCHEMA.to_owned(), plan: drawn, seed, cases, training })
}

/// Images with feedback: images that the study does not show, of patients that it does not show as far as there are any,
/// the four kinds (original or modified, healthy or cancer) in turn.
fn training(plan: &Plan, sources: &[Source], cases: &[SealedCase], seed: Seed) -> Vec<SealedCase> {
    use rand::seq::SliceRandom;
    let mut patients: BTreeSet<&str> = cases.iter().map(|c| c.case.patient.as_str()).collect();
    let used: BTreeSet<&str> = cases.iter().map(|c| c.case.source.as_str()).collect();
    let mut left: Vec<&Source> = sources.iter().filter(|s| !used.contains(s.image.id.as_str())).collect();
    left.sort_by(|a, b| a.image.id.cmp(&b.image.id));
    left.shuffle(&mut seed.stream("room/training"));
    let mut found = Vec::new();
    let kinds = [Arm::Original, Arm::Modified]
        .into_iter()
        .flat_map(|arm| [mammo_core::Label::Cancer, mammo_core::Label::Healthy].map(|label| (arm, label)));
    for (arm, label) in kinds.cycle().take(plan.training_cases) {
        let new = |s: &&Source| !patients.contains(s.image.patient.as_str());
        let at = left.iter().position(|s| s.image.label == label && new(s));
        let at = at.or_else(|| left.iter().position(|s| s.image.label == label));
        let Some(at) = at.or_else(|| (!left.is_empty()).then_some(0)) else { break };
        let source = left.remove(at);
        let checkpoint = source.modified.keys().next_back().cloned().unwrap_or_default();
        patients.insert(source.image.patient.as_str());
        found.push(SealedCase {
            id: String::new(),
            checkpoint,
            case: StudyCase {
                case: format!("training {}", found.len() + 1),
                source: source.image.id.clone(),
                patient: source.image.patient.clone(),
                label: source.image.label,
                arm,
                paired: false,
            },
        });
    }
    found
}

/// Random names without letters and digits that look alike.
fn name<'a>(cases: impl Iterator<Item = &'a mut SealedCase>, seed: Seed) {
    const SIGNS: &[u8] = b"abcdefghjkmnpqrstuvwxyz23456789";
    let mut random = seed.stream("room/ids");
    let mut given = BTreeSet::new();
    for case in cases {
        loop {
            let id: String =
                (0..10).map(|_| char::from(SIGNS[random.random_range(0..SIGNS.len())])).collect();
            if given.insert(id.clone()) {
                case.id = id;
                break;
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use mammo_core::{ImageId, Label, PatientId};

    /// Sources of as many patients, half of them healthy, with translations by both checkpoints.
    pub(crate) fn sources(n: usize) -> Vec<Source> {
        (0..n)
            .map(|i| {
                let original = Plane::from_fn(12, 16, |x, y| ((x * 5 + y * 3 + i) % 16) as f32 / 15.0);
                let modified = ["early", "late"]
                    .map(|name| (name.to_owned(), original.map(|v| (v * 0.9 + 0.05).min(1.0))));
                Source {
                    image: SourceImage {
                        id: ImageId::new(format!("img{i}")),
                        patient: PatientId::new(format!("p{i}")),
                        label: if i % 2 == 0 { Label::Healthy } else { Label::Cancer },
                    },
                    original,
                    modified: modified.into(),
                }
            })
            .collect()
    }

    #[test]
    fn a_plan_of_one_part_gives_the_study_of_a_run() {
        let sources = sources(60);
        let plan = Plan::named("becker-exp1").unwrap();
        let truth = draw(&plan, &sources, Seed(4)).unwrap();
        let images: Vec<_> = sources.iter().map(|s| s.image.clone()).collect();
        let design = StudyDesign::draw(plan.parts[0].counts(), &images, Seed(4)).unwrap();
        let mut ours: Vec<_> = truth.cases.iter().map(|c| c.case.clone()).collect();
        ours.sort_by(|a, b| a.case.cmp(&b.case));
        assert_eq!(ours, design.cases);
        assert_eq!(truth.pairs().len(), 20);
        assert_eq!(truth, draw(&plan, &sources, Seed(4)).unwrap());
    }

    #[test]
    fn checkpoints_show_other_sources_and_training_other_patients() {
        let truth = draw(&Plan::named("becker-exp2").unwrap(), &sources(80), Seed(1)).unwrap();
        assert_eq!((truth.cases.len(), truth.training.len()), (72, 4));
        let of = |name: &str| -> BTreeSet<_> {
            truth.cases.iter().filter(|c| c.checkpoint == name).map(|c| c.case.source.clone()).collect()
        };
        assert_eq!((of("early").len(), of("late").len()), (12, 36));
        assert!(of("early").is_disjoint(&of("late")));
        let shown: BTreeSet<_> = truth.cases.iter().map(|c| &c.case.patient).collect();
        assert!(truth.training.iter().all(|c| !shown.contains(&c.case.patient)));
        let ids: BTreeSet<_> = truth.cases.iter().chain(&truth.training).map(|c| &c.id).collect();
        assert_eq!(ids.len(), 76);
    }

    #[test]
    fn a_plan_shrinks_to_what_there_is_and_a_missing_checkpoint_is_named() {
        let truth = draw(&Plan::named("becker-exp1").unwrap(), &sources(20), Seed(1)).unwrap();
        let part = &truth.plan.parts[0];
        assert_eq!(part.pairs + part.modified_only + part.original_only, 20);
        assert_eq!(truth.plan.training_cases, 0);
        let mut late = sources(60);
        for source in &mut late {
            source.modified.remove("early");
        }
        let error = draw(&Plan::named("becker-exp2").unwrap(), &late, Seed(1)).unwrap_err();
        assert!(error.to_string().contains("\"early\""), "{error}");
    }
}
