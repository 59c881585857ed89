//! Renders a page with made-up data, to look at the layout: `cargo run -p mammo-report --example sample_report [FILE]`.

use mammo_core::{Plane, Point, Seed, Shape};
use mammo_png::{Mark, Sheet, SheetRow, Tile, encode_gray8};
use mammo_report::{
    Axis, Block, LinePlot, Marker, Picture, PictureRow, Plot, Reference, Report, ReportError, RocCurve,
    RocPlot, Section, Series, Stroke, Table, estimate_text,
};
use rand_distr::{Distribution, StandardNormal};
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).map_or_else(|| PathBuf::from("sample_report.html"), PathBuf::from);
    mammo_report::write(&path, &report()?)?;
    println!("{}", path.display());
    Ok(())
}

fn report() -> Result<Report, Box<dyn std::error::Error>> {
    let mut report = Report {
        subtitle: "CycleGAN translation between healthy and cancer mammograms: training, pictures, measures and reader \
                   study."
            .to_owned(),
        simulated_readers: true,
        ..Report::new("Demo: a page of made-up data", "mammo (demo)")
    };
    report.summary = [
        "All numbers on this page are made up to show its layout.",
        "Removing lesions took away 88 % (95 % CI 81 to 93) of their contrast and changed the rest of the breast by \
         0.7 % of the grey scale.",
        "Readers did not tell modified from original images: mean AUC 0.55 (0.44 to 0.66).",
        "Modified images carry a two-pixel grid of 9.1 dB; originals carry none (0.2 dB).",
    ]
    .map(str::to_owned)
    .to_vec();
    report.facts = [
        ("Data", "phantoms, 240 + 240 training, 80 held out"),
        ("Image size", "128 x 128 px"),
        ("Label rule", "mass"),
        ("Steps", "2 400"),
        ("Seed", "42"),
        ("Device", "CPU"),
        ("Elapsed", "10 min 38 s"),
        ("Configuration SHA-256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec();
    report.sections = vec![cohort(), training(), pictures()?, artefacts(), counterfactual(), readout()];
    report.limits = [
        "Phantoms are not patients: textures and lesions are simpler than in any release.",
        "Simulated readers see contrast and texture only.",
    ]
    .map(str::to_owned)
    .to_vec();
    report.references = vec![Reference {
        text: "Becker AS, Jendele L, Skopek O, et al. Injecting and removing malignant features in mammography with \
               CycleGAN: investigation of an automated adversarial attack using neural networks. arXiv:1811.07767, 2018."
            .to_owned(),
        address: "arxiv.org/abs/1811.07767".to_owned(),
    }];
    Ok(report)
}

fn cohort() -> Section {
    let mut table =
        Table::new("Images and patients by split", ["Split", "Patients", "Images", "Healthy", "Cancer"]);
    table.row(["Training", "240", "480", "240", "240"]);
    table.row(["Held out", "40", "80", "40", "40"]);
    table.footnotes.push("Splits never separate images of one patient.".to_owned());
    Section::new("cohort", "Cohort")
        .intro("Who was trained on and who was kept aside.")
        .with(Block::Table(table))
}

fn training() -> Section {
    let mut stream = Seed(1).stream("loss");
    let mut noisy = |start: f64, end: f64, spread: f64| {
        (0..120)
            .map(|i| {
                let t = f64::from(i) / 119.0;
                let noise: f64 = StandardNormal.sample(&mut stream);
                (t * 2400.0, end + (start - end) * (-5.0 * t).exp() + spread * noise)
            })
            .collect::<Vec<_>>()
    };
    let cycle = LinePlot {
        title: "Cycle loss".to_owned(),
        caption: "Mean absolute error of a round trip, both directions, averaged over 20 steps.".to_owned(),
        x: Axis::linear("step"),
        y: Axis::linear("mean |x \u{2212} F(G(x))| [grey scale \u{2212}1 to 1]"),
        series: vec![
            Series::line("healthy \u{2192} cancer \u{2192} healthy", noisy(0.3, 0.03, 0.006)),
            Series::line("cancer \u{2192} healthy \u{2192} cancer", noisy(0.33, 0.035, 0.006)),
        ],
        markers: vec![Marker { x: 1200.0, label: "decay starts".to_owned() }],
        simulated: false,
    };
    let adversarial = LinePlot {
        title: "Adversarial losses".to_owned(),
        x: Axis::linear("step"),
        y: Axis::linear("least-squares loss"),
        series: vec![
            Series::line("G (healthy \u{2192} cancer)", noisy(0.8, 0.35, 0.04)),
            Series::line("F (cancer \u{2192} healthy)", noisy(0.85, 0.38, 0.04)),
            Series::line("D_X", noisy(0.4, 0.21, 0.02)),
            Series::line("D_Y", noisy(0.45, 0.22, 0.02)),
        ],
        ..LinePlot::default()
    };
    Section::new("training", "Training").with(Block::Plots(vec![Plot::Line(cycle), Plot::Line(adversarial)]))
}

/// A smooth half disc with a bright spot: enough to see how pictures hang, and plainly no mammogram.
fn demo_plane(lesion: f32) -> Plane {
    Plane::from_fn(96, 128, |x, y| {
        let (dx, dy) = (x as f32 / 80.0, (y as f32 - 64.0) / 60.0);
        let r = dx.hypot(dy);
        let tissue = 0.35 + 0.12 * (x as f32 / 11.0).sin() * (y as f32 / 9.0).cos();
        let spot = lesion * (-((x as f32 - 40.0).powi(2) + (y as f32 - 70.0).powi(2)) / 60.0).exp();
        if r < 1.0 { (tissue + spot) * (1.0 - r.powi(8)) } else { 0.0 }
    })
}

fn pictures() -> Result<Section, Box<dyn std::error::Error>> {
    let mark = Mark::new("mammo (demo)", "made-up picture for the sample report");
    let (cancer, removed) = (demo_plane(0.4), demo_plane(0.05));
    let picture = |caption: &str, plane: &Plane| -> Result<Picture, Box<dyn std::error::Error>> {
        Ok(Picture::new(caption, encode_gray8(plane, &mark)?)?)
    };
    let row = PictureRow {
        caption: "Removal, case 17".to_owned(),
        pictures: vec![
            picture("input (cancer)", &cancer)?,
            picture("translated (healthy)", &removed)?,
            picture("true twin", &demo_plane(0.0))?,
        ],
    };
    let outline = Shape::Circle { center: Point { x: 40.5, y: 70.5 }, radius: 13.0 };
    let sheet = Sheet {
        columns: ["real B", "fake A", "rec B", "change"].map(str::to_owned).to_vec(),
        rows: (1..=2)
            .map(|i| SheetRow {
                label: format!("case {i}"),
                tiles: vec![
                    Tile::Outlined { plane: cancer.clone(), shapes: vec![outline.clone()] },
                    Tile::Gray(removed.clone()),
                    Tile::Gray(cancer.clone()),
                    Tile::Difference { plane: cancer.zip(&removed, |a, b| b - a), limit: 0.3 },
                ],
            })
            .collect(),
        zoom: 2,
    };
    let sheet = Picture::new("step 2 400; change: blue darker, orange brighter", sheet.draw().encode(&mark)?);
    let sheet = sheet.map_err(|e: ReportError| e)?;
    Ok(Section::new("pictures", "Pictures")
        .intro("Pictures are shown at whole multiples of their pixels, without smoothing.")
        .with(Block::Pictures(row))
        .with(Block::Pictures(PictureRow { caption: "Sample sheet".to_owned(), pictures: vec![sheet] })))
}

fn artefacts() -> Section {
    let spectrum = |grid: f64| {
        (1..=64)
            .map(|i| {
                let f = f64::from(i) / 128.0;
                let peak = |at: f64| grid * (-((f - at) / 0.006).powi(2)).exp();
                (f, 1e-5 * f.powf(-2.8) * (1.0 + peak(0.25) + 4.0 * peak(0.5)))
            })
            .collect::<Vec<_>>()
    };
    let plot = LinePlot {
        title: "Radial power spectrum of 40 held-out images".to_owned(),
        caption: "Up-sampling leaves peaks at 1/4 and 1/2 cycles per pixel.".to_owned(),
        x: Axis::log("spatial frequency [cycles per pixel]"),
        y: Axis::log("power [squared grey values, 0 to 1]"),
        series: vec![
            Series::line("originals", spectrum(0.0)),
            Series::line("translated", spectrum(5.0)),
            Series {
                name: "sampled rings".to_owned(),
                points: spectrum(5.0).into_iter().step_by(6).collect(),
                stroke: Stroke::Dots,
            },
        ],
        ..LinePlot::default()
    };
    Section::new("artefacts", "Artefacts").with(Block::Plots(vec![Plot::Line(plot)]))
}

fn counterfactual() -> Section {
    let mut table = Table::new(
        "Translations against the true twin, medians (95 % CI)",
        [
            "Direction",
            "Cases",
            "Patients",
            "Contrast share",
            "Closer to the twin",
            "Change outside [% of scale]",
        ],
    );
    table.row([
        "removal",
        "40",
        "40",
        &estimate_text(0.88, Some((0.81, 0.93)), 2),
        &estimate_text(0.69, Some((0.6, 0.74)), 2),
        &estimate_text(0.7, Some((0.6, 0.8)), 1),
    ]);
    table.row([
        "injection",
        "40",
        "40",
        &estimate_text(0.12, Some((-0.02, 0.2)), 2),
        &estimate_text(-0.05, Some((-0.1, 0.02)), 2),
        &estimate_text(1.1, Some((0.9, 1.3)), 1),
    ]);
    table.footnotes.push("Contrast share: 0 is the untouched input, 1 is the true twin.".to_owned());
    Section::new("counterfactual", "Against the true twin").with(Block::Table(table)).with(Block::Note(
        "An injection has no true place; its score asks whether the network found the twin.".to_owned(),
    ))
}

fn readout() -> Section {
    let curve = |name: &str, auc: f64, interval| {
        // A power curve has area 1 / (1 + exponent).
        let exponent = 1.0 / auc - 1.0;
        let points = (0..=30).map(|i| f64::from(i) / 30.0).map(|t| (t, t.powf(exponent))).collect();
        RocCurve { name: name.to_owned(), points, auc: Some(auc), auc_interval_95: Some(interval) }
    };
    let detection = RocPlot {
        title: "Telling modified from original".to_owned(),
        caption: "Positive: modified.".to_owned(),
        curves: vec![
            curve("Reader 1", 0.66, (0.51, 0.78)),
            curve("Reader 2", 0.48, (0.34, 0.63)),
            curve("Reader 3", 0.50, (0.36, 0.64)),
        ],
        simulated: true,
    };
    let cancer = RocPlot {
        title: "Finding cancer, reader 1".to_owned(),
        caption: "Positive: cancer by the source image's label.".to_owned(),
        curves: vec![curve("originals", 0.85, (0.65, 0.95)), curve("modified", 0.63, (0.42, 0.8))],
        simulated: true,
    };
    let mut table = Table::new(
        "Finding cancer: AUC on originals and on modified images",
        ["", "originals", "modified", "originals", "modified", "originals", "modified"],
    );
    table.groups = [("", 1), ("this run", 2), ("paper", 2), ("as first printed", 2)]
        .map(|(name, columns)| (name.to_owned(), columns))
        .to_vec();
    table.row(["Reader 1", "0.81 (0.62 to 0.93)", "0.60 (0.40 to 0.78)", "0.85", "0.63", "0.85", "0.63"]);
    table.row(["Reader 2", "0.70 (0.49 to 0.85)", "0.66 (0.45 to 0.83)", "0.67", "0.69", "0.75", "0.67"]);
    table.row(["Reader 3", "0.74 (0.54 to 0.88)", "0.72 (0.51 to 0.87)", "0.75", "0.77", "0.77", "0.69"]);
    table.footnotes = vec![
        "Paper: the pairing of the arXiv abstract, whose means 0.76 and 0.70 are those of the journal version.".to_owned(),
        "As first printed: Table 2 of the replication report, which pairs the same values differently.".to_owned(),
    ];
    table.simulated = true;
    Section::new("readout", "Reader study")
        .intro("Ratings from 1 to 5; AUC with DeLong intervals. An AUC below 0.5 is reported as it is.")
        .with(Block::Plots(vec![Plot::Roc(detection), Plot::Roc(cancer)]))
        .with(Block::Table(table))
}
