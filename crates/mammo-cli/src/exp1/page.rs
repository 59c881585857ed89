//! The report of a run, put together from the files in its folder alone, so that it can be made again at any time.

use super::config::RunConfig;
use super::counterfactual::Scores;
use super::folder::RunFolder;
use super::spectra::Spectra;
use anyhow::Context;
use fs_err as fs;
use mammo_core::Label;
use mammo_dataset::CohortSummary;
use mammo_forensics::{CounterfactualSummary, Estimate};
use mammo_reader::{Analysis, Measured, PublishedReader, becker_table2_as_printed, becker_table2_corrected};
use mammo_readout::{AucEstimate, AucTest};
use mammo_report::{
    Align, Axis, Block, LinePlot, Marker, Picture, PictureRow, Plot, Reference, Report, RocCurve, RocPlot,
    Section, Series, Table, estimate_text, number_text,
};
use mammo_train::StepReport;
use std::collections::BTreeMap;

/// What the page is made from.
struct Run {
    config: RunConfig,
    cohort: CohortSummary,
    metrics: Vec<StepReport>,
    spectra: Spectra,
    analysis: Analysis,
    /// Only phantoms have twins to score against.
    scores: Option<Scores>,
    elapsed_s: f64,
    threads: usize,
}

/// Writes `report.html`.
pub(crate) fn write(folder: &RunFolder) -> anyhow::Result<()> {
    let scores = folder.path("counterfactual.json");
    let (elapsed_s, threads) = folder.timing()?;
    let run = Run {
        config: folder.config()?,
        cohort: mammo_files::read_json(&folder.path("cohort.json"))?,
        metrics: mammo_files::read_json_lines(&folder.path("metrics.jsonl"))?,
        spectra: mammo_files::read_json(&folder.path("spectra.json"))?,
        analysis: mammo_files::read_json(&folder.path("readout/analysis.json"))?,
        scores: scores.exists().then(|| mammo_files::read_json(&scores)).transpose()?,
        elapsed_s,
        threads,
    };
    let mut report = Report::new(
        "Injecting and removing malignant features: experiment 1",
        format!("mammo {}", run.config.version),
    );
    report.subtitle = format!(
        "CycleGAN translation of {} between healthy and cancer, after Becker et al. (arXiv 1811.07767).",
        images_in_words(&run)
    );
    report.simulated_readers = run.analysis.simulated;
    report.summary = summary(&run);
    report.facts = facts(&run);
    report.sections = vec![
        cohort(&run),
        pictures(folder, &run)?,
        counterfactual(&run),
        readout(&run),
        artefacts(&run),
        training(folder, &run)?,
    ];
    report.sections.retain(|section| !section.blocks.is_empty());
    report.limits = limits(&run);
    report.references = references();
    Ok(mammo_report::write(&folder.report(), &report)?)
}

fn images_in_words(run: &Run) -> &'static str {
    match run.config.data.split(':').next() {
        Some("phantom") => "procedural phantom mammograms",
        Some("inbreast") => "INbreast mammograms",
        _ => "mini-MIAS mammograms",
    }
}

fn is_phantom(run: &Run) -> bool {
    run.config.data == "phantom"
}

fn readers_in_words(count: usize, simulated: bool) -> String {
    const WORDS: [&str; 4] = ["No", "One", "Two", "Three"];
    let count_text = WORDS.get(count).map_or_else(|| count.to_string(), |word| (*word).to_owned());
    let kind = if simulated { "simulated " } else { "" };
    format!("{count_text} {kind}reader{}", if count == 1 { "" } else { "s" })
}

