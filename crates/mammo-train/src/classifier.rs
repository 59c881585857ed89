//! Training and use of a [`mammo_models::Classifier`] on planes.

use candle_core::{DType, Device, Tensor, Var};
use mammo_core::{Mask, Plane, Seed, Stream};
use mammo_models::{Classifier, ClassifierConfig, Evidence};
use mammo_ops::{AdamConfig, logistic_loss};
use rand::Rng;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

use crate::data::init_stream;
use crate::{Adam, TrainError, plane_to_tensor};

/// Everything that decides what the training of a classifier does, beside its examples.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassifierTraining {
    /// The network.
    pub network: ClassifierConfig,
    /// How often every example is drawn.
    pub epochs: usize,
    /// Examples of one step.
    pub batch_size: usize,
    /// Learning rate of the first step; it falls to 0 along half a cosine (Loshchilov and Hutter, arXiv 1608.03983,
    /// without restarts).
    pub learning_rate: f64,
    /// Seed of the first weights, of the order and of what examples draw.
    pub seed: Seed,
}

impl ClassifierTraining {
    /// 20 epochs in batches of 8 at a learning rate of 0.002.
    pub fn new(network: ClassifierConfig, seed: Seed) -> Self {
        Self { network, epochs: 20, batch_size: 8, learning_rate: 2e-3, seed }
    }

    fn check(&self) -> Result<(), TrainError> {
        let refuse = |text: &str| Err(TrainError::Config(text.to_owned()));
        if self.epochs == 0 || self.batch_size == 0 {
            return refuse("epochs and batch_size of a classifier must be at least 1");
        }
        if !(self.learning_rate > 0.0 && self.learning_rate < 1.0) {
            return refuse("learning_rate of a classifier must be above 0 and below 1");
        }
        Ok(())
    }
}

/// An image to learn from.
#[derive(Debug, Clone)]
pub struct Example {
    /// Values in `[0, 1]`; air is exactly 0 and is not looked at.
    pub plane: Plane,
    /// Whether it is of the class that is looked for.
    pub positive: bool,
    /// Where, for evidence that is everywhere in a part of the image; `None` for all of it.
    pub region: Option<Mask>,
}

/// Examples by number. An example may differ from draw to draw: a flip, a blur.
pub trait Examples: Sync {
    /// How many there are.
    fn len(&self) -> usize;

    /// Whether there is none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Example `index`; what it draws, it draws from `random`.
    fn draw(&self, index: usize, random: &mut Stream) -> Example;
}

/// A trained classifier.
pub struct TrainedClassifier {
    network: Classifier,
}

/// A classifier as it stands in a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredClassifier {
    /// The network.
    pub network: ClassifierConfig,
    /// Parameters by name.
    pub parameters: BTreeMap<String, StoredParameter>,
}

/// A parameter as it stands in a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredParameter {
    /// Sides, the slowest first.
    pub shape: Vec<usize>,
    /// Values in that order.
    pub values: Vec<f32>,
}

