use crate::{
    Estimate, ForensicsError,
    bootstrap::{cluster_draws, median_estimate},
    check_size,
    contrast::{lesion_contrast, ring_width_px},
    mean_abs_difference,
};
use mammo_core::{ImageId, Mask, PatientId, Plane};
use rand::Rng;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, fmt};

/// What a translation was meant to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Cancer to healthy: take the lesion away. The true twin is the same breast without it.
    Removal,
    /// Healthy to cancer: add a lesion. The true twin is the same breast with its lesion.
    Injection,
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Removal => "removal",
            Self::Injection => "injection",
        })
    }
}

/// The images that one score is computed from; all of one size, values in `[0, 1]`.
#[derive(Debug, Clone, Copy)]
pub struct Counterfactual<'a> {
    /// What went into the network.
    pub input: &'a Plane,
    /// What came out.
    pub translated: &'a Plane,
    /// The truth: the same breast with the lesion absent (removal) or present (injection).
    pub twin: &'a Plane,
    /// Where the lesion is in whichever of the two twins has it.
    pub lesion: &'a Mask,
    /// Where the breast is.
    pub breast: &'a Mask,
}

/// How near one translation came to the true twin.
///
/// An injection need not put its lesion where the twin has it: for that direction the score asks whether the network
/// found the twin, and says nothing about how convincing a lesion elsewhere is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CounterfactualCase {
    /// The input image.
    pub id: ImageId,
    /// Whose breast it is; cases of one patient are resampled together.
    pub patient: PatientId,
    /// What the translation was meant to do.
    pub direction: Direction,
    /// Lesion contrast of the input, in units of the plane (see [`lesion_contrast`]).
    pub contrast_before: f64,
    /// Lesion contrast of the translation.
    pub contrast_after: f64,
    /// Lesion contrast of the true twin.
    pub contrast_twin: f64,
    /// Mean absolute difference of the input from the twin, inside the region of the lesion and its ring.
    pub distance_untouched: f64,
    /// Mean absolute difference of the translation from the twin, inside the same region.
    pub distance_after: f64,
    /// Mean absolute change inside the same region.
    pub change_inside: f64,
    /// Mean absolute change in the breast outside the region. Zero when the region covers the breast.
    pub change_outside: f64,
    /// Standard deviation of the lesion-free twin inside the region, in units of the plane: what the tissue does there by
    /// itself. NaN in files of versions that did not measure it.
    #[serde(default = "not_measured", deserialize_with = "number_or_not_measured")]
    pub tissue_deviation: f64,
}

fn not_measured() -> f64 {
    f64::NAN
}

/// JSON has no NaN and writes null.
fn number_or_not_measured<'de, D: serde::Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    Ok(Option::<f64>::deserialize(from)?.unwrap_or(f64::NAN))
}

impl CounterfactualCase {
    /// The share of the contrast's way to the twin that the translation went: 0 for nothing, 1 for the twin's contrast,
    /// negative for the wrong way. `None` when input and twin hardly differ in contrast.
    pub fn contrast_share(&self) -> Option<f64> {
        let way = self.contrast_twin - self.contrast_before;
        // A thousandth of the grey scale: less is below one 8-bit level and a quotient of noise.
        (way.abs() > 1e-3).then(|| (self.contrast_after - self.contrast_before) / way)
    }

    /// Contrast of the lesion over the deviation of the tissue that it lies in: below about 1.5 it is hard to tell from the
    /// tissue. `None` where the tissue does not vary.
    pub fn conspicuity(&self) -> Option<f64> {
        let contrast = match self.direction {
            Direction::Removal => self.contrast_before,
            Direction::Injection => self.contrast_twin,
        };
        (self.tissue_deviation > 1e-6).then(|| contrast / self.tissue_deviation)
    }

    /// How much closer to the twin the translation is than the untouched input, inside the region: 1 for the twin itself,
    /// 0 for no gain, negative for further away. `None` when input and twin do not differ there.
    pub fn approach(&self) -> Option<f64> {
        (self.distance_untouched > 1e-6).then(|| 1.0 - self.distance_after / self.distance_untouched)
    }
}

