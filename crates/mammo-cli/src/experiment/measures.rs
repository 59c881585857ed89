//! What is measured while the networks train, on images of patients that neither train nor are judged in the end.

use super::counterfactual::score_twins;
use super::images::Images;
use super::observer::{self, Observed};
use super::region::Translator;
use crate::run::StudyImage;
use mammo_core::{Label, Mask, Plane, Seed};
use mammo_forensics::{
    Direction, ForensicsError, GridScore, RADIOMIC_NAMES, frechet_distance, grid_score, memorisation,
    radiomic_features, sliced_wasserstein,
};
use mammo_reader::SimulatedReader;
use mammo_train::CycleGan;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// Images of each label that are measured, and training images that they are compared with, at most: enough for a trend, and a
/// measurement stays a matter of seconds.
const MOST_MEASURED: usize = 32;
const MOST_COMPARED: usize = 64;

/// One line of `measures.jsonl`: the networks after some step. Distances and errors are better the smaller they are.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Measures {
    pub(crate) step: usize,
    /// Mean absolute difference of an image from what comes back of it, both ways, in grey scales.
    pub(crate) cycle_error: f64,
    /// Mean absolute difference of an image from its translation to the label that it has, in grey scales.
    pub(crate) identity_error: f64,
    /// Healthy images with lesions injected, against training images with lesions.
    pub(crate) injected: Likeness,
    /// Cancer images with lesions removed, against healthy training images.
    pub(crate) removed: Likeness,
    /// Share of the healthy images whose score a SIMULATED malignancy observer raises after injection, and of the cancer images
    /// whose score it lowers after removal.
    pub(crate) observer_raised: Option<f64>,
    pub(crate) observer_lowered: Option<f64>,
    /// Medians of the removal against the true twins; phantoms alone have them.
    pub(crate) twins: Option<Twins>,
}

/// How like a set of images is to real ones.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Likeness {
    /// Mean grid scores at two and four pixels, in dB.
    pub(crate) grid_half_db: f64,
    pub(crate) grid_quarter_db: f64,
    /// Fréchet distance of radiomic features.
    pub(crate) frechet: f64,
    /// Sliced Wasserstein distance of patches, mean over the levels.
    pub(crate) sliced_wasserstein: f64,
    /// Median distance to the nearest training image over that of held-out real images.
    pub(crate) memorisation_ratio: Option<f64>,
    /// Share of the images that are nearer to a training image than 95 % of held-out real images are.
    pub(crate) memorised_share: Option<f64>,
}

/// Medians over lesions.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Twins {
    /// Share of the lesion's contrast that was removed.
    pub(crate) contrast_removed: f64,
    /// How much closer to the twin the region is than untouched.
    pub(crate) approach: f64,
    /// Mean absolute change of the breast outside the region, in grey scales.
    pub(crate) change_outside: f64,
}

/// What real images of the same patients give: `measures-real.json`. What a perfect network would come to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct RealMeasures {
    /// Images that are measured: healthy, cancer.
    pub(crate) images: [usize; 2],
    pub(crate) cancer: Likeness,
    pub(crate) healthy: Likeness,
}

/// Images and everything about them that does not change while the networks do.
pub(crate) struct Gauge<'a> {
    seed: Seed,
    healthy: Vec<&'a StudyImage>,
    cancer: Vec<&'a StudyImage>,
    observer: SimulatedReader,
    healthy_world: World,
    cancer_world: World,
}

/// Real images of one label.
struct World {
    /// Training images, all, for the nearest.
    training: Vec<Plane>,
    /// Some of them, for distances between sets.
    compared: Vec<Plane>,
    features: Vec<Vec<f64>>,
    held_out: Vec<Plane>,
}

impl World {
    fn new(training: Vec<Plane>, held_out: &[&StudyImage]) -> Result<Self, ForensicsError> {
        let every = training.len().div_ceil(MOST_COMPARED).max(1);
        let compared: Vec<Plane> = training.iter().step_by(every).cloned().collect();
        let features = features(&compared)?;
        let held_out = held_out.iter().map(|image| image.prepared.plane.clone()).collect();
        Ok(Self { training, compared, features, held_out })
    }

