//! Who was in it.

use super::Run;
use mammo_core::Label;
use mammo_report::{Block, Section, Table};

pub(super) fn cohort(run: &Run) -> Section {
    let summary = &run.cohort;
    let mut parts =
        Table::new("Patients and images by part", ["Part", "Patients", "Images", "Healthy", "Cancer"]);
    let mut rows = vec![("Training", &summary.train)];
    rows.extend(summary.validation.as_ref().map(|part| ("Watching the training", part)));
    rows.extend([("Held out", &summary.test), ("Together", &summary.cohort)]);
    for (name, part) in rows {
        parts.row([
            name.to_owned(),
            part.patients.to_string(),
            part.images.to_string(),
            part.healthy.to_string(),
            part.cancer.to_string(),
        ]);
    }
    parts
        .footnotes
        .push("No patient has images in two parts. All results below are from held-out patients.".into());
    let excluded: usize = summary.excluded.values().sum();
    if excluded > 0 {
        let reasons: Vec<String> =
            summary.excluded.iter().map(|(reason, count)| format!("{count} for {reason}")).collect();
        parts
            .footnotes
            .push(format!("{excluded} images of the release are left out: {}.", reasons.join(", ")));
    }
    let mut by = Table::new("Images by what the release says", ["", "Healthy", "Cancer"]);
    let groups = [
        ("View", &summary.by_view),
        ("Side", &summary.by_laterality),
        ("BI-RADS", &summary.by_birads),
        ("ACR density", &summary.by_density),
    ];
    for (title, table) in groups {
        for (key, counts) in table {
            let count = |label| counts.get(&label).copied().unwrap_or(0).to_string();
            by.row([format!("{title} {key}"), count(Label::Healthy), count(Label::Cancer)]);
        }
    }
    Section::new("cohort", "Who was in it")
        .intro("Images are split by patient, stratified by whether a patient has a cancer image.")
        .with(Block::Table(parts))
        .with(Block::Table(by))
}
