//! What the page says in sentences.

use super::Study;
use super::tables::{MAIN, row};
use crate::experiment::auc_text;
use mammo_report::Reference;

pub(super) fn summary(study: &Study) -> Vec<String> {
    let results = &study.results;
    let mut sentences = Vec::new();
    for detector in MAIN {
        let of = |name: &str| row(&results.generators, detector, name).map(|r| auc_text(&r.detection));
        if let (Some(known), Some(unseen)) = (of("transposed"), of("resize")) {
            sentences.push(format!(
                "The {detector} tell{} altered images from originals with an AUC of {known}, and those of a generator with another \
                 way up, which {} never seen, with {unseen}.",
                if detector == "network" { "s" } else { "" },
                if detector == "network" { "it had" } else { "they had" }
            ));
        }
    }
    let controls: Vec<String> = MAIN
        .iter()
        .filter_map(|d| row(&results.controls, d, "originals as 8-bit PNG"))
        .map(|r| auc_text(&r.detection))
        .collect();
    sentences.push(format!("Originals encoded once more, against originals: {}.", controls.join(" and ")));
    let worst = results
        .handlings
        .iter()
        .filter(|t| MAIN.contains(&t.detector.as_str()))
        .flat_map(|t| t.rows.iter().skip(1).map(move |r| (t, r)))
        .min_by(|a, b| a.1.detection.auc.total_cmp(&b.1.detection.auc));
    if let Some((detector, row)) = worst {
        sentences.push(format!(
            "Of the ways of handling, {} hides tampering best: {} for the {}.",
            row.name,
            auc_text(&row.detection),
            detector.detector
        ));
    }
    let best =
        results.readers.readers.iter().filter(|r| !r.machine).max_by(|a, b| a.auc.auc.total_cmp(&b.auc.auc));
    if let Some(best) = best {
        sentences.push(format!("The best simulated reader of the same images has {}.", auc_text(&best.auc)));
    }
    sentences
}

pub(super) fn facts(study: &Study) -> Vec<(String, String)> {
    let (config, results) = (&study.config, &study.results);
    let train = &config.preset.train;
    let fact = |name: &str, value: String| (name.to_owned(), value);
    vec![
        fact(
            "Images",
            format!(
                "{}, {} x {} pixels (height x width)",
                config.data.split(':').next().unwrap_or("data"),
                train.height_px,
                train.width_px
            ),
        ),
        fact("Cancer is", config.labels.to_string()),
        fact(
            "Judged",
            format!(
                "{} originals of {} patients, and as many altered images of every kind",
                results.judged_images, results.judged_patients
            ),
        ),
        fact("Generators trained on", format!("{} images of other patients", results.generator_images)),
        fact("Detectors trained on", format!("{} images of yet other patients", results.detector_images)),
        fact("Rotations", format!("{} of 3", config.rotations)),
        fact(
            "Generators",
            format!(
                "ngf {}, {} blocks, {} steps",
                train.generator.ngf, train.generator.n_blocks, train.steps
            ),
        ),
        fact("Preset", config.preset_name.clone()),
        fact("Seed", config.seed.0.to_string()),
        fact("Device", format!("cpu, {} threads, f32", study.threads)),
        fact("Time", format!("{:.1} min in all", study.elapsed_s / 60.0)),
    ]
}

pub(super) fn limits(study: &Study) -> Vec<String> {
    let mut limits = Vec::new();
    if study.config.preset_name == "detection-smoke" {
        limits.push(
            "A smoke test: images of a few pixels and a few steps show that the software runs and nothing else.".to_owned(),
        );
    }
    if study.config.data == "phantom" {
        limits.push(
            "Phantoms are not patients: their noise and tissue are simpler than in any release, and a detector of phantoms has to \
             be trained and judged again on real mammograms."
                .to_owned(),
        );
    }
    let train = &study.config.preset.train;
    limits.push(format!(
        "Generators of {} steps at {} x {} pixels; longer training and larger networks leave fainter traces.",
        train.steps, train.height_px, train.width_px
    ));
    limits.push("Both generators are of one family and were trained on the same patients; other kinds of generators were not tried.".to_owned());
    limits.push("No person read these images: simulated readers see texture only.".to_owned());
    limits.push("One seed; the spread over seeds is not shown.".to_owned());
    limits
}

pub(super) fn references() -> Vec<Reference> {
    [
        ("Becker AS et al. Injecting and removing malignant features in mammography with CycleGAN. 2018.", "arXiv 1811.07767"),
        ("Zhang X, Karaman S, Chang SF. Detecting and simulating artifacts in GAN fake images. WIFS 2019.", "arXiv 1907.06515"),
        ("Durall R, Keuper M, Pfreundt FJ, Keuper J. Unmasking deepfakes with simple features. 2019.", "arXiv 1911.00686"),
        ("Nataraj L et al. Detecting GAN generated fake images using co-occurrence matrices. 2019.", "arXiv 1903.06836"),
        ("Goodfellow IJ, Shlens J, Szegedy C. Explaining and harnessing adversarial examples. 2014.", "arXiv 1412.6572"),
        ("Kurakin A, Goodfellow I, Bengio S. Adversarial examples in the physical world. 2016.", "arXiv 1607.02533"),
        ("Zhang R. Making convolutional networks shift-invariant again. 2019.", "arXiv 1904.11486"),
        ("Platt J. Probabilistic outputs for support vector machines and comparisons to regularized likelihood methods. 1999.", ""),
        ("Obuchowski NA. Nonparametric analysis of clustered ROC curve data. Biometrics 1997;53:567-578.", ""),
        ("Hillis SL, Obuchowski NA, Berbaum KS. Power estimation for multireader ROC methods. Acad Radiol 2011;18:129-142.", ""),
        ("Wang Z, Bovik AC, Sheikh HR, Simoncelli EP. Image quality assessment: from error visibility to structural similarity. IEEE Trans Image Process 2004;13:600-612.", ""),
    ]
    .map(|(text, address)| Reference { text: text.to_owned(), address: address.to_owned() })
    .to_vec()
}
