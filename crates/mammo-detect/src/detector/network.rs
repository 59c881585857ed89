use super::{DetectorSettings, Sample, StoredMethod, Trained, copy};
use crate::{DetectError, Handling, Spliced, as_seen};
use mammo_core::{Mask, Plane, Stream};
use mammo_models::ClassifierConfig;
use mammo_train::{ClassifierTraining, Example, Examples, train_classifier};
use rand::Rng;
use rayon::prelude::*;

/// Share of altered examples of which only a part comes from the altered image, so that places learn to answer for
/// themselves.
const SPLICED: f64 = 0.3;

/// Every sample once as it was and once altered.
struct Pairs<'a> {
    samples: Vec<&'a Sample>,
    handled: f64,
}

impl Examples for Pairs<'_> {
    fn len(&self) -> usize {
        2 * self.samples.len()
    }

    fn draw(&self, index: usize, random: &mut Stream) -> Example {
        let sample = self.samples[index / 2];
        let (mut plane, mut region) = (sample.original.clone(), None);
        let positive = index % 2 == 1;
        if positive {
            let modified = &sample.modified[random.random_range(0..sample.modified.len())];
            if random.random_bool(SPLICED) {
                let side = plane.width().min(plane.height()) as f64;
                let spliced = Spliced::draw(&plane, modified, side / 16.0..=side / 4.0, random);
                (plane, region) = (spliced.plane, Some(spliced.disc));
            } else {
                plane = modified.clone();
            }
        }
        if random.random_bool(self.handled) {
            plane = as_seen(&Handling::draw(random).apply(&plane, random));
        }
        if random.random_bool(0.5) {
            let (width, height) = (plane.width(), plane.height());
            plane = Plane::from_fn(width, height, |x, y| plane.get(x, height - 1 - y));
            region = region.map(|mask| Mask::from_fn(width, height, |x, y| mask.get(x, height - 1 - y)));
        }
        Example { plane, positive, region }
    }
}

/// Trains the network without the first fold, whose scores calibrate it.
pub(super) fn train(
    samples: &[Sample],
    folds: &[usize],
    settings: &DetectorSettings,
    epochs: usize,
    after_step: &mut dyn FnMut(usize, usize) -> bool,
) -> Result<Option<Trained>, DetectError> {
    let copies = settings.handled_copies as f64;
    let seen = samples.iter().zip(folds).filter(|(sample, fold)| **fold != 0 && !sample.modified.is_empty());
    let pairs = Pairs { samples: seen.map(|(sample, _)| sample).collect(), handled: copies / (copies + 1.0) };
    let training = ClassifierTraining {
        epochs,
        ..ClassifierTraining::new(ClassifierConfig::tampering(), settings.seed.derive("detector/network"))
    };
    let trained = train_classifier(&training, &pairs, &mut |done, of, _| after_step(done, of))?;
    let Some(classifier) = trained else { return Ok(None) };
    let mut wanted = Vec::new();
    for sample in samples.iter().zip(folds).filter(|(_, fold)| **fold == 0).map(|(sample, _)| sample) {
        for which in 0..=sample.modified.len() {
            wanted.extend((0..=settings.handled_copies).map(|k| (sample, which, k)));
        }
    }
    let unseen = wanted
        .par_iter()
        .map(|&(sample, which, k)| {
            let plane = if which == 0 { &sample.original } else { &sample.modified[which - 1] };
            Ok((which > 0, classifier.logit(&copy(plane, sample, which, k, settings.seed))?))
        })
        .collect::<Result<Vec<_>, DetectError>>()?;
    Ok(Some((unseen, StoredMethod::Network(classifier.store()?))))
}
