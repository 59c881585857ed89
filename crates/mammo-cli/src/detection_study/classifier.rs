//! The malignancy classifier and the gradient attacks on it, as the seed of the study describes them.

use super::config::DetectionConfig;
use super::parts::Roles;
use crate::run::StudyImage;
use crate::{interrupt, progress::Progress};
use mammo_augment::Augmentation;
use mammo_core::{Label, Plane, Stream};
use mammo_detect::GradientAttack;
use mammo_models::ClassifierConfig;
use mammo_train::{ClassifierTraining, Example, Examples, TrainedClassifier, train_classifier};
use rand::Rng;

/// Gradient attacks, with their names in tables. Reaches are whole grey levels of 8 bits.
pub(super) const ATTACKS: [(&str, GradientAttack); 5] = [
    ("fast gradient, 1 level", GradientAttack { reach: 1.0 / 255.0, steps: 1 }),
    ("fast gradient, 2 levels", GradientAttack { reach: 2.0 / 255.0, steps: 1 }),
    ("fast gradient, 4 levels", GradientAttack { reach: 4.0 / 255.0, steps: 1 }),
    ("fast gradient, 8 levels", GradientAttack { reach: 8.0 / 255.0, steps: 1 }),
    (ITERATED, GradientAttack { reach: 4.0 / 255.0, steps: 10 }),
];

/// The attack that detectors are trained on, too.
pub(super) const ITERATED: &str = "iterated gradient, 4 levels, 10 steps";

/// Images with their labels, as many draws of each label as of the other.
struct Labelled<'a> {
    healthy: Vec<&'a Plane>,
    cancer: Vec<&'a Plane>,
    augmentation: Option<&'a Augmentation>,
}

impl Examples for Labelled<'_> {
    fn len(&self) -> usize {
        2 * self.healthy.len().max(self.cancer.len())
    }

    fn draw(&self, index: usize, random: &mut Stream) -> Example {
        let positive = index % 2 == 1;
        let planes = if positive { &self.cancer } else { &self.healthy };
        let mut plane = planes[index / 2 % planes.len()].clone();
        if let Some(augmentation) = self.augmentation {
            plane = augmentation.draw(random).apply(&plane);
        }
        if random.random_bool(0.5) {
            plane =
                Plane::from_fn(plane.width(), plane.height(), |x, y| plane.get(x, plane.height() - 1 - y));
        }
        Example { plane, positive, region: None }
    }
}

/// Trains the classifier on the originals of the parts that are not judged; `None` when an end has been asked for.
pub(super) fn train(config: &DetectionConfig, roles: Roles) -> anyhow::Result<Option<TrainedClassifier>> {
    let known: Vec<&StudyImage> = roles.generators.iter().chain(roles.detectors).collect();
    let of = |label| known.iter().filter(|i| i.label == label).map(|i| &i.prepared.plane).collect();
    let examples = Labelled {
        healthy: of(Label::Healthy),
        cancer: of(Label::Cancer),
        augmentation: config.preset.train.augmentation.as_ref(),
    };
    let training = ClassifierTraining {
        epochs: config.preset.classifier_epochs,
        ..ClassifierTraining::new(
            ClassifierConfig::malignancy(),
            config.seed.derive(&format!("{}/malignancy", roles.folder())),
        )
    };
    let progress = Progress::new("malignancy", 1);
    let trained = train_classifier(&training, &examples, &mut |done, of, loss| {
        progress.set_total(of);
        progress.set(done, || format!("loss {loss:.2}"));
        !interrupt::asked()
    })?;
    progress.finish("classifier trained");
    Ok(trained)
}
