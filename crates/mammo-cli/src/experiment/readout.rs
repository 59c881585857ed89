//! The readout: who rates what, and what it says.

use super::config::RunConfig;
use super::images::Images;
use super::readings::Reading;
use crate::run::MADE_BY;
use crate::run::RunFolder;
use anyhow::Context;
use mammo_core::{Label, Plane};
use mammo_png::{Mark, write_gray8};
use mammo_reader::{
    Arm, Rating, StudyCase, analyse, complete_ratings, simulate_readers, table, write_ratings, write_sheet,
};
use mammo_room::STUDY_IMAGE;
use std::path::Path;

/// Reads people's ratings of the readings and makes sure that they can be analysed: `path` is a filled-in sheet, or a folder with one
/// where each reading's is in the run's folder if there are several.
pub(crate) fn check_ratings(path: &Path, readings: &[Reading]) -> anyhow::Result<Vec<Vec<Rating>>> {
    let one = |reading: &Reading| -> anyhow::Result<Vec<Rating>> {
        let path =
            if readings.len() == 1 { path.to_owned() } else { path.join(&reading.folder).join("sheet.csv") };
        let ratings = complete_ratings(&path, &reading.design)?;
        analyse(&ratings).with_context(|| path.display().to_string())?;
        Ok(ratings)
    };
    readings.iter().map(one).collect()
}

/// Shows a study to its readers (`people`'s ratings where there are some, else simulated ones) and analyses what they
/// say. The reading's folder gets the images under opaque names, an empty sheet for people, ratings and analysis.
pub(crate) fn read(
    config: &RunConfig,
    folder: &RunFolder,
    images: &Images,
    reading: &Reading,
    translated: &[Plane],
    people: Option<Vec<Rating>>,
) -> anyhow::Result<()> {
    let dir = folder.subfolder(&reading.folder)?;
    let design = &reading.design;
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
    let pictures = folder.subfolder(&format!("{}/images", reading.folder))?;
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
        // The same readers, on another day.
        let seed = if reading.is_last {
            config.seed.derive("readers")
        } else {
            config.seed.derive("readers").derive(&reading.folder)
        };
        simulate_readers(&healthy, &cancer, design, &planes, seed)?
    };
    write_ratings(&dir.join("ratings.csv"), &ratings)?;
    let analysis = analyse(&ratings)?;
    mammo_files::write_json(&dir.join("analysis.json"), &analysis)?;
    if !reading.is_last {
        eprintln!("after {} steps:", reading.step);
    }
    eprintln!("{}", table(&analysis));
    Ok(())
}
