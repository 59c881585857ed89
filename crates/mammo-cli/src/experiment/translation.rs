//! Translation of the held-out images, each to the other label.

use super::images::Images;
use super::readings::Reading;
use super::region::Translator;
use super::training::CHANGE_LIMIT;
use crate::run::{MADE_BY, RunFolder, StudyImage, parallel};
use anyhow::Context;
use mammo_core::{Label, Plane};
use mammo_png::{Canvas, Mark, write_canvas, write_gray16};
use mammo_room::STUDY_IMAGE;

/// Translates every held-out image; the results keep their order. `translated/` gets each as 16-bit PNG, with a map of
/// what changed, and the original beside it for reader studies.
pub(crate) fn translate(
    folder: &RunFolder,
    images: &Images,
    translator: Translator,
) -> anyhow::Result<Vec<Plane>> {
    let dir = folder.subfolder("translated")?;
    // Readers of a study must not tell the arms by their marks, so an original gets the one for both.
    let study = Mark::new(MADE_BY, STUDY_IMAGE);
    parallel("translating", "held-out images translated", &images.test, |image| {
        let original = &image.prepared.plane;
        let (modified, what) = match image.label {
            Label::Healthy => (translator.inject(image, original)?, "injected"),
            Label::Cancer => (translator.remove(image, original)?, "removed"),
        };
        let mark = Mark::new(MADE_BY, format!("malignant features {what} by a CycleGAN"));
        write_gray16(&dir.join(format!("{}_original.png", image.record.image_id)), original, &study)?;
        write_gray16(&dir.join(format!("{}_{what}.png", image.record.image_id)), &modified, &mark)?;
        let change = original.zip(&modified, |a, b| b - a);
        let mut canvas = Canvas::new(change.width(), change.height(), [0, 0, 0]);
        canvas.draw_difference(0, 0, &change, CHANGE_LIMIT, 1);
        write_canvas(&dir.join(format!("{}_change.png", image.record.image_id)), &canvas, &mark)?;
        Ok(modified)
    })
}

/// Sub-folder of the images that the networks of an earlier step made.
fn folder_of(reading: &Reading) -> String {
    format!("translated/step-{:07}", reading.step)
}

fn changed(image: &StudyImage) -> &'static str {
    match image.label {
        Label::Healthy => "injected",
        Label::Cancer => "removed",
    }
}

/// Translates the held-out images that a reading of an earlier step shows, while the networks are at hand.
pub(crate) fn translate_reading(
    folder: &RunFolder,
    images: &Images,
    reading: &Reading,
    translator: Translator,
) -> anyhow::Result<()> {
    let dir = folder.subfolder(&folder_of(reading))?;
    for image in images.test.iter().filter(|image| is_in(reading, image)) {
        let (original, what) = (&image.prepared.plane, changed(image));
        let modified = match image.label {
            Label::Healthy => translator.inject(image, original)?,
            Label::Cancer => translator.remove(image, original)?,
        };
        let mark = Mark::new(
            MADE_BY,
            format!("malignant features {what} by a CycleGAN after {} steps", reading.step),
        );
        write_gray16(&dir.join(format!("{}_{what}.png", image.record.image_id)), &modified, &mark)?;
    }
    Ok(())
}

/// What [`translate_reading`] made, in the order of the held-out images; the originals where the reading shows none.
pub(crate) fn of_reading(
    folder: &RunFolder,
    images: &Images,
    reading: &Reading,
) -> anyhow::Result<Vec<Plane>> {
    let dir = folder.path(&folder_of(reading));
    let one = |image: &StudyImage| -> anyhow::Result<Plane> {
        if !is_in(reading, image) {
            return Ok(image.prepared.plane.clone());
        }
        let path = dir.join(format!("{}_{}.png", image.record.image_id, changed(image)));
        let bytes = fs_err::read(&path)?;
        mammo_png::decode_gray(&bytes).with_context(|| path.display().to_string())
    };
    images.test.iter().map(one).collect()
}

fn is_in(reading: &Reading, image: &StudyImage) -> bool {
    reading.design.cases.iter().any(|case| case.source == image.record.image_id)
}
