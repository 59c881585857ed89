//! The sections with their tables.

use super::Study;
use crate::detect::beside::{comparisons, roc_plot};
use crate::detect::judge::Judged;
use crate::detection_study::detectors::{MEASURES, NETWORK};
use crate::detection_study::scores::DetectorRows;
use crate::experiment::auc_text;
use crate::run::RunFolder;
use anyhow::Context;
use mammo_readout::AucEstimate;
use mammo_report::{
    Axis, Block, LinePlot, Picture, PictureRow, Plot, Scale, Section, Series, Table, number_text,
};

fn share(value: f64) -> String {
    format!("{:.0} %", 100.0 * value)
}

fn maybe(auc: Option<&AucEstimate>) -> String {
    auc.map_or_else(|| "too few".to_owned(), auc_text)
}

/// One row for every detector and row: the area, by direction, and what the threshold does.
fn detection_table(caption: &str, first: &str, tables: &[DetectorRows]) -> Table {
    let mut table = Table::new(
        caption,
        ["Detector", first, "Altered or not", "Lesion put in", "Lesion taken out", "Found", "False alarms"],
    );
    table.align = vec![mammo_report::Align::Left, mammo_report::Align::Left];
    for rows in tables {
        for row in &rows.rows {
            table.row([
                rows.detector.clone(),
                row.name.clone(),
                auc_text(&row.detection),
                maybe(row.injected.as_ref()),
                maybe(row.removed.as_ref()),
                share(row.found),
                share(row.false_alarms),
            ]);
        }
    }
    table.footnotes = vec![FOUND.to_owned()];
    table
}

const FOUND: &str = "Area under the ROC curve (95 % interval; DeLong's for clusters, the images of a patient taken as dependent). \
                     Found and false alarms: share of altered images and of originals above the threshold, which was set for 5 % \
                     false alarms on the detectors' own patients.";

pub(super) fn generators(study: &Study) -> Section {
    Section::new("generators", "Found, whichever generator made them?")
        .intro(
            "Images as they leave the generators, originals and altered ones through the same encoder. Detectors were trained on \
             one generator's images of one part of the patients and judge those of another part; a detector whose name says \
             resize was trained on the generator that goes up by nearest neighbour and convolution, every other on transposed \
             convolutions. So each meets a generator that it has never seen.",
        )
        .with(Block::Table(detection_table("By generator", "Images of", &study.results.generators)))
}

pub(super) fn controls(study: &Study) -> Section {
    Section::new("controls", "Null controls")
        .intro(
            "Originals encoded once more must be told from originals by chance alone, .50 within the interval, or a detector finds \
             files and not tampering. The generator that changes nothing was trained to give back what it is given: what is \
             found in its images is the trace of a network, with nothing put in or taken out.",
        )
        .with(Block::Table(detection_table("Against originals", "Images", &study.results.controls)))
}

pub(super) fn handlings(study: &Study) -> Section {
    let mut section = Section::new("handlings", "After handling").intro(
        "Originals and altered images were handled alike before the detectors saw them. Handling alone sets handled originals \
         against originals as they are: away from .50 the detector answers to the handling, and its scores of images of unknown \
         handling mean less. The measures that were never handled were trained on images as they are; the others on copies under \
         drawn handling, too.",
    );
    for rows in &study.results.handlings {
        let mut table = Table::new(
            format!("Detector: {}", rows.detector),
            [
                "Both handled",
                "Altered or not",
                "Lesion put in",
                "Lesion taken out",
                "Handling alone",
                "Found",
                "False alarms",
            ],
        );
        for row in &rows.rows {
            table.row([
                row.name.clone(),
                auc_text(&row.detection),
                maybe(row.injected.as_ref()),
                maybe(row.removed.as_ref()),
                auc_text(&row.control),
                share(row.found),
                share(row.false_alarms),
            ]);
        }
        section.blocks.push(Block::Table(table));
    }
    section
}