/// Scores one translation against the true twin. `Ok(None)` when the lesion or its ring lies outside the breast.
///
/// # Errors
/// [`ForensicsError::Size`] when the images and masks are not of one size.
pub fn score_counterfactual(
    id: ImageId,
    patient: PatientId,
    direction: Direction,
    images: &Counterfactual<'_>,
) -> Result<Option<CounterfactualCase>, ForensicsError> {
    let Counterfactual { input, translated, twin, lesion, breast } = *images;
    let size = (input.width(), input.height());
    check_size("translated image", (translated.width(), translated.height()), size)?;
    check_size("twin", (twin.width(), twin.height()), size)?;
    check_size("lesion mask", (lesion.width(), lesion.height()), size)?;
    check_size("breast mask", (breast.width(), breast.height()), size)?;

    // The ring belongs to the region: a removal that leaves the rim as a ghost has not reached the twin.
    let grown = lesion.dilated(ring_width_px(lesion));
    let region = Mask::from_fn(size.0, size.1, |x, y| grown.get(x, y) && breast.get(x, y));
    let outside = Mask::from_fn(size.0, size.1, |x, y| !grown.get(x, y) && breast.get(x, y));
    let contrast = |plane| lesion_contrast(plane, lesion, breast);
    let (Some(contrast_before), Some(contrast_after), Some(contrast_twin)) =
        (contrast(input), contrast(translated), contrast(twin))
    else {
        return Ok(None);
    };
    let (Some(distance_untouched), Some(distance_after), Some(change_inside)) = (
        mean_abs_difference(input, twin, &region)?,
        mean_abs_difference(translated, twin, &region)?,
        mean_abs_difference(translated, input, &region)?,
    ) else {
        return Ok(None);
    };
    let without_lesion = match direction {
        Direction::Removal => twin,
        Direction::Injection => input,
    };
    let tissue_deviation = deviation(without_lesion, &region);
    let change_outside = mean_abs_difference(translated, input, &outside)?.unwrap_or(0.0);
    Ok(Some(CounterfactualCase {
        id,
        patient,
        direction,
        contrast_before,
        contrast_after,
        contrast_twin,
        distance_untouched,
        distance_after,
        change_inside,
        change_outside,
        tissue_deviation,
    }))
}

/// Standard deviation of the pixels inside a mask that is not empty.
fn deviation(plane: &Plane, mask: &Mask) -> f64 {
    let inside =
        || plane.data().iter().zip(mask.data()).filter(|(_, inside)| **inside).map(|(&v, _)| f64::from(v));
    let n = mask.count() as f64;
    let mean = inside().sum::<f64>() / n;
    (inside().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt()
}

/// The cases of one direction together. Estimates are `None` when no case defines the quantity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CounterfactualSummary {
    /// What the translations were meant to do.
    pub direction: Direction,
    /// Number of cases.
    pub n_cases: usize,
    /// Number of patients.
    pub n_patients: usize,
    /// Resamples of the bootstrap.
    pub n_resamples: usize,
    /// Lesion contrast of the inputs, in units of the plane.
    pub contrast_before: Option<Estimate>,
    /// Lesion contrast of the translations.
    pub contrast_after: Option<Estimate>,
    /// Lesion contrast of the true twins.
    pub contrast_twin: Option<Estimate>,
    /// [`CounterfactualCase::contrast_share`].
    pub contrast_share: Option<Estimate>,
    /// [`CounterfactualCase::approach`].
    pub approach: Option<Estimate>,
    /// Mean absolute change inside the region, in units of the plane.
    pub change_inside: Option<Estimate>,
    /// Mean absolute change in the rest of the breast.
    pub change_outside: Option<Estimate>,
    /// [`CounterfactualCase::conspicuity`].
    #[serde(default)]
    pub conspicuity: Option<Estimate>,
    /// Share of the lesions with a conspicuity below 1.5, where it is known.
    #[serde(default)]
    pub subtle_share: Option<f64>,
}

/// Conspicuity below which a lesion counts as subtle.
const SUBTLE: f64 = 1.5;