/// Trains a classifier. `after_step` hears of every step (done, of how many, its loss) and ends the training by `false`,
/// which then gives `None`. The same examples and configuration give the same classifier, on any number of threads.
///
/// # Errors
/// [`TrainError::Config`] and [`TrainError::Data`] for numbers and examples that make no training,
/// [`TrainError::Diverged`], and failures of the tensor library.
///
/// ```
/// use mammo_core::{Plane, Seed, Stream};
/// use mammo_models::ClassifierConfig;
/// use mammo_train::{ClassifierTraining, Example, Examples, train_classifier};
///
/// /// Smooth pictures, and pictures with a checkerboard.
/// struct Boards;
/// impl Examples for Boards {
///     fn len(&self) -> usize {
///         16
///     }
///     fn draw(&self, index: usize, _: &mut Stream) -> Example {
///         let positive = index % 2 == 1;
///         let sign = if positive { 0.02 } else { 0.0 };
///         let plane = Plane::from_fn(32, 32, |x, y| {
///             0.5 + 0.01 * index as f32 + if (x + y) % 2 == 0 { sign } else { -sign }
///         });
///         Example { plane, positive, region: None }
///     }
/// }
/// let training = ClassifierTraining::new(ClassifierConfig::tampering(), Seed(1));
/// let trained = train_classifier(&training, &Boards, &mut |_, _, _| true)?.expect("nobody ended it");
/// let logit = |index| trained.logit(&Boards.draw(index, &mut Seed(1).stream("any")).plane);
/// assert!(logit(0)? < 0.0 && logit(1)? > 0.0);
/// # Ok::<(), mammo_train::TrainError>(())
/// ```
pub fn train_classifier(
    training: &ClassifierTraining,
    examples: &dyn Examples,
    after_step: &mut dyn FnMut(usize, usize, f64) -> bool,
) -> Result<Option<TrainedClassifier>, TrainError> {
    training.check()?;
    if examples.is_empty() {
        return Err(TrainError::Data("there is no example to train a classifier on".to_owned()));
    }
    let mut random = init_stream(training.seed, "classifier");
    let network = Classifier::new(&training.network, &mut random, DType::F32, &Device::Cpu)?;
    let mut adam = Adam::new(network.parameters())?;
    let n = examples.len();
    let steps = training.epochs * n.div_ceil(training.batch_size);
    let mut done = 0;
    for epoch in 0..training.epochs {
        let mut order: Vec<usize> = (0..n).collect();
        let mut random = training.seed.stream_at("classifier/order", epoch as u64);
        for last in (1..n).rev() {
            order.swap(last, random.random_range(0..=last));
        }
        for (at, chosen) in order.chunks(training.batch_size).enumerate() {
            let batch: Vec<Example> = {
                use rayon::prelude::*;
                let first = (epoch * n + at * training.batch_size) as u64;
                let draw = |(i, &index): (usize, &usize)| {
                    examples.draw(index, &mut training.seed.stream_at("classifier/draw", first + i as u64))
                };
                chosen.par_iter().enumerate().map(draw).collect()
            };
            let loss = loss(&network, &batch)?;
            let gradients = loss.backward()?;
            let value = f64::from(loss.to_scalar::<f32>()?);
            if !value.is_finite() {
                return Err(TrainError::Diverged { step: done + 1, loss: "classifier", last_good: None });
            }
            let fallen = 0.5 + 0.5 * (std::f64::consts::PI * done as f64 / steps as f64).cos();
            let rate = training.learning_rate * fallen;
            let config = AdamConfig { learning_rate: rate, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };
            adam.tick(config)?;
            adam.update([&gradients], config)?;
            done += 1;
            if !after_step(done, steps, value) {
                return Ok(None);
            }
        }
    }
    Ok(Some(TrainedClassifier { network }))
}

/// The loss of a batch: of every place, each weighed by the tissue in it, or of the images.
fn loss(network: &Classifier, batch: &[Example]) -> Result<Tensor, TrainError> {
    let config = network.config();
    let first = batch.first().map_or((0, 0), |e| (e.plane.height(), e.plane.width()));
    let (mut images, mut weights, mut targets) = (Vec::new(), Vec::new(), Vec::new());
    for example in batch {
        let plane = &example.plane;
        if (plane.height(), plane.width()) != first {
            return Err(TrainError::Data(format!(
                "examples of {} x {} and of {} x {} pixels (height x width); bring all to one size",
                first.0,
                first.1,
                plane.height(),
                plane.width()
            )));
        }
        images.push(plane_to_tensor(plane)?);
        weights.push(tissue(config, plane)?);
        let target: Vec<f32> = match &example.region {
            Some(mask) if example.positive => shares(config, first, |x, y| mask.get(x, y)),
            _ => shares(config, first, |_, _| example.positive),
        };
        targets.push(target);
    }
    let (h, w) = config.map_size(first.0, first.1);
    let map = |rows: &[Vec<f32>]| Tensor::from_vec(rows.concat(), (rows.len(), 1, h, w), &Device::Cpu);
    let places = network.forward(&Tensor::cat(&images, 0)?)?;
    let weight = map(&weights)?;
    Ok(match config.evidence {
        Evidence::Everywhere => logistic_loss(&places, &map(&targets)?, &weight)?,
        Evidence::Somewhere => {
            let truth: Vec<f32> = batch.iter().map(|e| f32::from(u8::from(e.positive))).collect();
            let truth = Tensor::from_vec(truth, batch.len(), &Device::Cpu)?;
            logistic_loss(&network.pool(&places, &weight)?, &truth, &truth.ones_like()?)?
        }
    })
}

/// Share of the pixels of every place that are `inside`.
fn shares(
    config: &ClassifierConfig,
    (height, width): (usize, usize),
    inside: impl Fn(usize, usize) -> bool,
) -> Vec<f32> {
    let side = 1 << config.stages;
    let (h, w) = config.map_size(height, width);
    let place = |i: usize| {
        let (top, left) = (i / w * side, i % w * side);
        let (bottom, right) = ((top + side).min(height), (left + side).min(width));
        let count =
            (top..bottom).flat_map(|y| (left..right).map(move |x| (x, y))).filter(|&(x, y)| inside(x, y));
        count.count() as f32 / (side * side) as f32
    };
    (0..h * w).map(place).collect()
}

/// Share of tissue in every place.
fn tissue(config: &ClassifierConfig, plane: &Plane) -> Result<Vec<f32>, TrainError> {
    if plane.data().iter().any(|v| !v.is_finite()) {
        return Err(TrainError::Data("an image holds a value that is not a finite number".to_owned()));
    }
    let weights = shares(config, (plane.height(), plane.width()), |x, y| plane.get(x, y) > 0.0);
    if weights.iter().all(|w| *w == 0.0) {
        return Err(TrainError::Data("an image holds nothing but air".to_owned()));
    }
    Ok(weights)
}

