use crate::{Arm, Question, Rating};
use mammo_core::{ImageId, Label, PatientId, Seed};
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// How many source images a study shows, and how. The default is experiment 1 of Becker et al.: 30 altered and 30
/// original images, 40 of them the two sides of 20 pairs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exp1Plan {
    /// Sources shown both as original and altered.
    pub pairs: usize,
    /// Sources shown altered only.
    pub modified_only: usize,
    /// Sources shown as original only.
    pub original_only: usize,
}

impl Default for Exp1Plan {
    fn default() -> Self {
        Self { pairs: 20, modified_only: 10, original_only: 10 }
    }
}

impl Exp1Plan {
    /// Source images that the plan needs.
    pub fn n_sources(self) -> usize {
        self.pairs + self.modified_only + self.original_only
    }

    /// Images that a reader sees.
    pub fn n_cases(self) -> usize {
        self.n_sources() + self.pairs
    }

    /// The largest plan of about these proportions that `n_healthy` and `n_cancer` sources can fill with both
    /// labels balanced in every group. Groups shrink to even sizes; the plan itself is returned if it fits.
    #[must_use]
    pub fn shrunk_to(self, n_healthy: usize, n_cancer: usize) -> Self {
        let available = 2 * n_healthy.min(n_cancer);
        let total = self.n_sources();
        if total <= available {
            return self;
        }
        let wanted = [self.pairs, self.modified_only, self.original_only];
        let mut sizes = [0usize; 3];
        // Two sources at a time to the group that lags its share most; ties go to the pairs, which tell most.
        while sizes.iter().sum::<usize>() + 2 <= available {
            let lag = |i: usize| (wanted[i] * available).cast_signed() - (sizes[i] * total).cast_signed();
            let open = (0..3).rev().filter(|&i| sizes[i] + 2 <= wanted[i]);
            let Some(next) = open.max_by_key(|&i| lag(i)) else { break };
            sizes[next] += 2;
        }
        Self { pairs: sizes[0], modified_only: sizes[1], original_only: sizes[2] }
    }
}

/// A held-out image that a study may show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceImage {
    /// The image.
    pub id: ImageId,
    /// Whose image it is.
    pub patient: PatientId,
    /// Its label.
    pub label: Label,
}

/// Why a study could not be drawn.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DesignError {
    /// Fewer sources than the plan needs.
    #[error("the plan needs {needed} source images but there are {found}; shrink the plan with `shrunk_to`")]
    TooFewSources {
        /// By the plan.
        needed: usize,
        /// Given.
        found: usize,
    },
    /// One label has too few images for an AUC in each arm.
    #[error(
        "{found} {label} source images; each arm needs at least 2 of each label, so hold out more of them"
    )]
    TooFewOfLabel {
        /// The label.
        label: Label,
        /// Sources that carry it.
        found: usize,
    },
    /// One image is given twice.
    #[error("source image {id} is given twice; give each image once")]
    Duplicate {
        /// The image.
        id: ImageId,
    },
}

/// One image as a study shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StudyCase {
    /// The opaque name that readers see: `C001`, `C002`, ... in random order.
    pub case: String,
    /// The image that it shows or was made from.
    pub source: ImageId,
    /// Whose image it is.
    pub patient: PatientId,
    /// Label of the source.
    pub label: Label,
    /// Shown as taken or altered.
    pub arm: Arm,
    /// Whether the study shows the source in both arms.
    pub paired: bool,
}

impl StudyCase {
    /// The label that the image is meant to show: the opposite of its source's if altered, else its own.
    pub fn intended_label(&self) -> Label {
        match self.arm {
            Arm::Original => self.label,
            Arm::Modified => self.label.opposite(),
        }
    }
}

/// Which images a study shows, under which names. Holds the truth, so it stays away from readers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StudyDesign {
    /// The plan that it carries out.
    pub plan: Exp1Plan,
    /// The seed that it was drawn from.
    pub seed: Seed,
    /// The images, by name.
    pub cases: Vec<StudyCase>,
}

