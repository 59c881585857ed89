//! The readout: who rates what, and what it says.

use super::config::RunConfig;
use super::images::Images;
use crate::run::MADE_BY;
use crate::run::RunFolder;
use anyhow::Context;
use mammo_core::{Label, Plane};
use mammo_png::{Mark, write_gray8};
use mammo_reader::{
    Arm, Rating, SourceImage, StudyCase, StudyDesign, analyse, complete_ratings, simulate_readers, table,
    write_ratings, write_sheet,
};
use mammo_room::STUDY_IMAGE;
use std::path::Path;

/// Draws the study: which held-out images are shown, in which arm and under which name.
pub(crate) fn design(config: &RunConfig, images: &Images) -> anyhow::Result<StudyDesign> {
    let sources: Vec<SourceImage> = images
        .test
        .iter()
        .map(|image| SourceImage {
            id: image.record.image_id.clone(),
            patient: image.record.patient_id.clone(),
            label: image.label,
        })
        .collect();
    let count = |label| sources.iter().filter(|s| s.label == label).count();
    let plan = config.preset.plan.shrunk_to(count(Label::Healthy), count(Label::Cancer));
    if plan != config.preset.plan {
        eprintln!(
            "note: the held-out images allow {} cases in the readout instead of {}",
            plan.n_cases(),
            config.preset.plan.n_cases()
        );
    }
    let design = StudyDesign::draw(plan, &sources, config.seed)?;
    for arm in [Arm::Original, Arm::Modified] {
        for label in [Label::Healthy, Label::Cancer] {
            let shown = design.cases.iter().filter(|case| case.arm == arm && case.label == label).count();
            anyhow::ensure!(
                shown >= 2,
                "the held-out images give the readout's {arm} arm {shown} {label} images and it needs two; use more \
                 patients or a larger test_fraction"
            );
        }
    }
    Ok(design)
}

/// Reads people's ratings of this study and makes sure that they can be analysed.
pub(crate) fn check_ratings(path: &Path, design: &StudyDesign) -> anyhow::Result<Vec<Rating>> {
    let ratings = complete_ratings(path, design)?;
    analyse(&ratings).with_context(|| path.display().to_string())?;
    Ok(ratings)
}

/// Shows the study to its readers (`people`'s ratings where there are some, else simulated ones) and analyses what they
/// say. `readout/` gets the images under opaque names, an empty sheet for people, ratings and analysis.
pub(crate) fn read(
    config: &RunConfig,
    folder: &RunFolder,
    images: &Images,
    translated: &[Plane],
    design: &StudyDesign,
    people: Option<Vec<Rating>>,
) -> anyhow::Result<()> {
    let dir = folder.subfolder("readout")?;
    mammo_files::write_json(&dir.join("design.json"), design)?;

    let shown = |case: &StudyCase| -> anyhow::Result<&Plane> {
        let at = images.test.iter().position(|image| image.record.image_id == case.source);
        let at = at.context("a case of the study without its image")?;
        Ok(match case.arm {
            Arm::Original => &images.test[at].prepared.plane,
            Arm::Modified => &translated[at],
        })
    };
    let planes = design.cases.iter().map(shown).collect::<anyhow::Result<Vec<_>>>()?;
    let pictures = folder.subfolder("readout/images")?;
    // One mark for both arms: a mark that told them apart would tell the readers.
    let mark = Mark::new(MADE_BY, STUDY_IMAGE);
    for (case, plane) in design.cases.iter().zip(&planes) {
        write_gray8(&pictures.join(format!("{}.png", case.case)), plane, &mark)?;
    }
    let sheet = dir.join("sheet.csv");
    // Someone may have filled it in; the study of a run does not change, so it is still the right one.
    if !sheet.exists() {
        write_sheet(&sheet, design, &["reader 1", "reader 2", "reader 3"])?;
    }

    let ratings = if let Some(ratings) = people {
        ratings
    } else {
        let (healthy, cancer) =
            (images.training_planes(Label::Healthy), images.training_planes(Label::Cancer));
        let (healthy, cancer): (Vec<_>, Vec<_>) = (healthy.iter().collect(), cancer.iter().collect());
        simulate_readers(&healthy, &cancer, design, &planes, config.seed.derive("readers"))?
    };
    write_ratings(&dir.join("ratings.csv"), &ratings)?;
    let analysis = analyse(&ratings)?;
    mammo_files::write_json(&dir.join("analysis.json"), &analysis)?;
    eprintln!("{}", table(&analysis));
    Ok(())
}