impl TrainedClassifier {
    /// The log odds that a plane is of the class that was looked for.
    ///
    /// # Errors
    /// [`TrainError::Data`] for an image of air alone or with a value that is no number, [`TrainError::Model`] for one that
    /// is too small.
    pub fn logit(&self, plane: &Plane) -> Result<f64, TrainError> {
        let weight = self.weight(plane)?;
        let pooled = self.network.pool(&self.network.forward(&plane_to_tensor(plane)?)?, &weight)?;
        Ok(f64::from(pooled.get(0)?.to_scalar::<f32>()?))
    }

    /// The log odds of every place, and the share of tissue in it: maps of [`ClassifierConfig::map_size`].
    ///
    /// # Errors
    /// As [`Self::logit`].
    pub fn places(&self, plane: &Plane) -> Result<(Plane, Plane), TrainError> {
        let (h, w) = self.network.config().map_size(plane.height(), plane.width());
        let map = |values| Plane::new(w, h, values).map_err(|e| TrainError::Data(e.to_string()));
        let tissue = map(tissue(self.network.config(), plane)?)?;
        let places = self.network.forward(&plane_to_tensor(plane)?)?;
        Ok((map(places.flatten_all()?.to_vec1()?)?, tissue))
    }

    /// How the logit changes with every pixel's value (in `[0, 1]`): the slope that gradient attacks walk along. It is 0 in
    /// the air.
    ///
    /// # Errors
    /// As [`Self::logit`].
    pub fn slope(&self, plane: &Plane) -> Result<Plane, TrainError> {
        let weight = self.weight(plane)?;
        let x = Var::from_tensor(&plane_to_tensor(plane)?)?;
        let logit = self.network.pool(&self.network.forward(&x)?, &weight)?.sum_all()?;
        let gradients = logit.backward()?;
        let slope = match gradients.get(&x) {
            Some(slope) => slope.flatten_all()?.to_vec1::<f32>()?,
            None => vec![0.0; plane.data().len()],
        };
        // Networks see twice the plane less one.
        let values =
            slope.iter().zip(plane.data()).map(|(s, v)| if *v > 0.0 { 2.0 * s } else { 0.0 }).collect();
        Plane::new(plane.width(), plane.height(), values).map_err(|e| TrainError::Data(e.to_string()))
    }

    fn weight(&self, plane: &Plane) -> Result<Tensor, TrainError> {
        let (h, w) = self.network.config().map_size(plane.height(), plane.width());
        Ok(Tensor::from_vec(tissue(self.network.config(), plane)?, (1, 1, h, w), &Device::Cpu)?)
    }

    /// The classifier for a file.
    ///
    /// # Errors
    /// Failures of the tensor library.
    pub fn store(&self) -> Result<StoredClassifier, TrainError> {
        let parameters = self
            .network
            .parameters()
            .iter()
            .map(|(name, var)| {
                let values = var.as_detached_tensor().flatten_all()?.to_vec1()?;
                Ok((name.to_owned(), StoredParameter { shape: var.dims().to_vec(), values }))
            })
            .collect::<Result<_, candle_core::Error>>()?;
        Ok(StoredClassifier { network: self.network.config().clone(), parameters })
    }

