use crate::{
    Question, Rating, StudyDesign,
    linear::{Logistic, Mahalanobis, Standard},
    malignancy,
    texture::{self, Trace},
};
use mammo_core::{Plane, Seed};
use rand::Rng;
use rand_distr::StandardNormal;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// Simulated readers that there are.
pub const SIMULATED_READERS: usize = 3;

/// Ridge of the malignancy regression, in images.
const RIDGE: f64 = 5.0;
/// Share of the identity in the correlations of the tampering features.
const SHRINKAGE: f64 = 0.2;
/// Fewest training images of each label.
const FEWEST_TRAINING: usize = 5;
/// Shares of the training scores below which the ratings 1, 2, 3 and 4 end. Half of the training images show cancer.
const MALIGNANCY_CUTS: [f64; 4] = [0.3, 0.5, 0.7, 0.85];
/// The same for tampering, where no training image was altered: a rating of 3 is rare among originals.
const TAMPERING_CUTS: [f64; 4] = [0.5, 0.7, 0.85, 0.95];

/// How one simulated reader differs from another.
struct Profile {
    /// Blob sizes that it looks for, in pixels of an image 128 wide.
    sizes_px_at_128: &'static [f32],
    attention: &'static [Trace],
    /// Standard deviation of its internal noise, in standard deviations of its training scores.
    malignancy_noise: f64,
    tampering_noise: f64,
}

/// The first stands for the experienced reader, who sees more channels with less noise.
const PROFILES: [Profile; SIMULATED_READERS] = [
    Profile {
        sizes_px_at_128: &[1.0, 2.0, 4.0, 7.0, 11.0],
        attention: &[Trace::Grids, Trace::Decay, Trace::Evenness],
        malignancy_noise: 0.3,
        tampering_noise: 0.5,
    },
    Profile {
        sizes_px_at_128: &[2.0, 4.0, 8.0],
        attention: &[Trace::Decay, Trace::Background],
        malignancy_noise: 0.6,
        tampering_noise: 1.0,
    },
    Profile {
        sizes_px_at_128: &[1.5, 3.0, 6.0],
        attention: &[Trace::Evenness],
        malignancy_noise: 0.8,
        tampering_noise: 1.5,
    },
];

/// Why readers could not be simulated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SimulationError {
    /// There is no reader of this number.
    #[error("there is no simulated reader {number}; use 1 to {SIMULATED_READERS}")]
    UnknownReader {
        /// The number.
        number: usize,
    },
    /// Too few images to learn from.
    #[error(
        "{healthy} healthy and {cancer} cancer training images; a simulated reader needs at least {FEWEST_TRAINING} of each"
    )]
    TooFewTraining {
        /// Healthy images.
        healthy: usize,
        /// Cancer images.
        cancer: usize,
    },
    /// Images of different sizes.
    #[error(
        "an image of {width_px} x {height_px} pixels among images of {expected_width_px} x {expected_height_px}; bring all to one size"
    )]
    MixedSizes {
        /// Columns of the image.
        width_px: usize,
        /// Rows of the image.
        height_px: usize,
        /// Columns of the first image.
        expected_width_px: usize,
        /// Rows of the first image.
        expected_height_px: usize,
    },
    /// A pixel is NaN or infinite.
    #[error("image number {index} (counted from 0) holds a value that is not a finite number")]
    NotFinite {
        /// Position in the list.
        index: usize,
    },
    /// Not one image for each case.
    #[error("{images} images for {cases} cases; give one image for each case, in the design's order")]
    WrongCount {
        /// Images given.
        images: usize,
        /// Cases of the design.
        cases: usize,
    },
}

/// One answer of a simulated reader.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The decision variable, internal noise included; its unit is the reader's own.
    pub score: f64,
    /// The score on the scale of Becker et al., 1 to 5. ROC analysis counts its many ties one half.
    pub rating: u8,
}

