//! `results.json`: every number of the report.

use super::scores::DetectorRows;
use crate::detect::beside::ReadersBeside;
use mammo_readout::AucEstimate;
use serde::{Deserialize, Serialize};

/// All results of a study.
#[derive(Serialize, Deserialize)]
pub(crate) struct Results {
    pub(crate) schema: String,
    /// Judged originals, as many altered images of a set, and their patients.
    pub(crate) judged_images: usize,
    pub(crate) judged_patients: usize,
    /// Images and patients of the other two parts, in the first rotation.
    pub(crate) generator_images: usize,
    pub(crate) detector_images: usize,
    /// By the generator that made the altered images.
    pub(crate) generators: Vec<DetectorRows>,
    /// Originals against originals that were encoded once more, and the generator that changes nothing.
    pub(crate) controls: Vec<DetectorRows>,
    /// By handling, of the generator with transposed convolutions.
    pub(crate) handlings: Vec<DetectorRows>,
    /// By the steps that this generator had been trained.
    pub(crate) steps: Vec<DetectorRows>,
    /// The simulated readers at the same steps: step, reader, area.
    pub(crate) reader_steps: Vec<(usize, String, AucEstimate)>,
    /// By the size of the lesion taken out, and of the change where one was put in.
    pub(crate) sizes: Vec<DetectorRows>,
    /// Gradient attacks and the CycleGAN, by what they do to a malignancy classifier and to the image.
    pub(crate) attacks: Vec<AttackEffect>,
    /// By attack.
    pub(crate) attack_detection: Vec<DetectorRows>,
    /// Altered images that were moved along the network's own slope until it takes them for originals.
    pub(crate) evasion: Vec<DetectorRows>,
    /// Simulated readers and detectors on the images of the fully trained generator.
    pub(crate) readers: ReadersBeside,
    /// Originals with a disc of the altered image pasted in.
    pub(crate) splices: Vec<DetectorRows>,
    /// Places inside the disc against places outside.
    pub(crate) places: Option<AucEstimate>,
}

impl Results {
    pub(super) const SCHEMA: &'static str = "mammo-detection-study/1";
}

/// What an attack does to the malignancy classifier and to the image.
#[derive(Serialize, Deserialize)]
pub(crate) struct AttackEffect {
    pub(crate) name: String,
    /// Cancer against healthy, by the label of the original; `None` where there are too few.
    pub(crate) classifier: Option<AucEstimate>,
    /// Mean magnitude of the change over the breast, as a share of the range.
    pub(crate) mean_change: f64,
    /// Mean of the largest change of an image.
    pub(crate) largest_change: f64,
    /// Mean structural similarity to the original.
    pub(crate) similarity: f64,
}
