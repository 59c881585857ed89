//! What the networks did to held-out images, and how near it came to the truth.

use super::words::percent;
use super::{Run, is_phantom, is_told};
use crate::run::RunFolder;
use anyhow::Context;
use fs_err as fs;
use mammo_forensics::{CounterfactualSummary, Estimate};
use mammo_report::{Block, Picture, PictureRow, Section, Table, estimate_text};

pub(super) fn pictures(folder: &RunFolder, run: &Run) -> anyhow::Result<Section> {
    let mut section = Section::new("pictures", "What the networks did").intro(format!(
        "Held-out images, the first of as many patients in the order of their names: nobody chose them. The map of \
         changes is blue where the network darkened and orange where it brightened; the strongest colours stand for a \
         quarter of the grey scale. Green outlines mark {}.",
        if is_phantom(run) { "the lesion as it was drawn" } else { "the lesion as the release outlines it" }
    ));
    for (name, title, text) in [
        ("removal", "Removal: cancer to healthy", "What is left of the lesion, and what else changed?"),
        (
            "injection",
            "Injection: healthy to cancer",
            if run.config.preset.train.generator.upsampling == mammo_models::Upsampling::Transposed {
                "Where does the network paint, and on top of what? A two-pixel checkerboard in the painted places comes from \
                 the transposed convolutions."
            } else {
                "Where does the network paint, and on top of what?"
            },
        ),
        (
            "injection_twins",
            "Injection against the truth",
            if is_told(run) {
                "The same breasts as in the removal rows, drawn without their lesion, and what they look like with it. The network \
                 is told the place, but neither form nor brightness."
            } else {
                "The same breasts as in the removal rows, drawn without their lesion, and what they look like with it. The \
                 network cannot know where the lesion was."
            },
        ),
    ] {
        let path = folder.path(&format!("examples/{name}.png"));
        if !path.exists() {
            continue;
        }
        let picture = Picture::new(title, fs::read(&path)?).with_context(|| path.display().to_string())?;
        section.blocks.push(Block::Heading(title.to_owned()));
        section
            .blocks
            .push(Block::Pictures(PictureRow { caption: text.to_owned(), pictures: vec![picture] }));
    }
    Ok(section)
}

pub(super) fn counterfactual(run: &Run) -> Section {
    let section = Section::new("counterfactual", "How near to the truth");
    let Some(scores) = &run.scores else { return section };
    let mut table = Table::new(
        "Held-out lesions against their counterfactual twins: median (95 % interval, bootstrap over patients)",
        ["", "Removal", "Injection"],
    );
    let cell = |estimate: &Option<Estimate>, text: &dyn Fn(Estimate) -> String| {
        estimate.map_or("not defined".to_owned(), text)
    };
    let grey = |e: Estimate| estimate_text(e.median, e.interval_95, 3);
    let share = |e: Estimate| percent(e);
    type Get = fn(&CounterfactualSummary) -> &Option<Estimate>;
    let rows: [(&str, Get, bool); 7] = [
        ("Lesion contrast before", |s| &s.contrast_before, false),
        ("Lesion contrast after", |s| &s.contrast_after, false),
        ("Lesion contrast of the true twin", |s| &s.contrast_twin, false),
        ("Contrast moved towards the twin's", |s| &s.contrast_share, true),
        ("Region closer to the twin than untouched", |s| &s.approach, true),
        ("Mean change inside the region", |s| &s.change_inside, false),
        ("Mean change in the rest of the breast", |s| &s.change_outside, false),
    ];
    table.row([
        "Lesions (patients)".to_owned(),
        format!("{} ({})", scores.removal.n_cases, scores.removal.n_patients),
        format!("{} ({})", scores.injection.n_cases, scores.injection.n_patients),
    ]);
    if let Some(conspicuity) = scores.removal.conspicuity {
        let text = format!("{:.2} ", conspicuity.median);
        let text = text.trim_end().to_owned()
            + &conspicuity.interval_95.map_or(String::new(), |(l, h)| format!(" ({l:.2} to {h:.2})"));
        table.row(["Lesion contrast over the tissue's deviation".to_owned(), text.clone(), text]);
        let subtle = scores.removal.subtle_share.unwrap_or(0.0);
        let text = format!("{:.0} %", 100.0 * subtle);
        table.row(["Lesions below 1.5 times the tissue's deviation".to_owned(), text.clone(), text]);
    }
    for (name, get, is_share) in rows {
        let text: &dyn Fn(Estimate) -> String = if is_share { &share } else { &grey };
        table.row([name.to_owned(), cell(get(&scores.removal), text), cell(get(&scores.injection), text)]);
    }
    table.footnotes = vec![
        "Contrast: mean inside the lesion less mean in the ring around it, in units of the grey scale from 0 to 1. \
         The region is lesion and ring."
            .into(),
        "Shares: 0 % is the untouched image, 100 % the true twin; negative is further away.".into(),
        if is_told(run) {
            "Injection starts from the twin without lesion; its twin is the image with it."
        } else {
            "Injection starts from the twin without lesion; its twin is the image with it, at a place that the network \
             cannot know."
        }
        .into(),
    ];
    section
        .intro(
            "Every phantom with a lesion can also be drawn without it, from the same breast and the same noise. No real \
             data set has this truth.",
        )
        .with(Block::Table(table))
}
