//! `manifest.jsonl`: which images a run has, and in which part.

use super::{RunFolder, StudyImage};
use anyhow::Context;
use mammo_core::{Label, LabelRule};
use serde::Serialize;
use std::{collections::BTreeMap, path::Path};

/// One line of `manifest.jsonl`. No free text of a release gets here.
#[derive(Serialize)]
struct ManifestLine<'a> {
    dataset: String,
    image_id: &'a str,
    patient_id: &'a str,
    path: &'a Path,
    sha256: &'a str,
    laterality: String,
    view: Option<String>,
    birads: Option<String>,
    density: Option<u8>,
    labels: BTreeMap<&'static str, Label>,
    label: Label,
    part: &'static str,
    fit: mammo_core::Fit,
    rois: &'a [mammo_core::Roi],
    synthetic: bool,
}

/// Writes `manifest.jsonl`: a line for every image, with the part of the run that it takes.
pub(crate) fn write_manifest(
    folder: &RunFolder,
    parts: &[(&'static str, &[StudyImage])],
) -> anyhow::Result<()> {
    let mut text = Vec::new();
    for &(part, set) in parts {
        for image in set {
            let record = &image.record;
            let labels = LabelRule::ALL
                .into_iter()
                .filter_map(|rule| Some((rule.name(), rule.apply(&record.assessment)?)))
                .collect();
            let line = ManifestLine {
                dataset: record.dataset.to_string(),
                image_id: record.image_id.as_str(),
                patient_id: record.patient_id.as_str(),
                path: &record.path,
                sha256: &image.source_sha256,
                laterality: record.laterality.to_string(),
                view: record.view.map(|view| view.to_string()),
                birads: record.assessment.birads.map(|birads| birads.to_string()),
                density: record.density.map(mammo_core::AcrDensity::class),
                labels,
                label: image.label,
                part,
                fit: image.prepared.fit,
                rois: &image.prepared.rois,
                synthetic: record.synthetic,
            };
            serde_json::to_writer(&mut text, &line)?;
            text.push(b'\n');
        }
    }
    mammo_files::write(&folder.path("manifest.jsonl"), &text).context("the manifest")
}
