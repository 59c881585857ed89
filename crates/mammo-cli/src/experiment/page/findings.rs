//! What is said first: the findings, what was run, and the limits.

use super::super::choice::Criterion;
use super::words::{auc_text, p_sentence, percent, share_text};
use super::{Run, is_phantom, is_second, is_told};
use mammo_report::Reference;

pub(super) fn images_in_words(run: &Run) -> &'static str {
    match run.config.data.split(':').next() {
        Some("phantom") => "procedural phantom mammograms",
        Some("inbreast") => "INbreast mammograms",
        _ => "mini-MIAS mammograms",
    }
}

pub(super) fn readers_in_words(count: usize, simulated: bool) -> String {
    const WORDS: [&str; 4] = ["No", "One", "Two", "Three"];
    let count_text = WORDS.get(count).map_or_else(|| count.to_string(), |word| (*word).to_owned());
    let kind = if simulated { "simulated " } else { "" };
    format!("{count_text} {kind}reader{}", if count == 1 { "" } else { "s" })
}

/// The findings, each a sentence with its interval.
pub(super) fn summary(run: &Run) -> Vec<String> {
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
                "Injection into the lesion-free twins put {} of the true lesion's contrast at the true lesion's place; {}.",
                percent(share),
                if is_told(run) {
                    "the networks were told the place, but not how bright the lesion was"
                } else {
                    "a network that paints its lesion elsewhere scores nothing here"
                }
            ));
        }
    }
    if let Some(observed) = &run.observed {
        let moved =
            |share: Option<mammo_forensics::Share>| share.map_or_else(|| "none".to_owned(), share_text);
        lines.push(format!(
            "A SIMULATED malignancy observer gave {} of the held-out healthy images a higher score after injection, and {} of \
             the held-out cancer images a lower one after removal (by chance: half).",
            moved(observed.raised_by_injection),
            moved(observed.lowered_by_removal)
        ));
    }
    if let Some(pooled) = &run.last().pooled.malignancy {
        lines.push(format!(
            "{} told cancer from healthy with a mean AUC of {} on originals and {} on modified images, scored \
             against the label before tampering; below 0.5 the tampering turned the diagnosis round.",
            readers_in_words(run.last().pooled.n_readers, run.last().simulated),
            auc_text(&pooled.originals),
            auc_text(&pooled.modified_vs_source_label)
        ));
    }
    if let Some(pooled) = &run.last().pooled.tampering {
        lines.push(format!(
            "They told modified from original images with a mean AUC of {} ({} against chance).",
            auc_text(&pooled.detection),
            p_sentence(pooled.against_chance.p)
        ));
    }
    lines
}

