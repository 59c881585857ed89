//! Marks with ratings: free-response (FROC) and localisation (LROC) figures of merit.

use crate::{ReadoutError, auc::check_lengths};
use serde::{Deserialize, Serialize};

/// One image as read in a free-response study.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct FreeResponseImage {
    /// The rating of each lesion's mark; none for a lesion that was not marked. Empty for an image without lesions.
    pub lesions: Vec<Option<f64>>,
    /// Ratings of marks that hit no lesion.
    pub other_marks: Vec<f64>,
}

/// Which free-response figure of merit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FrocMerit {
    /// Area under the AFROC: lesions against the highest other mark of images **without** lesions (Chakraborty and
    /// Berbaum, Medical Physics 2004;31:2313; the JAFROC figure of merit).
    Afroc,
    /// As `Afroc`, against the highest other mark of **all** images (AFROC1, JAFROC1).
    Afroc1,
    /// As `Afroc`, with each image's lesions weighted to add up to one (wAFROC, equal weights).
    WeightedAfroc,
    /// The highest mark of any kind on images with lesions against that on images without: ROC inferred from marks.
    HighestRating,
}

/// A figure of merit with its jackknife error.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Merit {
    /// The figure of merit, in `[0, 1]`.
    pub value: f64,
    /// Standard error by leaving out one image at a time: `var = (N - 1) / N Σ (θ_(-i) - mean)²`.
    pub se: f64,
    /// Images with lesions.
    pub n_pos: usize,
    /// Images without.
    pub n_neg: usize,
}

/// A free-response figure of merit of one reader, with its jackknife error over images.
///
/// All are Wilcoxon statistics, ties one half, in which "not marked" is below every rating.
///
/// ```
/// use mammo_readout::{FreeResponseImage, FrocMerit, froc};
/// let image = |lesions: &[Option<f64>], other: &[f64]| FreeResponseImage {
///     lesions: lesions.to_vec(), other_marks: other.to_vec() };
/// let images = [
///     image(&[Some(3.0), None], &[]), image(&[Some(2.0)], &[1.0]), image(&[], &[2.0, 1.0]), image(&[], &[]),
/// ];
/// // Lesions 3, -, 2 against 2, -: (1 + 1 + 0 + .5 + .5 + 1) / 6.
/// assert!((froc(&images, FrocMerit::Afroc)?.value - 4.0 / 6.0).abs() < 1e-12);
/// # Ok::<(), mammo_readout::ReadoutError>(())
/// ```
///
/// # Errors
/// [`ReadoutError`] when a rating is not finite (the index counts the image) or there are fewer than two images with
/// or without lesions.
pub fn froc(images: &[FreeResponseImage], merit: FrocMerit) -> Result<Merit, ReadoutError> {
    jackknifed(&scored(images, merit)?)
}

fn scored(images: &[FreeResponseImage], merit: FrocMerit) -> Result<Vec<Scored>, ReadoutError> {
    for (index, image) in images.iter().enumerate() {
        check_finite(index, image.lesions.iter().flatten().chain(&image.other_marks))?;
    }
    let highest = |marks: &[f64]| marks.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    Ok(images
        .iter()
        .map(|image| {
            let lesion = |mark: &Option<f64>| mark.unwrap_or(f64::NEG_INFINITY);
            let signal: Vec<f64> = image.lesions.iter().map(lesion).collect();
            let noise = highest(&image.other_marks);
            let with_lesion = !signal.is_empty();
            let signal = match merit {
                FrocMerit::HighestRating if with_lesion => vec![highest(&signal).max(noise)],
                _ => signal,
            };
            let weight = match merit {
                FrocMerit::WeightedAfroc => 1.0 / signal.len().max(1) as f64,
                _ => 1.0,
            };
            let compared = !with_lesion || merit == FrocMerit::Afroc1;
            Scored { with_lesion, signal, weight, noise: compared.then_some(noise) }
        })
        .collect())
}

/// One image as read in a localisation study: one rating, and for images with a lesion whether the reader's mark hit
/// it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LocatedRating {
    /// The rating of the image.
    pub rating: f64,
    /// None for an image without a lesion, otherwise whether it was found where it is.
    pub located: Option<bool>,
}