/// Medians over the cases of one direction, with 95 % percentile intervals from a bootstrap over patients: a resample
/// draws patients with replacement and takes all their cases. The same cases and stream give the same summary.
pub fn summarise(
    cases: &[CounterfactualCase],
    direction: Direction,
    n_resamples: usize,
    rng: &mut impl Rng,
) -> CounterfactualSummary {
    let cases = cases.iter().filter(|case| case.direction == direction).collect::<Vec<_>>();
    let patients =
        cases.iter().map(|case| &case.patient).collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>();
    let draws = if patients.is_empty() { vec![] } else { cluster_draws(patients.len(), n_resamples, rng) };
    let estimate = |value: &dyn Fn(&CounterfactualCase) -> Option<f64>| {
        let values = cases
            .iter()
            .filter_map(|case| {
                let cluster = patients.binary_search(&&case.patient).ok()?;
                Some((cluster, value(case)?))
            })
            .collect::<Vec<_>>();
        median_estimate(&values, &draws)
    };
    let conspicuities: Vec<f64> = cases.iter().filter_map(|case| case.conspicuity()).collect();
    let subtle = conspicuities.iter().filter(|c| **c < SUBTLE).count();
    CounterfactualSummary {
        direction,
        n_cases: cases.len(),
        n_patients: patients.len(),
        n_resamples,
        contrast_before: estimate(&|case| Some(case.contrast_before)),
        contrast_after: estimate(&|case| Some(case.contrast_after)),
        contrast_twin: estimate(&|case| Some(case.contrast_twin)),
        contrast_share: estimate(&CounterfactualCase::contrast_share),
        approach: estimate(&CounterfactualCase::approach),
        change_inside: estimate(&|case| Some(case.change_inside)),
        change_outside: estimate(&|case| Some(case.change_outside)),
        conspicuity: estimate(&CounterfactualCase::conspicuity),
        subtle_share: (!conspicuities.is_empty()).then(|| subtle as f64 / conspicuities.len() as f64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mammo_core::{Point, Seed, Shape};

    /// A textured breast with and without its lesion.
    fn twins(contrast: f32) -> (Plane, Plane, Mask, Mask) {
        let lesion =
            Mask::from_shape(48, 48, &Shape::Circle { center: Point { x: 20.0, y: 24.0 }, radius: 5.0 });
        let breast = Mask::from_fn(48, 48, |x, _| x < 40);
        let healthy =
            Plane::from_fn(
                48,
                48,
                |x, y| {
                    if x < 40 { 0.4 + 0.02 * ((x * 7 + y * 13) % 5) as f32 } else { 0.0 }
                },
            );
        let cancer =
            Plane::from_fn(48, 48, |x, y| healthy.get(x, y) + if lesion.get(x, y) { contrast } else { 0.0 });
        (healthy, cancer, lesion, breast)
    }

    fn score(direction: Direction, input: &Plane, translated: &Plane, twin: &Plane) -> CounterfactualCase {
        let (_, _, lesion, breast) = twins(0.2);
        let images = Counterfactual { input, translated, twin, lesion: &lesion, breast: &breast };
        score_counterfactual(ImageId::new("1"), PatientId::new("p"), direction, &images).unwrap().unwrap()
    }

    #[test]
    fn the_twin_itself_is_a_perfect_score_both_ways() {
        let (healthy, cancer, ..) = twins(0.2);
        for case in [
            score(Direction::Removal, &cancer, &healthy, &healthy),
            score(Direction::Injection, &healthy, &cancer, &cancer),
        ] {
            assert!((case.contrast_share().unwrap() - 1.0).abs() < 1e-6);
            assert_eq!(case.approach(), Some(1.0));
            assert_eq!(case.change_outside, 0.0);
        }
    }

    #[test]
    fn a_lesion_is_conspicuous_by_the_tissue_around_it() {
        let (healthy, cancer, ..) = twins(0.2);
        let removal = score(Direction::Removal, &cancer, &healthy, &healthy);
        // Five grey levels 0.02 apart, in equal parts, deviate by 0.02 times the root of 2.
        assert!((removal.tissue_deviation - 0.02 * 2f64.sqrt()).abs() < 1e-3, "{}", removal.tissue_deviation);
        let injection = score(Direction::Injection, &healthy, &healthy, &cancer);
        assert_eq!(removal.tissue_deviation, injection.tissue_deviation);
        assert!((removal.conspicuity().unwrap() - 0.2 / removal.tissue_deviation).abs() < 0.1);
        assert_eq!(removal.conspicuity(), injection.conspicuity());
        let summary = summarise(&[removal], Direction::Removal, 10, &mut Seed(1).stream("summary"));
        assert_eq!(summary.subtle_share, Some(0.0));
        // A file of an earlier version.
        let mut old = serde_json::to_value(&summary).unwrap();
        old.as_object_mut().unwrap().retain(|name, _| name != "conspicuity" && name != "subtle_share");
        assert_eq!(serde_json::from_value::<CounterfactualSummary>(old).unwrap().conspicuity, None);
    }

    #[test]
    fn doing_nothing_scores_zero() {
        let (healthy, cancer, ..) = twins(0.2);
        let case = score(Direction::Removal, &cancer, &cancer, &healthy);
        assert_eq!((case.contrast_share(), case.approach()), (Some(0.0), Some(0.0)));
        assert_eq!((case.change_inside, case.change_outside), (0.0, 0.0));
    }

    #[test]
    fn half_a_removal_scores_half_and_a_global_shift_shows_outside() {
        let (healthy, cancer, ..) = twins(0.2);
        let half = healthy.zip(&cancer, f32::midpoint);
        let case = score(Direction::Removal, &cancer, &half, &healthy);
        assert!((case.contrast_share().unwrap() - 0.5).abs() < 1e-5);
        assert!((case.approach().unwrap() - 0.5).abs() < 1e-5);
        let brighter = score(Direction::Removal, &cancer, &cancer.map(|v| v + 0.05), &healthy);
        assert!(brighter.contrast_share().unwrap().abs() < 1e-5);
        assert!((brighter.change_outside - 0.05).abs() < 1e-6);
    }

    #[test]
    fn equal_twins_define_no_shares() {
        let (healthy, ..) = twins(0.0);
        let case = score(Direction::Removal, &healthy, &healthy, &healthy);
        assert_eq!((case.contrast_share(), case.approach()), (None, None));
    }

    #[test]
    fn sizes_are_checked_and_lesions_in_the_air_are_no_case() {
        let (healthy, cancer, lesion, _) = twins(0.2);
        let nowhere = Mask::from_fn(48, 48, |_, _| false);
        let mut images = Counterfactual {
            input: &cancer,
            translated: &healthy,
            twin: &healthy,
            lesion: &lesion,
            breast: &nowhere,
        };
        let score = |images: &_| {
            score_counterfactual(ImageId::new("1"), PatientId::new("p"), Direction::Removal, images)
        };
        assert_eq!(score(&images), Ok(None));
        let small = Plane::filled(3, 3, 0.0);
        images.twin = &small;
        assert_eq!(
            score(&images).unwrap_err().to_string(),
            "the twin has 3 x 3 pixels where 48 x 48 are needed"
        );
    }

    #[test]
    fn summaries_count_patients_and_keep_directions_apart() {
        let (healthy, cancer, ..) = twins(0.2);
        let mut cases = Vec::new();
        for i in 0..12u32 {
            let share = i as f32 / 11.0;
            let translated = healthy.zip(&cancer, |h, c| c + share * (h - c));
            let mut case = score(Direction::Removal, &cancer, &translated, &healthy);
            case.patient = PatientId::new(format!("p{}", i / 2));
            cases.push(case);
        }
        let run = || summarise(&cases, Direction::Removal, 500, &mut Seed(3).stream("bootstrap"));
        let summary = run();
        assert_eq!(summary, run());
        assert_eq!((summary.n_cases, summary.n_patients), (12, 6));
        let share = summary.contrast_share.unwrap();
        assert!((share.median - 0.5).abs() < 1e-5);
        let (low, high) = share.interval_95.unwrap();
        assert!((0.0..0.5).contains(&low) && high > 0.5 && high <= 1.0 + 1e-6, "{low} {high}");
        let none = summarise(&cases, Direction::Injection, 500, &mut Seed(3).stream("bootstrap"));
        assert_eq!((none.n_cases, none.contrast_share), (0, None));
    }
}
