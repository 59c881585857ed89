//! The detectors of a rotation.

use super::classifier::ITERATED;
use super::config::DetectionConfig;
use super::images::{Learned, RESIZE, TRANSPOSED, slug};
use super::parts::Roles;
use crate::detect::train_detector;
use crate::run::RunFolder;
use anyhow::Context;
use mammo_detect::{Detector, DetectorSettings, Method, Sample};

/// Names of the detectors in tables.
pub(super) const MEASURES_PLAIN: &str = "measures, never handled";
pub(super) const MEASURES: &str = "measures";
pub(super) const NETWORK: &str = "network";
pub(super) const MEASURES_RESIZE: &str = "measures of the resize generator";
pub(super) const NETWORK_RESIZE: &str = "network of the resize generator";
pub(super) const MEASURES_GRADIENT: &str = "measures of the gradient attack";
pub(super) const NETWORK_GRADIENT: &str = "network of the gradient attack";

/// The detectors of a rotation by name.
pub(super) struct Detectors(Vec<(&'static str, Detector)>);

impl Detectors {
    pub(super) fn get(&self, name: &str) -> anyhow::Result<&Detector> {
        let found = self.0.iter().find(|(own, _)| *own == name);
        found.map(|(_, detector)| detector).with_context(|| format!("there is no detector {name}"))
    }
}

/// Trains every detector and writes it below `detectors/`; `None` when an end has been asked for.
pub(super) fn train(
    config: &DetectionConfig,
    folder: &RunFolder,
    roles: Roles,
    learned: &Learned,
) -> anyhow::Result<Option<Detectors>> {
    let dir = folder.subfolder(&format!("{}/detectors", roles.folder()))?;
    let measures = Method::Measures { ridge: 1.0 };
    let network = Method::Network { epochs: config.preset.network_epochs };
    let wanted = [
        (MEASURES_PLAIN, measures, 0, TRANSPOSED),
        (MEASURES, measures, 3, TRANSPOSED),
        (NETWORK, network, 2, TRANSPOSED),
        (MEASURES_RESIZE, measures, 3, RESIZE),
        (NETWORK_RESIZE, network, 2, RESIZE),
        (MEASURES_GRADIENT, measures, 3, ITERATED),
        (NETWORK_GRADIENT, network, 2, ITERATED),
    ];
    let mut trained = Vec::new();
    for (name, method, handled_copies, set) in wanted {
        let altered = &learned.altered.iter().find(|(own, _)| *own == set).context("a set of the list")?.1;
        let samples: Vec<Sample> = roles
            .detectors
            .iter()
            .zip(learned.originals.iter().zip(altered))
            .map(|(image, (original, modified))| Sample {
                patient: image.record.patient_id.to_string(),
                original: original.clone(),
                modified: vec![modified.clone()],
            })
            .collect();
        let seed = config.seed.derive(&format!("{}/{name}", roles.folder()));
        let settings = DetectorSettings { method, handled_copies, seed, ..DetectorSettings::default() };
        let Some(detector) = train_detector(name, &samples, &settings)? else { return Ok(None) };
        mammo_files::write_json(&dir.join(format!("{}.json", slug(name))), detector.file())?;
        trained.push((name, detector));
    }
    Ok(Some(Detectors(trained)))
}