/// Area under the LROC curve (Starr, Metz, Lusted and Goodenough, Radiology 1975;116:533; Swensson, Medical Physics
/// 1996;23:1709): the chance that an image with a lesion is rated above one without **and** the lesion is located,
/// ties one half. At most the share of lesions located. With its jackknife error.
///
/// ```
/// use mammo_readout::{LocatedRating, lroc};
/// let read = |rating, located| LocatedRating { rating, located };
/// let images = [read(3.0, Some(true)), read(4.0, Some(false)), read(1.0, None), read(3.0, None)];
/// assert!((lroc(&images)?.value - 0.375).abs() < 1e-12);
/// # Ok::<(), mammo_readout::ReadoutError>(())
/// ```
///
/// # Errors
/// As [`froc`].
pub fn lroc(images: &[LocatedRating]) -> Result<Merit, ReadoutError> {
    for (index, image) in images.iter().enumerate() {
        check_finite(index, [&image.rating])?;
    }
    let scored: Vec<Scored> = images
        .iter()
        .map(|image| match image.located {
            None => Scored { with_lesion: false, signal: vec![], weight: 1.0, noise: Some(image.rating) },
            // Not located loses against every rating, also the lowest: not even a tie.
            Some(found) => Scored {
                with_lesion: true,
                signal: vec![if found { image.rating } else { f64::NEG_INFINITY }],
                weight: 1.0,
                noise: None,
            },
        })
        .collect();
    jackknifed(&scored)
}

/// One operating point of the LROC curve: share of lesions located and rated at least `threshold`, and share of
/// images without a lesion rated at least that.
///
/// # Errors
/// As [`froc`], with one image of each kind enough.
///
/// ```
/// use mammo_readout::{LocatedRating, lroc_point};
/// let image = |rating, located| LocatedRating { rating, located };
/// let images = [image(4.0, Some(true)), image(3.0, Some(false)), image(1.0, None), image(3.0, None)];
/// // At a threshold of 3 half of the lesions are found, and one of two images without is called.
/// assert_eq!(lroc_point(&images, 3.0)?, (0.5, 0.5));
/// # Ok::<(), mammo_readout::ReadoutError>(())
/// ```
pub fn lroc_point(images: &[LocatedRating], threshold: f64) -> Result<(f64, f64), ReadoutError> {
    let share = |with_lesion: bool| {
        let own = images.iter().filter(|i| i.located.is_some() == with_lesion);
        let counted = own.clone().filter(|i| i.rating >= threshold && i.located != Some(false)).count();
        (counted, own.count())
    };
    let ((hits, with), (alarms, without)) = (share(true), share(false));
    check_both(with, without, 1)?;
    Ok((hits as f64 / with as f64, alarms as f64 / without as f64))
}

/// An image's part in a Wilcoxon statistic.
struct Scored {
    with_lesion: bool,
    signal: Vec<f64>,
    weight: f64,
    noise: Option<f64>,
}

fn check_finite<'a>(index: usize, ratings: impl IntoIterator<Item = &'a f64>) -> Result<(), ReadoutError> {
    match ratings.into_iter().find(|r| !r.is_finite()) {
        Some(&value) => Err(ReadoutError::NotFinite { index, value }),
        None => Ok(()),
    }
}

fn check_both(with: usize, without: usize, least: usize) -> Result<(), ReadoutError> {
    for (what, found) in [("images with a lesion", with), ("images without a lesion", without)] {
        if found < least {
            return Err(ReadoutError::TooFewOf { what, found, least });
        }
    }
    Ok(())
}

fn jackknifed(images: &[Scored]) -> Result<Merit, ReadoutError> {
    let (value, without) = left_out(images)?;
    let n_pos = images.iter().filter(|i| i.with_lesion).count();
    Ok(Merit { value, se: spread(&without), n_pos, n_neg: images.len() - n_pos })
}