    /// The classifier of a file.
    ///
    /// # Errors
    /// [`TrainError::Model`] for parameters that are not those of the network.
    pub fn load(stored: &StoredClassifier) -> Result<Self, TrainError> {
        let mut random = Seed(0).stream("classifier/load");
        let network = Classifier::new(&stored.network, &mut random, DType::F32, &Device::Cpu)?;
        let tensors = stored
            .parameters
            .iter()
            .map(|(name, p)| {
                if p.values.iter().any(|v| !v.is_finite())
                    || p.values.len() != p.shape.iter().product::<usize>()
                {
                    return Err(TrainError::Data(format!("the stored values of {name} are damaged")));
                }
                Ok((name.clone(), Tensor::from_vec(p.values.clone(), p.shape.as_slice(), &Device::Cpu)?))
            })
            .collect::<Result<HashMap<_, _>, TrainError>>()?;
        network.parameters().load(&tensors)?;
        Ok(Self { network })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Grainy pictures on air; those of odd number are smoother in their upper half, or carry a bright spot.
    struct Pictures {
        spot: bool,
    }

    impl Examples for Pictures {
        fn len(&self) -> usize {
            24
        }

        fn draw(&self, index: usize, random: &mut Stream) -> Example {
            let positive = index % 2 == 1;
            let spot = (random.random_range(8..24usize), random.random_range(8..40usize));
            let plane = Plane::from_fn(32, 48, |x, y| {
                let grain: f32 = random.random_range(-0.05..0.05);
                let smooth = positive && !self.spot && y < 24;
                let near = x.abs_diff(spot.0).pow(2) + y.abs_diff(spot.1).pow(2) < 16;
                let light = if positive && self.spot && near { 0.3 } else { 0.0 };
                if x > 28 { 0.0 } else { 0.4 + light + if smooth { 0.3 * grain } else { grain } }
            });
            let region = (!self.spot).then(|| Mask::from_fn(32, 48, |_, y| y < 24));
            Example { plane, positive, region }
        }
    }

    fn trained(spot: bool, epochs: usize) -> TrainedClassifier {
        let network = if spot { ClassifierConfig::malignancy() } else { ClassifierConfig::tampering() };
        let training = ClassifierTraining { epochs, ..ClassifierTraining::new(network, Seed(4)) };
        train_classifier(&training, &Pictures { spot }, &mut |_, _, _| true).unwrap().unwrap()
    }

    #[test]
    fn it_learns_and_says_where() {
        let detector = trained(false, 20);
        let picture =
            |index| Pictures { spot: false }.draw(index, &mut Seed(77).stream_at("new", index as u64));
        let logit = |index: usize| detector.logit(&picture(index).plane).unwrap();
        assert!((0..10).all(|i| logit(2 * i) < logit(2 * i + 1)));
        let (map, tissue) = detector.places(&picture(3).plane).unwrap();
        assert_eq!((map.width(), map.height()), (4, 6));
        assert!(map.get(1, 0) > 0.0 && map.get(1, 5) < 0.0, "{map:?}");
        assert_eq!((tissue.get(0, 0), tissue.get(3, 0)), (1.0, 5.0 / 8.0));
    }

    #[test]
    fn it_finds_spots_and_its_slope_leads_there() {
        let detector = trained(true, 40);
        let picture =
            |index| Pictures { spot: true }.draw(index, &mut Seed(78).stream_at("new", index as u64)).plane;
        let right = (0..20).filter(|&i| (detector.logit(&picture(i)).unwrap() > 0.0) == (i % 2 == 1)).count();
        assert!(right >= 18, "{right} of 20");
        let plane = picture(1);
        let slope = detector.slope(&plane).unwrap();
        let step = plane.zip(&slope, |v, s| if s == 0.0 { v } else { v - 0.02 * s.signum() });
        assert!(detector.logit(&step).unwrap() < detector.logit(&plane).unwrap() - 0.1);
        assert!((29..32).all(|x| slope.get(x, 20) == 0.0), "no slope in the air");
    }

    #[test]
    fn a_file_holds_all_of_it_and_damage_is_refused() {
        let detector = trained(false, 1);
        let stored = detector.store().unwrap();
        let text = serde_json::to_string(&stored).unwrap();
        let mut again: StoredClassifier = serde_json::from_str(&text).unwrap();
        assert_eq!(again, stored);
        let plane = Pictures { spot: false }.draw(1, &mut Seed(1).stream("new")).plane;
        let loaded = TrainedClassifier::load(&again).unwrap();
        assert_eq!(loaded.logit(&plane).unwrap(), detector.logit(&plane).unwrap());
        again.parameters.get_mut("head.bias").unwrap().values.push(1.0);
        assert!(TrainedClassifier::load(&again).err().unwrap().to_string().contains("head.bias"));
        again.parameters.remove("head.bias");
        assert!(TrainedClassifier::load(&again).err().unwrap().to_string().contains("head.bias"));
    }

    #[test]
    fn the_same_seed_gives_the_same_bits_and_what_cannot_be_learned_from_is_refused() {
        assert_eq!(trained(false, 2).store().unwrap(), trained(false, 2).store().unwrap());
        struct Bad(Plane);
        impl Examples for Bad {
            fn len(&self) -> usize {
                2
            }
            fn draw(&self, index: usize, _: &mut Stream) -> Example {
                let plane = if index == 0 { Plane::filled(32, 32, 0.5) } else { self.0.clone() };
                Example { plane, positive: index == 0, region: None }
            }
        }
        let training = ClassifierTraining::new(ClassifierConfig::tampering(), Seed(1));
        for (plane, part) in [
            (Plane::filled(32, 32, 0.0), "nothing but air"),
            (Plane::filled(32, 32, f32::NAN), "finite"),
            (Plane::filled(40, 32, 0.5), "one size"),
        ] {
            let result = train_classifier(&training, &Bad(plane), &mut |_, _, _| true);
            let message = result.err().unwrap().to_string();
            assert!(message.contains(part), "{message}");
        }
        let ended =
            train_classifier(&training, &Pictures { spot: false }, &mut |done, _, _| done < 2).unwrap();
        assert!(ended.is_none());
    }
}
