//! Spectra, grids and loss curves.

use super::Run;
use super::words::quartiles;
use crate::run::RunFolder;
use fs_err as fs;
use mammo_report::{Align, Axis, Block, LinePlot, Marker, Picture, PictureRow, Plot, Section, Series, Table};
use mammo_train::StepReport;
use std::collections::BTreeMap;

pub(super) fn artefacts(run: &Run) -> Section {
    let series = run.spectra.groups.iter().map(|group| {
        let spectrum = &group.spectrum;
        let points = spectrum.frequency_cpp.iter().copied().zip(spectrum.power.iter().copied());
        Series::line(group.name.clone(), points.collect())
    });
    let plot = LinePlot {
        title: "Radial power spectra".into(),
        caption: "Means over held-out images, whole image, Hann window. Upsampling by transposed convolution lifts the \
                  spectrum near 1/4 and 1/2 cycles per pixel."
            .into(),
        x: Axis::log("frequency [cycles per pixel]"),
        y: Axis::log("power [squared grey scale]"),
        series: series.collect(),
        markers: vec![
            Marker { x: 0.25, label: "1/4".into() },
            Marker { x: 0.5, label: "1/2".into() },
        ],
        simulated: false,
    };
    let mut table = Table::new(
        "Grid score in dB: power on the grid's frequencies over that of their neighbours, median (quartiles)",
        ["Images", "Number", "Period of 2 px", "Period of 4 px"],
    );
    table.align = vec![Align::Left];
    for group in &run.spectra.groups {
        table.row([
            group.name.clone(),
            group.images.to_string(),
            quartiles(&group.half_db),
            quartiles(&group.quarter_db),
        ]);
    }
    table.footnotes.push("0 dB is no grid; single images without one scatter by about 1.5 dB.".into());
    Section::new("artefacts", "Traces of the networks")
        .intro("What a machine can see of the tampering: spectra of originals against modified images, and the grid that Becker et al. saw late in training.")
        .with(Block::Plots(vec![Plot::Line(plot)]))
        .with(Block::Table(table))
}

pub(super) fn training(folder: &RunFolder, run: &Run) -> anyhow::Result<Section> {
    type Get = fn(&StepReport) -> f32;
    let line = |name: &str, get: Get| Series::line(name, smoothed(&run.metrics, get));
    let decay =
        Marker { x: run.config.preset.train.constant_steps as f64, label: "rate begins to fall".into() };
    let cycle = LinePlot {
        title: "Cycle losses".into(),
        caption: "Weighted L1 of a round trip, running mean. They fall as the networks learn to come back."
            .into(),
        x: Axis::linear("step"),
        y: Axis::linear("loss"),
        series: vec![
            line("healthy to cancer and back", |r| r.losses.cycle_a),
            line("cancer to healthy and back", |r| r.losses.cycle_b),
        ],
        markers: vec![decay.clone()],
        simulated: false,
    };
    let adversarial = LinePlot {
        title: "Adversarial losses".into(),
        caption: "They oscillate and do not show convergence; a discriminator at 0.25 tells nothing apart."
            .into(),
        x: Axis::linear("step"),
        y: Axis::linear("loss"),
        series: vec![
            line("generator, injects", |r| r.losses.adversarial_ab),
            line("generator, removes", |r| r.losses.adversarial_ba),
            line("discriminator, healthy", |r| r.losses.d_a),
            line("discriminator, cancer", |r| r.losses.d_b),
        ],
        markers: vec![decay],
        simulated: false,
    };
    let mut section = Section::new("training", "How it learned")
        .with(Block::Plots(vec![Plot::Line(cycle), Plot::Line(adversarial)]));
    let mut sheets = BTreeMap::new();
    for entry in fs::read_dir(folder.path("samples"))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let step = name
            .strip_prefix("step-")
            .and_then(|n| n.strip_suffix(".png"))
            .and_then(|n| n.parse::<usize>().ok());
        if let Some(step) = step {
            sheets.insert(step, path);
        }
    }
    if let Some((step, path)) = sheets.iter().next().filter(|_| sheets.len() > 1) {
        let picture = Picture::new(format!("after {step} steps"), fs::read(path)?)?;
        section.blocks.push(Block::Heading("Early in training".into()));
        section.blocks.push(Block::Pictures(PictureRow {
            caption: "Three healthy and three cancer images. Networks first change brightness and contrast as a whole and \
                      learn lesions later; samples/ has the steps between."
                .into(),
            pictures: vec![picture],
        }));
    }
    Ok(section)
}

/// Means over windows of a hundredth of the run, which leave the trend readable.
pub(super) fn smoothed(metrics: &[StepReport], get: fn(&StepReport) -> f32) -> Vec<(f64, f64)> {
    let window = (metrics.len() / 100).max(1);
    metrics
        .chunks(window)
        .map(|chunk| {
            let mean = |f: &dyn Fn(&StepReport) -> f64| chunk.iter().map(f).sum::<f64>() / chunk.len() as f64;
            (mean(&|r| r.step as f64), mean(&|r| f64::from(get(r))))
        })
        .collect()
}