/// The findings, each a sentence with its interval.
fn summary(run: &Run) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(scores) = &run.scores {
        if let (Some(share), Some(approach)) = (scores.removal.contrast_share, scores.removal.approach) {
            lines.push(format!(
                "Removal took away {} of the lesions' contrast (median of {} held-out lesions of {} patients, 95 % \
                 interval over patients). Of the distance between the untouched region and the true twin it covered {}.",
                percent(share),
                scores.removal.n_cases,
                scores.removal.n_patients,
                percent(approach)
            ));
        }
        if let Some(share) = scores.injection.contrast_share {
            lines.push(format!(
                "Injection into the lesion-free twins put {} of the true lesion's contrast at the true lesion's place; \
                 a network that paints its lesion elsewhere scores nothing here.",
                percent(share)
            ));
        }
    }
    if let Some(pooled) = &run.analysis.pooled.malignancy {
        lines.push(format!(
            "{} told cancer from healthy with a mean AUC of {} on originals and {} on modified images, scored \
             against the label before tampering; below 0.5 the tampering turned the diagnosis round.",
            readers_in_words(run.analysis.pooled.n_readers, run.analysis.simulated),
            auc_text(&pooled.originals),
            auc_text(&pooled.modified_vs_source_label)
        ));
    }
    if let Some(pooled) = &run.analysis.pooled.tampering {
        lines.push(format!(
            "They told modified from original images with a mean AUC of {} ({} against chance).",
            auc_text(&pooled.detection),
            p_sentence(pooled.against_chance.p)
        ));
    }
    lines
}

fn facts(run: &Run) -> Vec<(String, String)> {
    let train = &run.config.preset.train;
    let fact = |name: &str, value: String| (name.to_owned(), value);
    vec![
        fact("Data", run.config.data.clone()),
        fact("Cancer means", format!("{} ({})", run.config.labels, rule_in_words(run))),
        fact("Views", run.config.views.to_string()),
        fact("Image size", format!("{} x {} px", train.height_px, train.width_px)),
        fact(
            "Generators",
            format!("ngf {}, {} residual blocks", train.generator.ngf, train.generator.n_blocks),
        ),
        fact(
            "Discriminators",
            format!("PatchGAN, ndf {}, {} layers", train.discriminator.ndf, train.discriminator.n_layers),
        ),
        fact(
            "Loss",
            format!(
                "least-squares GAN + {} x cycle L1, identity weight {}",
                train.weights.lambda_cycle, train.weights.lambda_identity
            ),
        ),
        fact(
            "Optimiser",
            format!(
                "Adam {:e}, betas {} and {}, batch {}, pool {}",
                train.learning_rate, train.beta1, train.beta2, train.batch_size, train.pool_size
            ),
        ),
        fact(
            "Steps",
            format!("{}, of which the first {} at a constant rate", train.steps, train.constant_steps),
        ),
        fact("Preset", run.config.preset_name.clone()),
        fact("Seed", run.config.seed.0.to_string()),
        fact("Device", format!("{}, {} threads, f32", run.config.device, run.threads)),
        fact("Time", format!("{:.1} min in all", run.elapsed_s / 60.0)),
    ]
}

fn rule_in_words(run: &Run) -> &'static str {
    use mammo_core::LabelRule as Rule;
    match run.config.labels {
        Rule::BiradsGe3 => "BI-RADS 3 and above",
        Rule::BiradsGe4Drop3 => "BI-RADS 4 and above, 3 left out",
        Rule::MassFlag => "a mass is flagged in the table",
        Rule::MassRoi => "a mass is outlined",
        Rule::Mass => "a mass is flagged or outlined, benign or not",
        Rule::BcdrAnyOutline => "any lesion is outlined, benign or not",
        Rule::BcdrMalign => "a malignant lesion is outlined",
        Rule::Abnormal => "any abnormality",
        Rule::Malignant => "malignant by pathology",
    }
}

