use mammo_core::Seed;
use serde::{Deserialize, Serialize};

use crate::PhantomError;

/// A whole release of phantoms.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PhantomConfig {
    /// What everything is drawn from.
    pub seed: Seed,
    /// People; most have both breasts in two views each.
    pub patients: usize,
    /// Columns of every image.
    pub width_px: usize,
    /// Rows of every image.
    pub height_px: usize,
    /// Pixel pitch written into the files, in millimetres.
    pub spacing_mm: f32,
    /// Share of people with a lesion of BI-RADS 3 and above, in one breast and seen in both its views.
    pub lesion_fraction: f64,
    /// Share of people with one breast only.
    pub one_breast_fraction: f64,
    /// Least and largest brightness of the middle of a lesion as a share of that of its surroundings, evenly drawn between. The
    /// default is conspicuous; from 0.03 to 0.3 a good part of the lesions is hard to tell from the tissue.
    #[serde(default = "conspicuous", skip_serializing_if = "is_conspicuous")]
    pub lesion_contrast: [f32; 2],
}

/// Lesions that stand out, as all did before there was a choice.
fn conspicuous() -> [f32; 2] {
    [0.46, 0.63]
}

/// The default is left out of files, so that releases of earlier versions stay what they are.
#[allow(clippy::trivially_copy_pass_by_ref)] // serde hands over a reference
fn is_conspicuous(range: &[f32; 2]) -> bool {
    *range == conspicuous()
}

impl Default for PhantomConfig {
    /// 100 people at a quarter of INbreast's smaller matrix.
    fn default() -> Self {
        Self {
            seed: Seed(1),
            patients: 100,
            width_px: 640,
            height_px: 832,
            spacing_mm: 0.28,
            lesion_fraction: 0.6,
            one_breast_fraction: 0.1,
            lesion_contrast: conspicuous(),
        }
    }
}

impl PhantomConfig {
    /// Checks every number.
    ///
    /// # Errors
    /// [`PhantomError::Config`], naming the field and its range.
    pub fn check(&self) -> Result<(), PhantomError> {
        let fail = |text: String| Err(PhantomError::Config(text));
        if !(1..=100_000).contains(&self.patients) {
            return fail(format!("patients must be from 1 to 100000, not {}", self.patients));
        }
        check_size(self.width_px, self.height_px)?;
        if !(self.spacing_mm > 0.0 && self.spacing_mm < 10.0) {
            return fail(format!("spacing_mm must be above 0 and below 10, not {}", self.spacing_mm));
        }
        for (name, share) in
            [("lesion_fraction", self.lesion_fraction), ("one_breast_fraction", self.one_breast_fraction)]
        {
            if !(0.0..=1.0).contains(&share) {
                return fail(format!("{name} must be from 0 to 1, not {share}"));
            }
        }
        let [least, largest] = self.lesion_contrast;
        if !(least > 0.0 && least < largest && largest <= 1.0) {
            return fail(format!(
                "lesion_contrast must be two rising numbers above 0 and up to 1, not {least} and {largest}"
            ));
        }
        Ok(())
    }
}

/// Sizes at which a breast has room for its parts.
pub(crate) fn check_size(width_px: usize, height_px: usize) -> Result<(), PhantomError> {
    for (name, side) in [("width_px", width_px), ("height_px", height_px)] {
        if !(64..=8192).contains(&side) {
            return Err(PhantomError::Config(format!("{name} must be from 64 to 8192, not {side}")));
        }
    }
    Ok(())
}