/// The jackknife's standard error from the values without one image each.
fn spread(without: &[f64]) -> f64 {
    let n = without.len() as f64;
    let mean = without.iter().sum::<f64>() / n;
    ((n - 1.0) / n * without.iter().map(|w| (w - mean).powi(2)).sum::<f64>()).sqrt()
}

/// The statistic of all images, and without each.
fn left_out(images: &[Scored]) -> Result<(f64, Vec<f64>), ReadoutError> {
    let n_pos = images.iter().filter(|i| i.with_lesion).count();
    check_both(n_pos, images.len() - n_pos, 2)?;
    let mut noise: Vec<f64> = images.iter().filter_map(|i| i.noise).collect();
    let mut signal: Vec<(f64, f64)> =
        images.iter().flat_map(|i| i.signal.iter().map(|&s| (s, i.weight))).collect();
    noise.sort_by(f64::total_cmp);
    signal.sort_by(|a, b| a.0.total_cmp(&b.0));
    // Weights of signals above or level, summed from the top.
    let mut weight_from: Vec<f64> = vec![0.0; signal.len() + 1];
    for (i, s) in signal.iter().enumerate().rev() {
        weight_from[i] = weight_from[i + 1] + s.1;
    }
    let wins_of_signal = |s: f64| {
        f64::midpoint(noise.partition_point(|&x| x < s) as f64, noise.partition_point(|&x| x <= s) as f64)
    };
    let losses_of_noise = |x: f64| {
        f64::midpoint(
            weight_from[signal.partition_point(|s| s.0 < x)],
            weight_from[signal.partition_point(|s| s.0 <= x)],
        )
    };
    let total_weight = weight_from[0];
    let total: f64 = signal.iter().map(|&(s, weight)| weight * wins_of_signal(s)).sum();
    let without: Vec<f64> = images
        .iter()
        .map(|image| {
            let own_weight = image.weight * image.signal.len() as f64;
            let mut rest: f64 =
                total - image.signal.iter().map(|&s| image.weight * wins_of_signal(s)).sum::<f64>();
            let mut compared = noise.len() as f64;
            if let Some(x) = image.noise {
                // The image's own signals against its own noise were taken off twice.
                let own: f64 = image.signal.iter().map(|&s| image.weight * half_step(s, x)).sum();
                rest += own - losses_of_noise(x);
                compared -= 1.0;
            }
            rest / (compared * (total_weight - own_weight))
        })
        .collect();
    Ok((total / (noise.len() as f64 * total_weight), without))
}

/// 1 where the signal is above the noise, one half where level.
fn half_step(signal: f64, noise: f64) -> f64 {
    f64::midpoint(f64::from(u8::from(signal > noise)), f64::from(u8::from(signal >= noise)))
}

