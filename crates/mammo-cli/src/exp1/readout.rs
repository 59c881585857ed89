//! The readout: who rates what, and what it says.

use super::MADE_BY;
use super::config::RunConfig;
use super::folder::RunFolder;
use super::images::Images;
use anyhow::Context;
use mammo_core::{Label, Plane};
use mammo_png::{Mark, write_gray8};
use mammo_reader::{
    Arm, SourceImage, StudyCase, StudyDesign, analyse, complete_ratings, simulate_readers, table,
    write_ratings, write_sheet,
};
use std::path::Path;

/// Draws the study, gets its ratings (from `ratings` where people gave some, else from simulated readers) and analyses
/// them. `readout/` gets the images under opaque names, an empty sheet for people, ratings and analysis.
pub(crate) fn read(
    config: &RunConfig,
    folder: &RunFolder,
    images: &Images,
    translated: &[Plane],
    ratings: Option<&Path>,
) -> anyhow::Result<()> {
    let dir = folder.subfolder("readout")?;
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
    mammo_files::write_json(&dir.join("design.json"), &design)?;

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
    let mark = Mark::new(MADE_BY, "an image of a reader study, in which some images are made by a CycleGAN");
    for (case, plane) in design.cases.iter().zip(&planes) {
        write_gray8(&pictures.join(format!("{}.png", case.case)), plane, &mark)?;
    }
    write_sheet(&dir.join("sheet.csv"), &design, &["reader 1", "reader 2", "reader 3"])?;

    let ratings = match ratings {
        Some(path) => complete_ratings(path, &design)?,
        None => {
            let (healthy, cancer) =
                (images.training_planes(Label::Healthy), images.training_planes(Label::Cancer));
            let (healthy, cancer): (Vec<_>, Vec<_>) = (healthy.iter().collect(), cancer.iter().collect());
            simulate_readers(&healthy, &cancer, &design, &planes, config.seed.derive("readers"))?
        }
    };
    write_ratings(&dir.join("ratings.csv"), &ratings)?;
    let analysis = analyse(&ratings)?;
    mammo_files::write_json(&dir.join("analysis.json"), &analysis)?;
    eprintln!("{}", table(&analysis));
    Ok(())
}