pub(super) fn facts(run: &Run) -> Vec<(String, String)> {
    let train = &run.config.preset.train;
    let fact = |name: &str, value: String| (name.to_owned(), value);
    vec![
        fact("Data", run.config.data.clone()),
        fact("Cancer means", format!("{} ({})", run.config.labels, rule_in_words(run))),
        fact("Views", run.config.views.to_string()),
        fact("Image size", format!("{} x {} px", train.height_px, train.width_px)),
        fact(
            "Generators",
            format!(
                "ngf {}, {} residual blocks, {}{}{}",
                train.generator.ngf,
                train.generator.n_blocks,
                match train.generator.upsampling {
                    mammo_models::Upsampling::Transposed => "transposed convolution",
                    mammo_models::Upsampling::Resize => "resize and convolution",
                    mammo_models::Upsampling::Blur => "anti-aliased up-sampling",
                },
                if train.generator.spectral_norm { ", spectral norm" } else { "" },
                if train.generator.roi_channel { ", channel for the region of interest" } else { "" },
            ),
        ),
        fact(
            "Discriminators",
            format!(
                "PatchGAN, ndf {}, {} layers{}",
                train.discriminator.ndf,
                train.discriminator.n_layers,
                if train.discriminator.spectral_norm { ", spectral norm" } else { "" },
            ),
        ),
        fact(
            "Loss",
            format!(
                "{} GAN + {} x cycle L1, identity weight {}, {} updates",
                gan_in_words(train.gan),
                train.weights.lambda_cycle,
                train.weights.lambda_identity,
                match train.order {
                    mammo_train::UpdateOrder::Joint => "joint",
                    mammo_train::UpdateOrder::Alternating => "alternating",
                }
            ),
        ),
        fact(
            "Optimiser",
            format!(
                "Adam {:e}{}, betas {} and {}, batch {}, pool {}{}",
                train.learning_rate,
                train
                    .discriminator_learning_rate
                    .map_or_else(String::new, |rate| format!(" (discriminators {rate:e})")),
                train.beta1,
                train.beta2,
                train.batch_size,
                train.pool_size,
                train
                    .ema_decay
                    .map_or_else(String::new, |decay| format!(", moving average of the generators {decay}")),
            ),
        ),
        fact(
            "Steps",
            format!("{}, of which the first {} at a constant rate", train.steps, train.constant_steps),
        ),
        fact("Networks that translate", chosen_in_words(run)),
        fact("Preset", run.config.preset_name.clone()),
        fact("Seed", run.config.seed.0.to_string()),
        fact(
            "Device",
            format!(
                "{}, {} threads, {}",
                run.config.device,
                run.threads,
                match train.precision {
                    mammo_ops::Precision::Full => "f32",
                    mammo_ops::Precision::Tf32 => "f32, convolutions in TF32",
                    mammo_ops::Precision::Bf16 => "f32, convolutions in bfloat16",
                }
            ),
        ),
        fact("Time", format!("{:.1} min in all", run.elapsed_s / 60.0)),
    ]
}

fn gan_in_words(mode: mammo_train::GanMode) -> &'static str {
    match mode {
        mammo_train::GanMode::LeastSquares => "least-squares",
        mammo_train::GanMode::Log => "log-loss",
        mammo_train::GanMode::Minimax => "minimax",
        mammo_train::GanMode::Hinge => "hinge",
    }
}

fn chosen_in_words(run: &Run) -> String {
    let by = &run.config.preset.choice.by;
    match &run.chosen {
        Some(chosen) if *by != Criterion::Last => {
            format!("those of step {} of {}, by {}", chosen.step, chosen.steps, by.in_words())
        }
        _ => "those of the last step".to_owned(),
    }
}

pub(super) fn rule_in_words(run: &Run) -> &'static str {
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

pub(super) fn limits(run: &Run) -> Vec<String> {
    let train = &run.config.preset.train;
    let mut limits = Vec::new();
    if run.config.preset_name == "smoke" {
        limits.push("A smoke test: images of a few pixels and a few steps show that the software runs and nothing else.".to_owned());
    }
    if is_phantom(run) {
        limits.push(
            "Phantoms are not patients: their tissue is simpler than in any release, and nothing here carries over to real \
             mammograms without being measured there."
                .to_owned(),
        );
    }
    if is_told(run) {
        limits.push(
            "The networks were told where to change an image (the mask channel of the paper's experiment 2); the paper's \
             experiment 1 was not."
                .to_owned(),
        );
    }
    limits.push(format!(
        "{} x {} pixels and {} steps; the paper used {}. Fine spicules and calcifications do not survive this size.",
        train.height_px,
        train.width_px,
        train.steps,
        if is_second(run) { "512 x 408 pixels and 70,000 steps" } else { "256 x 256 pixels and up to 160,000 steps" }
    ));
    if run.last().simulated {
        limits
            .push("No person read these images: simulated readers see contrast and texture only.".to_owned());
    }
    limits.push(format!(
        "{} readers and {} images: a single reader's AUC on 30 against 30 images has a 95 % interval of about \
         plus or minus 0.14.",
        run.last().readers.len(),
        run.last().n_cases
    ));
    limits.push("One seed; `mammo sweep` shows the spread over seeds.".to_owned());
    limits
}

pub(super) fn references() -> Vec<Reference> {
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