    /// Measures `made`, translations of `sources`. Networks do not leave the air at exactly 0; what is in the breast is compared.
    fn likeness(
        &self,
        made: &[Plane],
        sources: &[&StudyImage],
        seed: Seed,
    ) -> Result<Likeness, ForensicsError> {
        let grids = made.par_iter().map(grid_score).collect::<Result<Vec<_>, _>>()?;
        let images: Vec<Plane> = made
            .iter()
            .zip(sources)
            .map(|(plane, source)| without_air(plane, &source.prepared.breast))
            .collect();
        let images = images.as_slice();
        let mean = |get: fn(&GridScore) -> f64| grids.iter().map(get).sum::<f64>() / grids.len() as f64;
        // The same patches at every step, so that steps differ by their images alone.
        let levels = sliced_wasserstein(images, &self.compared, &mut seed.stream("measures/patches"))?;
        let nearest = memorisation(images, &self.training, &self.held_out).ok();
        Ok(Likeness {
            grid_half_db: mean(GridScore::half_db),
            grid_quarter_db: mean(GridScore::quarter_db),
            frechet: frechet_distance(&features(images)?, &self.features)?,
            sliced_wasserstein: levels.iter().sum::<f64>() / levels.len().max(1) as f64,
            memorisation_ratio: nearest.as_ref().map(|found| found.median_ratio),
            memorised_share: nearest.as_ref().map(mammo_forensics::Memorisation::near_share),
        })
    }
}

fn without_air(plane: &Plane, breast: &Mask) -> Plane {
    Plane::from_fn(plane.width(), plane.height(), |x, y| if breast.get(x, y) { plane.get(x, y) } else { 0.0 })
}

/// The radiomic feature that preparation gives the same value in every image ([`mammo_dataset::IntensityMap`]): a deviation of
/// next to nothing that distances would be measured in.
const FIXED_BY_PREPARATION: &str = "percentile_90";

fn features(planes: &[Plane]) -> Result<Vec<Vec<f64>>, ForensicsError> {
    let varying = |features: Vec<f64>| -> Vec<f64> {
        let named = RADIOMIC_NAMES.iter().zip(features);
        named.filter(|(name, _)| **name != FIXED_BY_PREPARATION).map(|(_, value)| value).collect()
    };
    planes.par_iter().map(|plane| radiomic_features(plane).map(varying)).collect()
}

impl<'a> Gauge<'a> {
    /// Prepares the measuring; `None` where no patients were set aside for it.
    pub(crate) fn new(
        images: &'a Images,
        observer: &SimulatedReader,
        seed: Seed,
    ) -> anyhow::Result<Option<Self>> {
        let of = |label| -> Vec<&StudyImage> {
            images.validation.iter().filter(|i| i.label == label).take(MOST_MEASURED).collect()
        };
        let (healthy, cancer) = (of(Label::Healthy), of(Label::Cancer));
        if healthy.is_empty() || cancer.is_empty() {
            return Ok(None);
        }
        Ok(Some(Self {
            seed,
            healthy_world: World::new(images.training_planes(Label::Healthy), &healthy)?,
            cancer_world: World::new(images.training_planes(Label::Cancer), &cancer)?,
            healthy,
            cancer,
            observer: observer.clone(),
        }))
    }

    /// What the real images of the patients give.
    pub(crate) fn real(&self) -> anyhow::Result<RealMeasures> {
        Ok(RealMeasures {
            images: [self.healthy.len(), self.cancer.len()],
            cancer: self.cancer_world.likeness(&self.cancer_world.held_out, &self.cancer, self.seed)?,
            healthy: self.healthy_world.likeness(&self.healthy_world.held_out, &self.healthy, self.seed)?,
        })
    }

    /// Measures the networks.
    pub(crate) fn measure(&self, step: usize, model: &CycleGan) -> anyhow::Result<Measures> {
        let translator = Translator { model, seed: self.seed };
        let way = |images: &[&StudyImage], injects: bool| -> anyhow::Result<(Vec<Plane>, f64, f64)> {
            let done = images
                .par_iter()
                .map(|image| {
                    let plane = &image.prepared.plane;
                    let there = |plane: &Plane, inject: bool| {
                        if inject { translator.inject(image, plane) } else { translator.remove(image, plane) }
                    };
                    let fake = there(plane, injects)?;
                    let back = difference(&there(&fake, !injects)?, plane);
                    let same = difference(&there(plane, !injects)?, plane);
                    Ok((fake, back, same))
                })
                .collect::<anyhow::Result<Vec<_>>>()?;
            let n = done.len() as f64;
            let sum = |get: fn(&(Plane, f64, f64)) -> f64| done.iter().map(get).sum::<f64>() / n;
            let (back, same) = (sum(|d| d.1), sum(|d| d.2));
            Ok((done.into_iter().map(|(fake, ..)| fake).collect(), back, same))
        };
        let (injected, back_a, same_a) = way(&self.healthy, true)?;
        let (removed, back_b, same_b) = way(&self.cancer, false)?;
        let originals: Vec<&StudyImage> = self.healthy.iter().chain(&self.cancer).copied().collect();
        let translated = [injected.clone(), removed.clone()].concat();
        let Observed { raised_by_injection, lowered_by_removal, .. } =
            observer::observe(&self.observer, &originals, &translated);
        Ok(Measures {
            step,
            cycle_error: f64::midpoint(back_a, back_b),
            identity_error: f64::midpoint(same_a, same_b),
            injected: self.cancer_world.likeness(&injected, &self.healthy, self.seed)?,
            removed: self.healthy_world.likeness(&removed, &self.cancer, self.seed)?,
            observer_raised: raised_by_injection.map(|share| share.share),
            observer_lowered: lowered_by_removal.map(|share| share.share),
            twins: self.twins(translator)?,
        })
    }