/// A program that answers as a reader would: a model observer, fitted on original training images only.
///
/// *Malignancy*: a scanning channelised observer. Blobs of several sizes are sought inside the breast, the
/// strongest responses are weighed by a ridge logistic regression of cancer against healthy. *Tampering*: the
/// Mahalanobis distance of the image's fine texture from that of the training images; it has never seen an
/// altered image. Both scores get internal noise of a fixed share of their spread in training, drawn from the
/// seed, the reader, the question and the case, and become ratings by quantiles of the training scores.
///
/// It stands in for people where a study has none, says so in its name, and is no evidence about them.
#[derive(Debug, Clone)]
pub struct SimulatedReader {
    number: usize,
    name: String,
    seed: Seed,
    malignancy_standard: Standard,
    malignancy: Logistic,
    malignancy_scale: ScoreScale,
    tampering_standard: Standard,
    tampering: Mahalanobis,
    tampering_scale: ScoreScale,
}

impl SimulatedReader {
    /// Fits reader `number` (1 is the experienced one, 2 and 3 see less) on original training images in `[0, 1]`
    /// with the breast on the left and black air, all of one size.
    ///
    /// # Errors
    /// [`SimulationError`] when there are too few images, they differ in size, or hold NaN.
    pub fn fit(
        number: usize,
        healthy: &[&Plane],
        cancer: &[&Plane],
        seed: Seed,
    ) -> Result<Self, SimulationError> {
        let profile = number
            .checked_sub(1)
            .and_then(|i| PROFILES.get(i))
            .ok_or(SimulationError::UnknownReader { number })?;
        if healthy.len() < FEWEST_TRAINING || cancer.len() < FEWEST_TRAINING {
            let (healthy, cancer) = (healthy.len(), cancer.len());
            return Err(SimulationError::TooFewTraining { healthy, cancer });
        }
        let planes: Vec<&Plane> = healthy.iter().chain(cancer).copied().collect();
        check(&planes)?;
        let positive: Vec<bool> = (0..planes.len()).map(|i| i >= healthy.len()).collect();
        let name = format!("SIMULATED reader {number}");
        let seed = seed.derive(&name);

        let blobs: Vec<_> =
            planes.par_iter().map(|p| malignancy::features(p, profile.sizes_px_at_128)).collect();
        let malignancy_standard = Standard::fit(&blobs);
        let blobs: Vec<_> = blobs.iter().map(|row| malignancy_standard.apply(row)).collect();
        let malignancy = Logistic::fit(&blobs, &positive, RIDGE);
        let scores: Vec<f64> = blobs.iter().map(|row| malignancy.score(row)).collect();
        let malignancy_scale = ScoreScale::fit(
            &scores,
            profile.malignancy_noise,
            MALIGNANCY_CUTS,
            seed.derive("training/malignancy"),
        );

        let grain: Vec<_> = planes.par_iter().map(|p| texture::features(p, profile.attention)).collect();
        let tampering_standard = Standard::fit(&grain);
        let grain: Vec<_> = grain.iter().map(|row| tampering_standard.apply(row)).collect();
        let tampering = Mahalanobis::fit(&grain, SHRINKAGE);
        let scores: Vec<f64> = grain.iter().map(|row| tampering.distance(row)).collect();
        let tampering_scale = ScoreScale::fit(
            &scores,
            profile.tampering_noise,
            TAMPERING_CUTS,
            seed.derive("training/tampering"),
        );

        Ok(Self {
            number,
            name,
            seed,
            malignancy_standard,
            malignancy,
            malignancy_scale,
            tampering_standard,
            tampering,
            tampering_scale,
        })
    }

    /// "SIMULATED reader" and its number.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How likely `plane` shows cancer. `case_index` draws the internal noise: the same index, the same answer.
    pub fn malignancy(&self, plane: &Plane, case_index: u64) -> Answer {
        self.malignancy_scale.answer(self.malignancy_score(plane), self.seed.derive("malignancy"), case_index)
    }

    /// The malignancy score without internal noise, in the reader's own unit: what the observer sees of an image, for comparing
    /// two images that should differ in their lesion alone.
    pub fn malignancy_score(&self, plane: &Plane) -> f64 {
        let row = malignancy::features(plane, PROFILES[self.number - 1].sizes_px_at_128);
        self.malignancy.score(&self.malignancy_standard.apply(&row))
    }