fn cohort(run: &Run) -> Section {
    let summary = &run.cohort;
    let mut parts =
        Table::new("Patients and images by part", ["Part", "Patients", "Images", "Healthy", "Cancer"]);
    for (name, part) in
        [("Training", &summary.train), ("Held out", &summary.test), ("Together", &summary.cohort)]
    {
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
        .push("No patient has images in both parts. All results below are from held-out patients.".into());
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

fn pictures(folder: &RunFolder, run: &Run) -> anyhow::Result<Section> {
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
            "Where does the network paint, and on top of what? A two-pixel checkerboard in the painted places comes from \
             the transposed convolutions.",
        ),
        (
            "injection_twins",
            "Injection against the truth",
            "The same breasts as in the removal rows, drawn without their lesion, and what they look like with it. The \
             network cannot know where the lesion was.",
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

fn counterfactual(run: &Run) -> Section {
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
    for (name, get, is_share) in rows {
        let text: &dyn Fn(Estimate) -> String = if is_share { &share } else { &grey };
        table.row([name.to_owned(), cell(get(&scores.removal), text), cell(get(&scores.injection), text)]);
    }
    table.footnotes = vec![
        "Contrast: mean inside the lesion less mean in the ring around it, in units of the grey scale from 0 to 1. \
         The region is lesion and ring."
            .into(),
        "Shares: 0 % is the untouched image, 100 % the true twin; negative is further away.".into(),
        "Injection starts from the twin without lesion; its twin is the image with it, at a place that the network \
         cannot know."
            .into(),
    ];
    section
        .intro(
            "Every phantom with a lesion can also be drawn without it, from the same breast and the same noise. No real \
             data set has this truth.",
        )
        .with(Block::Table(table))
}

fn readout(run: &Run) -> Section {
    let analysis = &run.analysis;
    let simulated = analysis.simulated;
    let intro = if simulated {
        "The readers here are SIMULATED: model observers fitted on original training images only, each with channels and \
         internal noise of its own. Their numbers say nothing about radiologists; they show that the readout works and \
         how large its intervals are. Put in ratings by people with --ratings."
    } else {
        "Ratings by people."
    };
    let mut ours = Table::new(
        format!(
            "This run: {} images, {} of them in pairs. AUC (95 % interval)",
            analysis.n_cases,
            2 * analysis.n_pairs
        ),
        [
            "Reader",
            "Cancer, originals",
            "Cancer, modified",
            "p",
            "Cancer, modified, intended label",
            "Modified or not",
            "p",
        ],
    );
    ours.simulated = simulated;
    for reader in &analysis.readers {
        let mut row = vec![reader.reader.clone()];
        match &reader.malignancy {
            Some(m) => row.extend([
                auc_text(&m.originals.estimate),
                auc_text(&m.modified_vs_source_label.estimate),
                p_text(m.originals_minus_modified.p),
                auc_text(&m.modified_vs_intended_label.estimate),
            ]),
            None => row.extend(["not asked", "", "", ""].map(str::to_owned)),
        }
        if let Some(t) = &reader.tampering {
            row.extend([auc_text(&t.detection.estimate), p_text(t.against_chance.p)]);
        }
        ours.row(row);
    }
    let pooled = &analysis.pooled;
    if let (Some(m), Some(t)) = (&pooled.malignancy, &pooled.tampering) {
        ours.row([
            "Mean".to_owned(),
            auc_text(&m.originals),
            auc_text(&m.modified_vs_source_label),
            p_text(m.originals_minus_modified.p),
            auc_text(&m.modified_vs_intended_label),
            auc_text(&t.detection),
            p_text(t.against_chance.p),
        ]);
    }
    ours.footnotes = std::iter::once(
        "Cancer, modified: against the label of the image before tampering; intended label: against what the tampering \
         aimed at."
            .to_owned(),
    )
    .chain(analysis.notes.iter().cloned())
    .collect();

    Section::new("readout", if simulated { "Readout (simulated readers)" } else { "Readout" })
        .intro(intro)
        .with(Block::Table(ours))
        .with(Block::Table(delong_table(analysis)))
        .with(Block::Plots(roc_plots(analysis)))
        .with(Block::Heading("The paper's readers".into()))
        .with(Block::Text(
            "Three radiologists, 256 x 256 pixels, 30 modified and 30 original images. The replication report prints the \
             table with two cells exchanged: its means, .79 and .66, are not the .76 and .70 of the journal version (Eur J \
             Radiol 2019;120:108649), while those of the pairing in the abstract of arXiv 1811.07767 are."
                .into(),
        ))
        .with(Block::Table(paper_table(
            "Table 2 as the replication report prints it (AUC)",
            becker_table2_as_printed(),
        )))
        .with(Block::Table(paper_table(
            "Table 2 with the pairing of the abstract: the corrected one (AUC)",
            becker_table2_corrected(),
        )))
}

fn delong_table(analysis: &Analysis) -> Table {
    let mut table = Table::new(
        "DeLong's tests, as the paper used them: originals less modified, and modified or not against 0.5",
        ["Reader", "Difference, unpaired", "p", "Difference, pairs only", "p", "Modified or not", "p"],
    );
    table.simulated = analysis.simulated;
    let difference = |t: &AucTest| estimate_text(t.difference, Some((t.ci_low, t.ci_high)), 2);
    for reader in &analysis.readers {
        let (Some(m), Some(t)) = (&reader.malignancy, &reader.tampering) else { continue };
        let unpaired = &m.originals_minus_modified_delong_unpaired;
        let pairs = m.originals_minus_modified_delong_pairs.as_ref();
        table.row([
            reader.reader.clone(),
            difference(unpaired),
            p_text(unpaired.p),
            pairs.map_or("too few".into(), difference),
            pairs.map_or(String::new(), |t| p_text(t.p)),
            auc_text(&t.detection_delong),
            p_text(t.against_chance_delong.p),
        ]);
    }
    table.footnotes = vec![
        "The study is partly paired: 20 images are shown in both versions. DeLong's unpaired test takes them for \
         independent, the paired test leaves out the other images; the table above uses the clustered test, which does \
         neither."
            .into(),
    ];
    table
}

fn roc_plots(analysis: &Analysis) -> Vec<Plot> {
    type Get = fn(&mammo_reader::ReaderAnalysis) -> Option<&Measured>;
    let plots: [(&str, Get); 3] = [
        ("Cancer, originals", |r| r.malignancy.as_ref().map(|m| &m.originals)),
        ("Cancer, modified (source label)", |r| r.malignancy.as_ref().map(|m| &m.modified_vs_source_label)),
        ("Modified or not", |r| r.tampering.as_ref().map(|t| &t.detection)),
    ];
    plots
        .into_iter()
        .map(|(title, get)| {
            let curves = analysis.readers.iter().filter_map(|reader| {
                let measured = get(reader)?;
                let points =
                    measured.curve.points.iter().map(|p| (p.false_positive_rate, p.true_positive_rate));
                let estimate = &measured.estimate;
                Some(RocCurve {
                    name: reader.reader.clone(),
                    points: points.collect(),
                    auc: Some(estimate.auc),
                    auc_interval_95: Some((estimate.ci_low, estimate.ci_high)),
                })
            });
            Plot::Roc(RocPlot {
                title: title.to_owned(),
                caption: String::new(),
                curves: curves.collect(),
                simulated: analysis.simulated,
            })
        })
        .collect()
}

fn paper_table(caption: &str, readers: [PublishedReader; 3]) -> Table {
    let mut table =
        Table::new(caption, ["Radiologist", "Cancer, originals", "Cancer, modified", "Modified or not"]);
    for r in readers {
        table.row([
            r.reader.to_string(),
            number_text(r.auc_originals, 2),
            number_text(r.auc_modified, 2),
            number_text(r.auc_detection, 2),
        ]);
    }
    table
}

fn artefacts(run: &Run) -> Section {
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

fn training(folder: &RunFolder, run: &Run) -> anyhow::Result<Section> {
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
fn smoothed(metrics: &[StepReport], get: fn(&StepReport) -> f32) -> Vec<(f64, f64)> {
    let window = (metrics.len() / 100).max(1);
    metrics
        .chunks(window)
        .map(|chunk| {
            let mean = |f: &dyn Fn(&StepReport) -> f64| chunk.iter().map(f).sum::<f64>() / chunk.len() as f64;
            (mean(&|r| r.step as f64), mean(&|r| f64::from(get(r))))
        })
        .collect()
}

fn limits(run: &Run) -> Vec<String> {
    let train = &run.config.preset.train;
    let mut limits = Vec::new();
    if run.config.preset_name == "smoke" {
        limits.push("A smoke test: images of a few pixels and a few steps show that the software runs and nothing else.".to_owned());
    }
    if is_phantom(run) {
        limits.push(
            "Phantoms are not patients: their lesions are more conspicuous and their tissue simpler than in any release, \
             and nothing here carries over to real mammograms without being measured there."
                .to_owned(),
        );
    }
    limits.push(format!(
        "{} x {} pixels and {} steps; the paper used 256 x 256 pixels and up to 160,000 steps. Fine spicules and \
         calcifications do not survive this size.",
        train.height_px, train.width_px, train.steps
    ));
    if run.analysis.simulated {
        limits
            .push("No person read these images: simulated readers see contrast and texture only.".to_owned());
    }
    limits.push(format!(
        "{} readers and {} images: a single reader's AUC on 30 against 30 images has a 95 % interval of about \
         plus or minus 0.14.",
        run.analysis.readers.len(),
        run.analysis.n_cases
    ));
    limits.push("One seed; the spread over seeds is not shown.".to_owned());
    limits
}

fn references() -> Vec<Reference> {
    let reference =
        |text: &str, address: &str| Reference { text: text.to_owned(), address: address.to_owned() };
    vec![
        reference(
            "Becker AS, Jendele L, Skopek O, Berger N, Ghafoor S, Marcon M, Konukoglu E. Injecting and removing malignant \
             features in mammography with CycleGAN. 2018.",
            "arXiv 1811.07767",
        ),
        reference(
            "Zhu JY, Park T, Isola P, Efros AA. Unpaired image-to-image translation using cycle-consistent adversarial \
             networks. 2017.",
            "arXiv 1703.10593",
        ),
        reference(
            "DeLong ER, DeLong DM, Clarke-Pearson DL. Comparing the areas under two or more correlated receiver operating \
             characteristic curves. Biometrics 1988;44:837-845.",
            "",
        ),
        reference(
            "Obuchowski NA. Nonparametric analysis of clustered ROC curve data. Biometrics 1997;53:567-578.",
            "",
        ),
        reference(
            "Moreira IC et al. INbreast: toward a full-field digital mammographic database. Acad Radiol 2012;19:236-248.",
            "",
        ),
    ]
}

fn auc_text(estimate: &AucEstimate) -> String {
    estimate_text(estimate.auc, Some((estimate.ci_low, estimate.ci_high)), 2)
}

fn p_text(p: f64) -> String {
    if p < 0.001 { "< .001".to_owned() } else { number_text(p, 3) }
}

fn p_sentence(p: f64) -> String {
    if p < 0.001 { "p < .001".to_owned() } else { format!("p = {}", number_text(p, 3)) }
}

fn percent(estimate: Estimate) -> String {
    // Adding zero turns a rounded -0 into 0.
    let whole = |share: f64| (100.0 * share).round() + 0.0;
    let interval = estimate
        .interval_95
        .map_or(String::new(), |(low, high)| format!(" ({:.0} to {:.0})", whole(low), whole(high)));
    format!("{:.0} %{interval}", whole(estimate.median))
}

fn quartiles(values: &[f64]) -> String {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |q: f64| sorted[((sorted.len() - 1) as f64 * q).round() as usize];
    if sorted.is_empty() {
        return "none".to_owned();
    }
    format!("{:.1} ({:.1} to {:.1})", at(0.5), at(0.25), at(0.75))
}
