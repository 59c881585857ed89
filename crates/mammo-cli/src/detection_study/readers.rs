//! Readers beside machines: the same images, one question.

use super::config::DetectionConfig;
use super::parts::{Roles, planes_of};
use mammo_core::{Label, Plane};
use mammo_reader::{SIMULATED_READERS, SimulatedReader};
use mammo_readout::mrmc::{
    Case, MrmcSettings, Reading, StandaloneComparison, Study, compare_with_standalone,
};
use mammo_readout::{AucEstimate, Interval, RocCurve, clustered};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What one reader or detector says of one image.
pub(super) struct Said {
    pub(super) reader: String,
    /// Which set of altered images the image is read among.
    pub(super) set: String,
    pub(super) case: String,
    pub(super) patient: String,
    pub(super) modified: bool,
    pub(super) rating: f64,
}

/// A reader's curve.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Reader {
    pub(crate) name: String,
    pub(crate) auc: AucEstimate,
    /// Operating points (1 - specificity, sensitivity).
    pub(crate) curve: Vec<(f64, f64)>,
}

/// Readers and detectors on one set.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ReadersBeside {
    pub(crate) set: String,
    /// Simulated readers first, then detectors.
    pub(crate) readers: Vec<Reader>,
    /// Each detector against the readers: mean of the readers less the detector.
    pub(crate) comparisons: Vec<StandaloneComparison>,
}

/// Lets the simulated readers, fitted on the originals of the generators' part, say of every image of a set whether it was
/// altered. `altered[i]` belongs to `judged[i]`.
pub(super) fn read(
    config: &DetectionConfig,
    roles: Roles,
    set: &str,
    originals: &[Plane],
    altered: &[Plane],
) -> anyhow::Result<Vec<Said>> {
    let (healthy, cancer) =
        (planes_of(roles.generators, Label::Healthy), planes_of(roles.generators, Label::Cancer));
    let (healthy, cancer): (Vec<_>, Vec<_>) = (healthy.iter().collect(), cancer.iter().collect());
    let seed = config.seed.derive(&format!("{}/readers", roles.folder()));
    let mut said = Vec::new();
    for number in 1..=SIMULATED_READERS {
        let reader = SimulatedReader::fit(number, &healthy, &cancer, seed)?;
        let answers: Vec<[Said; 2]> = roles
            .judged
            .par_iter()
            .enumerate()
            .map(|(i, image)| {
                [(false, &originals[i]), (true, &altered[i])].map(|(modified, plane)| Said {
                    reader: reader.name().to_owned(),
                    set: set.to_owned(),
                    case: case(image.record.image_id.as_str(), modified),
                    patient: image.record.patient_id.to_string(),
                    modified,
                    // An image has one noise however often it is shown, so that sets differ by their images alone.
                    rating: f64::from(reader.tampering(plane, 2 * i as u64 + u64::from(modified)).rating),
                })
            })
            .collect();
        said.extend(answers.into_iter().flatten());
    }
    Ok(said)
}

/// The name of an image in a reading.
pub(super) fn case(image: &str, modified: bool) -> String {
    format!("{image}/{}", if modified { "altered" } else { "original" })
}

/// Curves of the simulated readers on a set.
pub(super) fn beside_readers(said: &[Said], set: &str) -> anyhow::Result<Vec<Reader>> {
    let mut curves = curves(said, set)?;
    curves.retain(|reader| is_reader(&reader.name));
    Ok(curves)
}

/// Curves of all who said something of a set, and the test of each detector against the simulated readers.
pub(super) fn beside(said: &[Said], set: &str) -> anyhow::Result<ReadersBeside> {
    let readers = curves(said, set)?;
    let of_set: Vec<&Said> = said.iter().filter(|s| s.set == set).collect();
    let patient_of: BTreeMap<&str, &str> =
        of_set.iter().map(|s| (s.case.as_str(), s.patient.as_str())).collect();
    let mut comparisons = Vec::new();
    for detector in readers.iter().map(|r| r.name.as_str()).filter(|name| !is_reader(name)) {
        let rows = of_set.iter().filter(|s| is_reader(&s.reader) || s.reader == detector).map(|s| Reading {
            reader: s.reader.clone(),
            treatment: set.to_owned(),
            case: s.case.clone(),
            positive: s.modified,
            rating: s.rating,
        });
        let study = Study::from_readings(rows)?.with_truth_name("altered");
        let cluster =
            |case: &Case| patient_of.get(case.name.as_str()).map_or_else(String::new, |p| (*p).to_owned());
        comparisons.push(compare_with_standalone(
            &study.with_clusters(cluster),
            detector,
            MrmcSettings::default(),
        )?);
    }
    Ok(ReadersBeside { set: set.to_owned(), readers, comparisons })
}

/// The curve of everybody who said something of a set, in the order in which they spoke.
fn curves(said: &[Said], set: &str) -> anyhow::Result<Vec<Reader>> {
    let of_set: Vec<&Said> = said.iter().filter(|s| s.set == set).collect();
    let mut names: Vec<&str> = Vec::new();
    for s in &of_set {
        if !names.contains(&s.reader.as_str()) {
            names.push(&s.reader);
        }
    }
    let curve = |name: &&str| {
        let own: Vec<&&Said> = of_set.iter().filter(|s| s.reader == *name).collect();
        let ratings: Vec<f64> = own.iter().map(|s| s.rating).collect();
        let truth: Vec<bool> = own.iter().map(|s| s.modified).collect();
        let patients: Vec<&str> = own.iter().map(|s| s.patient.as_str()).collect();
        let curve = RocCurve::new(&ratings, &truth)?;
        Ok(Reader {
            name: (*name).to_owned(),
            auc: clustered(&ratings, &truth, &patients, Interval::default())?,
            curve: curve.points.iter().map(|p| (p.false_positive_rate, p.true_positive_rate)).collect(),
        })
    };
    names.iter().map(curve).collect()
}

/// Whether a name is that of a simulated reader.
fn is_reader(name: &str) -> bool {
    name.starts_with("SIMULATED")
}