impl StudyDesign {
    /// Draws a study from held-out images: as balanced between the labels as they allow in each of the three
    /// groups, preferring patients that the study does not show yet. The order of `sources` does not matter.
    ///
    /// # Errors
    /// [`DesignError`] when there are too few sources, of one label or in all, or one is given twice.
    pub fn draw(plan: Exp1Plan, sources: &[SourceImage], seed: Seed) -> Result<Self, DesignError> {
        let mut sources: Vec<&SourceImage> = sources.iter().collect();
        sources.sort_by_key(|s| &s.id);
        if let Some(twice) = sources.windows(2).find(|w| w[0].id == w[1].id) {
            return Err(DesignError::Duplicate { id: twice[0].id.clone() });
        }
        if sources.len() < plan.n_sources() {
            return Err(DesignError::TooFewSources { needed: plan.n_sources(), found: sources.len() });
        }
        for label in [Label::Healthy, Label::Cancer] {
            let found = sources.iter().filter(|s| s.label == label).count();
            if found < 2 {
                return Err(DesignError::TooFewOfLabel { label, found });
            }
        }
        sources.shuffle(&mut seed.stream("study/sources"));

        let mut draw = Draw { left: sources, patients: BTreeSet::new(), next: Label::Cancer };
        let mut cases = Vec::with_capacity(plan.n_cases());
        let groups: [(usize, &[Arm]); 3] = [
            (plan.pairs, &[Arm::Original, Arm::Modified]),
            (plan.modified_only, &[Arm::Modified]),
            (plan.original_only, &[Arm::Original]),
        ];
        for (size, arms) in groups {
            for _ in 0..size {
                let Some(source) = draw.next() else { break };
                cases.extend(arms.iter().map(|&arm| StudyCase {
                    case: String::new(),
                    source: source.id.clone(),
                    patient: source.patient.clone(),
                    label: source.label,
                    arm,
                    paired: arms.len() == 2,
                }));
            }
        }
        cases.shuffle(&mut seed.stream("study/names"));
        for (i, case) in cases.iter_mut().enumerate() {
            case.case = format!("C{:03}", i + 1);
        }
        Ok(Self { plan, seed, cases })
    }

    /// The case of this name.
    pub fn case(&self, name: &str) -> Option<&StudyCase> {
        self.cases.iter().find(|c| c.case == name)
    }

    /// The order in which `reader` sees the cases, as two sessions that are best some weeks apart: of each pair one
    /// image is in each session, so that no session shows twins. Drawn from the study's seed and the reader's name.
    pub fn reading_order(&self, reader: &str) -> [Vec<&StudyCase>; 2] {
        let mut random = self.seed.stream(&format!("study/order/{reader}"));
        let mut cases: Vec<&StudyCase> = self.cases.iter().collect();
        cases.shuffle(&mut random);
        let mut sessions = [Vec::new(), Vec::new()];
        let (mut shown, mut singles) = (BTreeSet::new(), 0);
        for case in cases {
            // Which twin comes first in the shuffled order is a fair coin.
            let session = if case.paired {
                usize::from(!shown.insert(&case.source))
            } else {
                singles += 1;
                singles % 2
            };
            sessions[session].push(case);
        }
        for session in &mut sessions {
            session.shuffle(&mut random);
        }
        sessions
    }
}

impl StudyCase {
    /// A reader's answer about this case, with the case's truth filled in.
    pub fn rated(&self, reader: &str, question: Question, rating: f64, simulated: bool) -> Rating {
        Rating {
            reader: reader.to_owned(),
            case: self.case.clone(),
            arm: self.arm,
            truth_label: self.label,
            truth_modified: self.arm == Arm::Modified,
            intended_label: self.intended_label(),
            pair: self.paired.then(|| self.source.to_string()),
            question,
            rating,
            simulated,
        }
    }
}

/// Sources that are still to be drawn, in random order.
struct Draw<'a> {
    left: Vec<&'a SourceImage>,
    patients: BTreeSet<&'a PatientId>,
    next: Label,
}