/// The difference of two modalities' figures of merit on the same images, and its jackknife standard error, for which
/// an image is left out of both.
///
/// # Errors
/// As [`froc`]; [`ReadoutError::LengthMismatch`] when the modalities do not have the same images and lesions.
///
/// ```
/// use mammo_readout::{FreeResponseImage, FrocMerit, froc_difference};
/// let image = |lesions: &[Option<f64>], other: &[f64]| FreeResponseImage {
///     lesions: lesions.to_vec(), other_marks: other.to_vec() };
/// let a = [image(&[Some(3.0)], &[]), image(&[Some(2.0)], &[]), image(&[], &[1.0]), image(&[], &[])];
/// let b = [image(&[None], &[]), image(&[Some(2.0)], &[]), image(&[], &[1.0]), image(&[], &[])];
/// // All four pairs are won under the first modality; under the second a lesion loses one and ties with one.
/// let (difference, _) = froc_difference(&a, &b, FrocMerit::Afroc)?;
/// assert!((difference - (1.0 - 2.5 / 4.0)).abs() < 1e-12);
/// # Ok::<(), mammo_readout::ReadoutError>(())
/// ```
pub fn froc_difference(
    a: &[FreeResponseImage],
    b: &[FreeResponseImage],
    merit: FrocMerit,
) -> Result<(f64, f64), ReadoutError> {
    check_lengths("the first modality's images", a.len(), "the second's", b.len())?;
    for (a, b) in a.iter().zip(b) {
        check_lengths("an image's lesions", a.lesions.len(), "in the second modality", b.lesions.len())?;
    }
    let (a, b) = (left_out(&scored(a, merit)?)?, left_out(&scored(b, merit)?)?);
    let differences: Vec<f64> = a.1.iter().zip(&b.1).map(|(x, y)| x - y).collect();
    Ok((a.0 - b.0, spread(&differences)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn images() -> impl Strategy<Value = Vec<FreeResponseImage>> {
        let mark = || (0u8..4).prop_map(f64::from);
        let image = (
            proptest::collection::vec(proptest::option::of(mark()), 0..3),
            proptest::collection::vec(mark(), 0..3),
        )
            .prop_map(|(lesions, other_marks)| FreeResponseImage { lesions, other_marks });
        proptest::collection::vec(image, 5..14).prop_filter("three of each", |images| {
            let with = images.iter().filter(|i| !i.lesions.is_empty()).count();
            with >= 3 && images.len() - with >= 3
        })
    }

    /// The definition, pair by pair.
    fn counted(images: &[FreeResponseImage], merit: FrocMerit) -> f64 {
        let (mut sum, mut weights) = (0.0, 0.0);
        let low = f64::NEG_INFINITY;
        let top = |marks: &[f64]| marks.iter().fold(low, |most, &m| most.max(m));
        for image in images.iter().filter(|i| !i.lesions.is_empty()) {
            let mut signal: Vec<f64> = image.lesions.iter().map(|l| l.unwrap_or(low)).collect();
            if merit == FrocMerit::HighestRating {
                signal = vec![top(&signal).max(top(&image.other_marks))];
            }
            let weight = if merit == FrocMerit::WeightedAfroc { 1.0 / signal.len() as f64 } else { 1.0 };
            for other in images.iter().filter(|i| merit == FrocMerit::Afroc1 || i.lesions.is_empty()) {
                let noise = top(&other.other_marks);
                for &s in &signal {
                    sum += weight
                        * if s > noise {
                            1.0
                        } else if s == noise {
                            0.5
                        } else {
                            0.0
                        };
                    weights += weight;
                }
            }
        }
        sum / weights
    }

    proptest! {
        #[test]
        fn merits_and_their_jackknife_follow_the_definition(images in images()) {
            use FrocMerit::{Afroc, Afroc1, HighestRating, WeightedAfroc};
            for merit in [Afroc, Afroc1, WeightedAfroc, HighestRating] {
                let found = froc(&images, merit).unwrap();
                prop_assert!((found.value - counted(&images, merit)).abs() < 1e-12);
                let without: Vec<f64> = (0..images.len())
                    .map(|left| {
                        let mut rest = images.clone();
                        rest.remove(left);
                        counted(&rest, merit)
                    })
                    .collect();
                prop_assert!((found.se - spread(&without)).abs() < 1e-10, "{:?}", merit);
                prop_assert_eq!(froc_difference(&images, &images, merit).unwrap(), (0.0, 0.0));
            }
        }
    }

    #[test]
    fn lesions_found_everywhere_leave_the_lroc_at_the_auc() {
        let ratings = [1.0, 2.0, 3.0, 2.0, 3.0, 4.0];
        let truth = [false, false, false, true, true, true];
        let images: Vec<LocatedRating> = ratings
            .iter()
            .zip(truth)
            .map(|(&rating, t)| LocatedRating { rating, located: t.then_some(true) })
            .collect();
        assert!((lroc(&images).unwrap().value - crate::auc(&ratings, &truth).unwrap()).abs() < 1e-12);
        let jackknife = crate::jackknife(&ratings, &truth, crate::Interval::default()).unwrap();
        assert!((lroc(&images).unwrap().se - jackknife.se).abs() < 1e-12);
        assert_eq!(lroc_point(&images, 3.0).unwrap(), (2.0 / 3.0, 1.0 / 3.0));
        assert!(lroc(&images[..3]).is_err());
        let bad = LocatedRating { rating: f64::NAN, located: None };
        assert!(matches!(lroc(&[bad]), Err(ReadoutError::NotFinite { index: 0, .. })));
    }
}
