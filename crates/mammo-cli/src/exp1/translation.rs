//! Translation of the held-out images, each to the other label.

use super::images::Images;
use crate::exp1::training::CHANGE_LIMIT;
use crate::run::RunFolder;
use crate::run::{MADE_BY, parallel};
use mammo_core::{Label, Plane};
use mammo_png::{Canvas, Mark, write_canvas, write_gray16};
use mammo_room::STUDY_IMAGE;
use mammo_train::CycleGan;

/// Translates every held-out image; the results keep their order. `translated/` gets each as 16-bit PNG, with a map of
/// what changed, and the original beside it for reader studies.
pub(crate) fn translate(folder: &RunFolder, images: &Images, model: &CycleGan) -> anyhow::Result<Vec<Plane>> {
    let dir = folder.subfolder("translated")?;
    // Readers of a study must not tell the arms by their marks, so an original gets the one for both.
    let study = Mark::new(MADE_BY, STUDY_IMAGE);
    parallel("translating", "held-out images translated", &images.test, |image| {
        let original = &image.prepared.plane;
        let (modified, what) = match image.label {
            Label::Healthy => (model.inject(original)?, "injected"),
            Label::Cancer => (model.remove(original)?, "removed"),
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