    /// How likely `plane` was altered. `case_index` as in [`Self::malignancy`].
    pub fn tampering(&self, plane: &Plane, case_index: u64) -> Answer {
        let row = texture::features(plane, PROFILES[self.number - 1].attention);
        let score = self.tampering.distance(&self.tampering_standard.apply(&row));
        self.tampering_scale.answer(score, self.seed.derive("tampering"), case_index)
    }
}

/// Internal noise and the cut points between ratings.
#[derive(Debug, Clone)]
struct ScoreScale {
    noise_sd: f64,
    cuts: [f64; 4],
}

impl ScoreScale {
    fn fit(scores: &[f64], noise_share: f64, cut_shares: [f64; 4], seed: Seed) -> Self {
        let n = scores.len() as f64;
        let mean = scores.iter().sum::<f64>() / n;
        let sd = (scores.iter().map(|s| (s - mean).powi(2)).sum::<f64>() / n).sqrt();
        let mut scale = Self { noise_sd: noise_share * sd, cuts: [0.0; 4] };
        // The reader set its scale while it was as noisy as it is now.
        let mut noisy: Vec<f64> =
            (0u64..).zip(scores).map(|(i, &score)| scale.answer(score, seed, i).score).collect();
        noisy.sort_by(f64::total_cmp);
        scale.cuts = cut_shares.map(|share| noisy[((n - 1.0) * share) as usize]);
        scale
    }

    fn answer(&self, score: f64, seed: Seed, index: u64) -> Answer {
        let noise: f64 = seed.stream_at("internal noise", index).sample(StandardNormal);
        let score = score + self.noise_sd * noise;
        let rating = 1 + self.cuts.iter().filter(|&&cut| score > cut).count() as u8;
        Answer { score, rating }
    }
}

/// Fits all simulated readers on original training images and lets them read a study: both questions about every
/// case, ratings 1 to 5. `images[i]` is what `design.cases[i]` shows, in `[0, 1]`.
///
/// # Errors
/// [`SimulationError`] as [`SimulatedReader::fit`], and when `images` does not fit the design.
pub fn simulate_readers(
    healthy: &[&Plane],
    cancer: &[&Plane],
    design: &StudyDesign,
    images: &[&Plane],
    seed: Seed,
) -> Result<Vec<Rating>, SimulationError> {
    if images.len() != design.cases.len() {
        return Err(SimulationError::WrongCount { images: images.len(), cases: design.cases.len() });
    }
    let all: Vec<&Plane> = healthy.iter().chain(cancer).chain(images).copied().collect();
    check(&all)?;
    let mut ratings = Vec::new();
    for number in 1..=SIMULATED_READERS {
        let reader = SimulatedReader::fit(number, healthy, cancer, seed)?;
        let answers: Vec<[Rating; 2]> = images
            .par_iter()
            .zip(&design.cases)
            .enumerate()
            .map(|(i, (plane, case))| {
                let rated = |question, answer: Answer| {
                    case.rated(reader.name(), question, f64::from(answer.rating), true)
                };
                [
                    rated(Question::Malignancy, reader.malignancy(plane, i as u64)),
                    rated(Question::Tampering, reader.tampering(plane, i as u64)),
                ]
            })
            .collect();
        ratings.extend(answers.into_iter().flatten());
    }
    Ok(ratings)
}

fn check(planes: &[&Plane]) -> Result<(), SimulationError> {
    let Some(first) = planes.first() else { return Ok(()) };
    for (index, plane) in planes.iter().enumerate() {
        if (plane.width(), plane.height()) != (first.width(), first.height()) {
            return Err(SimulationError::MixedSizes {
                width_px: plane.width(),
                height_px: plane.height(),
                expected_width_px: first.width(),
                expected_height_px: first.height(),
            });
        }
        if plane.data().iter().any(|v| !v.is_finite()) {
            return Err(SimulationError::NotFinite { index });
        }
    }
    Ok(())
}
