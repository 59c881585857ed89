//! What attacks do to the malignancy classifier and to the images.

use super::parts::Roles;
use super::results::AttackEffect;
use crate::run::{StudyImage, parallel};
use mammo_core::{Label, Plane};
use mammo_forensics::structural_similarity;
use mammo_readout::{Interval, clustered};
use mammo_train::TrainedClassifier;

/// An attack on one image.
pub(super) struct Effect {
    attack: String,
    patient: String,
    cancer: bool,
    logit: f64,
    mean_change: f64,
    largest_change: f64,
    similarity: f64,
}

/// What an attack does to the classifier and to the images.
pub(super) fn measure(
    attack: &str,
    classifier: &TrainedClassifier,
    roles: Roles,
    originals: &[Plane],
    altered: &[Plane],
) -> anyhow::Result<Vec<Effect>> {
    let images: Vec<(&StudyImage, &Plane, &Plane)> =
        roles.judged.iter().zip(originals.iter().zip(altered)).map(|(i, (a, b))| (i, a, b)).collect();
    parallel("measuring", &format!("images: {attack}"), &images, |(image, original, altered)| {
        let change = original.zip(altered, |a, b| (a - b).abs());
        let breast = &image.prepared.breast;
        let inside = change
            .data()
            .iter()
            .zip(breast.data())
            .filter(|(_, inside)| **inside)
            .map(|(v, _)| f64::from(*v));
        Ok(Effect {
            attack: attack.to_owned(),
            patient: image.record.patient_id.to_string(),
            cancer: image.label == Label::Cancer,
            logit: classifier.logit(&mammo_detect::as_seen(altered))?,
            mean_change: inside.sum::<f64>() / breast.count().max(1) as f64,
            largest_change: f64::from(change.min_max().1),
            similarity: structural_similarity(original, altered)?,
        })
    })
}

/// The rows of a table, one for each attack in the order in which they came.
pub(super) fn summarise(effects: &[Effect]) -> Vec<AttackEffect> {
    let mut names: Vec<&str> = Vec::new();
    for effect in effects {
        if !names.contains(&effect.attack.as_str()) {
            names.push(&effect.attack);
        }
    }
    names
        .into_iter()
        .map(|name| {
            let own: Vec<&Effect> = effects.iter().filter(|e| e.attack == name).collect();
            let logits: Vec<f64> = own.iter().map(|e| e.logit).collect();
            let truth: Vec<bool> = own.iter().map(|e| e.cancer).collect();
            let patients: Vec<&str> = own.iter().map(|e| e.patient.as_str()).collect();
            let mean = |of: &dyn Fn(&Effect) -> f64| {
                own.iter().map(|e| of(e)).sum::<f64>() / own.len().max(1) as f64
            };
            AttackEffect {
                name: name.to_owned(),
                classifier: clustered(&logits, &truth, &patients, Interval::default()).ok(),
                mean_change: mean(&|e| e.mean_change),
                largest_change: mean(&|e| e.largest_change),
                similarity: mean(&|e| e.similarity),
            }
        })
        .collect()
}