pub(super) fn steps(study: &Study) -> Section {
    let results = &study.results;
    let mut steps: Vec<usize> = results.reader_steps.iter().map(|r| r.0).collect();
    steps.dedup();
    let detectors = results.steps.iter().map(|rows| {
        let points = steps.iter().zip(&rows.rows).map(|(s, row)| (*s as f64, row.detection.auc)).collect();
        Series::line(rows.detector.clone(), points)
    });
    let mut names: Vec<&str> = Vec::new();
    for (_, name, _) in &results.reader_steps {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let readers = names.iter().map(|name| {
        let own = results.reader_steps.iter().filter(|r| r.1 == *name);
        Series::line(*name, own.map(|(step, _, auc)| (*step as f64, auc.auc)).collect())
    });
    let plot = LinePlot {
        title: "Altered or not, by training of the generator".to_owned(),
        caption: "Every detector was trained on the images of the last step alone.".to_owned(),
        x: Axis { label: "training steps of the generator".to_owned(), scale: Scale::Linear, range: None },
        y: Axis {
            label: "area under the ROC curve".to_owned(),
            scale: Scale::Linear,
            range: Some((0.0, 1.0)),
        },
        series: detectors.chain(readers).collect(),
        markers: Vec::new(),
        simulated: true,
    };
    let mut by_reader = Table::new(
        "Simulated readers at the same steps (AUC)",
        std::iter::once("Steps").chain(names.iter().copied()),
    );
    by_reader.simulated = true;
    for step in &steps {
        let own = results.reader_steps.iter().filter(|r| r.0 == *step).map(|r| auc_text(&r.2));
        by_reader.row(std::iter::once(step.to_string()).chain(own));
    }
    Section::new("steps", "Does early stopping fool the detectors?")
        .intro(
            "Becker et al. found that images of an early checkpoint fooled readers more often than those of a late one. Here \
             the judged images were altered by the generator with transposed convolutions at several steps of its training.",
        )
        .with(Block::Plots(vec![Plot::Line(plot)]))
        .with(Block::Table(detection_table("By training steps", "Generator", &results.steps)))
        .with(Block::Table(by_reader))
}

pub(super) fn sizes(study: &Study) -> Section {
    let mut table = Table::new(
        "By size, in pixels of the image",
        ["Detector", "Images", "Originals", "Altered or not", "Found", "False alarms"],
    );
    table.align = vec![mammo_report::Align::Left, mammo_report::Align::Left];
    for rows in &study.results.sizes {
        for row in &rows.rows {
            table.row([
                rows.detector.clone(),
                row.name.clone(),
                row.pairs.to_string(),
                auc_text(&row.detection),
                share(row.found),
                share(row.false_alarms),
            ]);
        }
    }
    Section::new("sizes", "By size")
        .intro(
            "Thirds of the images by the area of the outlined lesion where one was taken out, and by the area that changed by more \
             than a twentieth of the grey scale where one was put in.",
        )
        .with(Block::Table(table))
}

pub(super) fn readers(study: &Study) -> Section {
    let beside = &study.results.readers;
    Section::new("readers", "Readers beside machines (simulated readers)")
        .intro(
            "SIMULATED readers, model observers of texture with noise of their own, were asked whether each image was altered. No \
             person read these images. The three radiologists of Becker et al. had .66, .48 and .50 on 30 altered and 30 original \
             images of 256 x 256 pixels in experiment 1.",
        )
        .with(Block::Plots(vec![Plot::Roc(roc_plot(beside, true))]))
        .with(Block::Table(comparisons(beside, true)))
}

pub(super) fn attacks(study: &Study) -> Section {
    let mut effects = Table::new(
        "What an attack does",
        [
            "Attack",
            "Classifier: cancer or not, by the label before",
            "Mean change in the breast",
            "Largest change",
            "SSIM",
        ],
    );
    for effect in &study.results.attacks {
        effects.row([
            effect.name.clone(),
            maybe(effect.classifier.as_ref()),
            number_text(effect.mean_change, 4),
            number_text(effect.largest_change, 3),
            number_text(effect.similarity, 3),
        ]);
    }
    effects.footnotes = vec![
        "Changes as a share of the grey scale, means over images; SSIM: structural similarity to the original (Wang et al. 2004), \
         1 is equal. One level is 1/255."
            .to_owned(),
    ];
    Section::new("attacks", "The classic attack, as contrast")
        .intro(
            "A malignancy classifier was trained on the originals of the parts that are not judged. The fast gradient sign method \
             and its iterated form move every pixel of the breast by a few grey levels so that this one classifier errs, and \
             nobody sees a lesion come or go; the CycleGAN changes what the image shows, to whoever looks.",
        )
        .with(Block::Table(effects))
        .with(Block::Table(detection_table("Whether detectors find it", "Attack", &study.results.attack_detection)))
}

pub(super) fn places(folder: &RunFolder, study: &Study) -> anyhow::Result<Section> {
    let mut section = Section::new("places", "Where").intro(
        "The network answers for every place of 8 x 8 pixels. To see whether it tells where, a disc of the altered image, of an \
         eighth of the image's side as radius, was pasted into the original about some point of the tissue.",
    );
    let path = folder.path("examples/places.png");
    if path.exists() {
        let picture = Picture::new(
            "orange: looks altered; blue: does not; the strongest colours stand for log odds of 4 and more",
            fs_err::read(&path)?,
        )
        .with_context(|| path.display().to_string())?;
        section.blocks.push(Block::Pictures(PictureRow {
            caption: "The first judged images of as many patients: nobody chose them.".to_owned(),
            pictures: vec![picture],
        }));
    }
    if let Some(auc) = &study.results.places {
        section.blocks.push(Block::Text(format!(
            "Places inside the disc against places outside, each less the mean of its image: AUC {}.",
            auc_text(auc)
        )));
    }
    Ok(section.with(Block::Table(detection_table(
        "Spliced images against originals",
        "Images",
        &study.results.splices,
    ))))
}

pub(super) fn evasion(study: &Study) -> Section {
    Section::new("evasion", "Who knows the detector")
        .intro(
            "The altered images were moved by at most two grey levels along the network's own slope, in ten steps, until it takes \
             them for originals. A detector that its adversary holds can be got past; a seal cannot.",
        )
        .with(Block::Table(detection_table("Altered images after the attack", "Images", &study.results.evasion)))
}

/// The row of a detector in a list of tables.
pub(super) fn row<'a>(tables: &'a [DetectorRows], detector: &str, name: &str) -> Option<&'a Judged> {
    tables.iter().find(|t| t.detector == detector)?.rows.iter().find(|r| r.name == name)
}

/// The two detectors that the summary is about.
pub(super) const MAIN: [&str; 2] = [MEASURES, NETWORK];