    fn twins(&self, translator: Translator) -> anyhow::Result<Option<Twins>> {
        let cases = self
            .cancer
            .par_iter()
            .map(|image| score_twins(image, translator, &[Direction::Removal]))
            .collect::<anyhow::Result<Vec<_>>>()?
            .concat();
        let median = |values: Vec<f64>| -> Option<f64> {
            let mut values = values;
            values.sort_by(f64::total_cmp);
            let n = values.len();
            (n > 0).then(|| f64::midpoint(values[(n - 1) / 2], values[n / 2]))
        };
        let of = |get: &dyn Fn(&mammo_forensics::CounterfactualCase) -> Option<f64>| {
            median(cases.iter().filter_map(get).collect())
        };
        Ok(match (of(&|c| c.contrast_share()), of(&|c| c.approach()), of(&|c| Some(c.change_outside))) {
            (Some(contrast_removed), Some(approach), Some(change_outside)) => {
                Some(Twins { contrast_removed, approach, change_outside })
            }
            _ => None,
        })
    }
}

fn difference(a: &Plane, b: &Plane) -> f64 {
    a.data().iter().zip(b.data()).map(|(a, b)| f64::from((a - b).abs())).sum::<f64>() / a.data().len() as f64
}

/// How far above real images, in dB, the mean grid score of generated ones is a grid: single images scatter by 1.5, means over
/// twenty by a quarter of it.
const GRID_SETS_IN_DB: f64 = 1.0;

/// The first measured step from which on the grid stays: generated images of one direction stand out from real ones by more than
/// the scatter, at two or at four pixels. `None` if it has not set in, or went away again.
pub(crate) fn grid_onset(measures: &[Measures], real: &RealMeasures) -> Option<usize> {
    let grid = |made: &Likeness, real: &Likeness| {
        made.grid_half_db > real.grid_half_db + GRID_SETS_IN_DB
            || made.grid_quarter_db > real.grid_quarter_db + GRID_SETS_IN_DB
    };
    let has_grid = |m: &Measures| grid(&m.injected, &real.cancer) || grid(&m.removed, &real.healthy);
    let last_without = measures.iter().rposition(|m| !has_grid(m));
    measures.get(last_without.map_or(0, |i| i + 1)).map(|m| m.step)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn measures(step: usize, grid_db: f64, approach: f64) -> Measures {
        let likeness = Likeness {
            grid_half_db: grid_db,
            grid_quarter_db: 0.0,
            frechet: 1.0,
            sliced_wasserstein: 0.5,
            memorisation_ratio: None,
            memorised_share: None,
        };
        Measures {
            step,
            cycle_error: 0.1,
            identity_error: 0.1,
            injected: likeness.clone(),
            removed: likeness,
            observer_raised: Some(0.5),
            observer_lowered: None,
            twins: Some(Twins { contrast_removed: 0.5, approach, change_outside: 0.01 }),
        }
    }

    #[test]
    fn a_grid_has_set_in_where_it_stays() {
        let likeness = measures(0, 0.2, 0.0).injected;
        let real = RealMeasures { images: [20, 20], cancer: likeness.clone(), healthy: likeness };
        let onset = |grids: &[f64]| {
            let all: Vec<_> =
                grids.iter().enumerate().map(|(i, db)| measures(100 * (i + 1), *db, 0.0)).collect();
            grid_onset(&all, &real)
        };
        assert_eq!(onset(&[0.3, 2.0, 0.4, 1.5, 3.0]), Some(400));
        assert_eq!(onset(&[2.0, 2.0]), Some(100));
        assert_eq!(onset(&[2.0, 0.0]), None);
        assert_eq!(onset(&[]), None);
    }
}
