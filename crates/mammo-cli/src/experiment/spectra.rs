//! Radial spectra and grid scores of held-out originals against their translations.

use super::images::Images;
use crate::run::RunFolder;
use mammo_core::{Label, Plane};
use mammo_forensics::{RadialSpectrum, grid_score, mean_spectrum};
use serde::{Deserialize, Serialize};

/// One group of images.
#[derive(Serialize, Deserialize)]
pub(crate) struct Group {
    pub(crate) name: String,
    pub(crate) images: usize,
    pub(crate) spectrum: RadialSpectrum,
    /// Grid scores of two and of four pixels' period, in dB, image by image.
    pub(crate) half_db: Vec<f64>,
    pub(crate) quarter_db: Vec<f64>,
    /// Patient of each image, for intervals.
    pub(crate) patients: Vec<String>,
}

/// `spectra.json`.
#[derive(Serialize, Deserialize)]
pub(crate) struct Spectra {
    pub(crate) groups: Vec<Group>,
}

/// Measures and writes `spectra.json`.
pub(crate) fn measure(folder: &RunFolder, images: &Images, translated: &[Plane]) -> anyhow::Result<()> {
    let group = |name: &str, label: Label, modified: bool| -> anyhow::Result<Group> {
        let (mut planes, mut patients) = (Vec::new(), Vec::new());
        for (image, translation) in images.test.iter().zip(translated).filter(|(i, _)| i.label == label) {
            planes.push(if modified { translation.clone() } else { image.prepared.plane.clone() });
            patients.push(image.record.patient_id.to_string());
        }
        let scores = planes.iter().map(grid_score).collect::<Result<Vec<_>, _>>()?;
        Ok(Group {
            name: name.to_owned(),
            images: planes.len(),
            spectrum: mean_spectrum(&planes)?,
            half_db: scores.iter().map(mammo_forensics::GridScore::half_db).collect(),
            quarter_db: scores.iter().map(mammo_forensics::GridScore::quarter_db).collect(),
            patients,
        })
    };
    let spectra = Spectra {
        groups: vec![
            group("healthy, original", Label::Healthy, false)?,
            group("healthy, injected", Label::Healthy, true)?,
            group("cancer, original", Label::Cancer, false)?,
            group("cancer, removed", Label::Cancer, true)?,
        ],
    };
    Ok(mammo_files::write_json(&folder.path("spectra.json"), &spectra)?)
}