impl<'a> Draw<'a> {
    /// The next source: of the label whose turn it is if there is one, and of a new patient if there is one.
    fn next(&mut self) -> Option<&'a SourceImage> {
        let wanted = self.next;
        self.next = wanted.opposite();
        let rank = |s: &SourceImage| (s.label == wanted, !self.patients.contains(&s.patient));
        // The first of the best rank: `max_by_key` alone would take the last.
        let best = self.left.iter().map(|s| rank(s)).max()?;
        let at = self.left.iter().position(|s| rank(s) == best)?;
        let source = self.left.remove(at);
        self.patients.insert(&source.patient);
        Some(source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn sources(healthy: usize, cancer: usize) -> Vec<SourceImage> {
        (0..healthy + cancer)
            .map(|i| SourceImage {
                id: ImageId::new(format!("img{i}")),
                // Two images a patient.
                patient: PatientId::new(format!("p{}", i / 2)),
                label: if i < healthy { Label::Healthy } else { Label::Cancer },
            })
            .collect()
    }

    #[test]
    fn the_study_is_that_of_experiment_1() {
        let design = StudyDesign::draw(Exp1Plan::default(), &sources(60, 60), Seed(5)).unwrap();
        let count = |f: &dyn Fn(&StudyCase) -> bool| design.cases.iter().filter(|c| f(c)).count();
        assert_eq!(design.cases.len(), 60);
        for arm in [Arm::Original, Arm::Modified] {
            assert_eq!(count(&|c| c.arm == arm), 30);
            assert_eq!(count(&|c| c.arm == arm && c.label == Label::Cancer), 15);
            assert_eq!(count(&|c| c.arm == arm && c.paired), 20);
        }
        // Enough patients: each is shown by one source only.
        let mut by_patient: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for case in &design.cases {
            by_patient.entry(&case.patient).or_default().insert(&case.source);
        }
        assert!(by_patient.values().all(|sources| sources.len() == 1));
        let names: BTreeSet<_> = design.cases.iter().map(|c| &c.case).collect();
        assert_eq!(names.len(), 60);
    }

    #[test]
    fn the_draw_depends_on_the_seed_but_not_on_the_order_of_the_sources() {
        let mut turned = sources(30, 30);
        turned.reverse();
        let draw = |s: &[SourceImage], seed| StudyDesign::draw(Exp1Plan::default(), s, Seed(seed)).unwrap();
        assert_eq!(draw(&turned, 1), draw(&sources(30, 30), 1));
        assert_ne!(draw(&turned, 1).cases, draw(&turned, 2).cases);
    }

    #[test]
    fn twins_never_share_a_session_and_readers_differ() {
        let design = StudyDesign::draw(Exp1Plan::default(), &sources(60, 60), Seed(5)).unwrap();
        let orders = ["a", "b"].map(|r| design.reading_order(r));
        for order in &orders {
            assert_eq!(order[0].len() + order[1].len(), 60);
            for session in order {
                let sources: BTreeSet<_> = session.iter().map(|c| &c.source).collect();
                assert_eq!(sources.len(), session.len());
            }
        }
        assert_ne!(orders[0], orders[1]);
    }

    #[test]
    fn plans_shrink_to_what_there_is_and_keep_their_proportions() {
        let plan = Exp1Plan::default();
        assert_eq!(plan.shrunk_to(20, 200), plan);
        assert_eq!(plan.shrunk_to(8, 4), Exp1Plan { pairs: 4, modified_only: 2, original_only: 2 });
        for n in 0..20 {
            let small = plan.shrunk_to(n, 50);
            assert_eq!(small.n_sources(), 2 * n, "{small:?}");
            assert!(small.pairs + 4 >= small.modified_only + small.original_only, "{small:?}");
        }
    }

    #[test]
    fn short_supplies_are_named() {
        let draw = |h, c| StudyDesign::draw(Exp1Plan::default(), &sources(h, c), Seed(1)).unwrap_err();
        assert_eq!(draw(10, 10), DesignError::TooFewSources { needed: 40, found: 20 });
        assert_eq!(draw(60, 1), DesignError::TooFewOfLabel { label: Label::Cancer, found: 1 });
    }
}
