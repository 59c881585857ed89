//! Images on their way through a file: originals and altered ones pass the same encoder, or a detector would find that.

use crate::run::{MADE_BY, RunFolder, StudyImage, parallel};
use mammo_core::{Label, Plane};
use mammo_png::{Mark, decode_gray, write_gray16};
use mammo_room::STUDY_IMAGE;
use std::path::Path;

/// Writes a plane for every image (`make` gets its number and itself) as marked 16-bit PNG into a sub-folder and reads it
/// again; the results keep the order.
pub(super) fn through_files(
    folder: &RunFolder,
    sub: &str,
    images: &[StudyImage],
    what: &str,
    make: impl Fn(usize, &StudyImage) -> anyhow::Result<Plane> + Sync,
) -> anyhow::Result<Vec<Plane>> {
    let dir = folder.subfolder(sub)?;
    let mark = Mark::new(MADE_BY, what);
    let numbered: Vec<(usize, &StudyImage)> = images.iter().enumerate().collect();
    parallel("writing", &format!("images in {sub}"), &numbered, |(index, image)| {
        let path = dir.join(format!("{}.png", image.record.image_id));
        write_gray16(&path, &make(*index, image)?, &mark)?;
        read(&path)
    })
}

/// The originals, which carry the mark of study images as those of all runs do.
pub(super) fn originals(folder: &RunFolder, sub: &str, images: &[StudyImage]) -> anyhow::Result<Vec<Plane>> {
    through_files(folder, sub, images, STUDY_IMAGE, |_, image| Ok(image.prepared.plane.clone()))
}

/// What was written before.
pub(super) fn read_again(folder: &RunFolder, sub: &str, images: &[StudyImage]) -> anyhow::Result<Vec<Plane>> {
    images
        .iter()
        .map(|image| read(&folder.path(sub).join(format!("{}.png", image.record.image_id))))
        .collect()
}

fn read(path: &Path) -> anyhow::Result<Plane> {
    Ok(decode_gray(&fs_err::read(path)?)?)
}

/// An image translated to the other label.
pub(super) fn other_label(model: &mammo_train::CycleGan, image: &StudyImage) -> anyhow::Result<Plane> {
    let plane = &image.prepared.plane;
    Ok(match image.label {
        Label::Healthy => model.inject(plane)?,
        Label::Cancer => model.remove(plane)?,
    })
}
