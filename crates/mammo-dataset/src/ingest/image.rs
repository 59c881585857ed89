//! One image: read once, hashed and prepared from the same bytes, encoded as 16-bit PNG; then written.

use super::{IngestError, PreparedRecord, PreparedRoi, Transform, folder::Folder, place::Place};
use crate::{DatasetError, ImageRecord, ImageSize, place, prepare_look, side};
use fs_err as fs;
use mammo_core::{LabelRule, Plane};
use mammo_dicom::Look;
use mammo_files::FileError;
use mammo_png::Mark;
use std::{cell::RefCell, io::Read, path::Path};

/// A picture that is about to be written, and the line about it.
pub(super) struct Ready {
    pub(super) record: PreparedRecord,
    png: Vec<u8>,
}

/// Prepares one image.
pub(super) fn prepare_one(
    root: &Path,
    record: &ImageRecord,
    (size, look): (ImageSize, Look),
    at: &Place,
) -> Result<Ready, IngestError> {
    let path = place::inside(root, &record.path)?;
    FILE.with_borrow_mut(|bytes| {
        read_into(bytes, &path)?;
        prepare_read(bytes, &path, record, (size, look), at)
    })
}

thread_local! {
    /// The file at hand. Fresh memory for each would cost the kernel more time than the copying.
    static FILE: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Puts a whole file in the place of what `bytes` held.
fn read_into(bytes: &mut Vec<u8>, path: &Path) -> Result<(), DatasetError> {
    bytes.clear();
    let mut file = fs::File::open(path).map_err(FileError::from)?;
    // One byte more than the file has, so that its end is seen without growing.
    let size = file.metadata().map_err(FileError::from)?.len();
    bytes.reserve(usize::try_from(size).unwrap_or(0).saturating_add(1));
    file.read_to_end(bytes).map_err(FileError::from)?;
    Ok(())
}

fn prepare_read(
    bytes: &[u8],
    path: &Path,
    record: &ImageRecord,
    (size, look): (ImageSize, Look),
    at: &Place,
) -> Result<Ready, IngestError> {
    let source_digest = format!("blake3:{}", blake3::hash(bytes).to_hex());
    let prepared = prepare_look(bytes, path, record, size, look)?;
    side::check_side(&prepared, record, path)?;
    let png = encode(&prepared.plane, record)?;
    let labels = LabelRule::ALL
        .into_iter()
        .filter_map(|rule| Some((rule.name().to_owned(), rule.apply(&record.assessment)?)))
        .collect();
    let record = PreparedRecord {
        dataset: record.dataset,
        image_id: record.image_id.to_string(),
        patient_id: record.patient_id.to_string(),
        file: at.file.clone(),
        sha256: mammo_files::sha256(&png),
        label: at.label,
        part: at.part,
        fold: at.fold,
        source: record.path.clone(),
        source_digest,
        source_bytes: bytes.len() as u64,
        source_size_px: record.size_px,
        laterality: record.laterality,
        view: record.view,
        birads: record.assessment.birads,
        density: record.density,
        labels,
        synthetic: record.synthetic,
        transform: Transform { crop: prepared.crop, fit: prepared.fit, intensity: prepared.intensity },
        rois: prepared
            .rois
            .into_iter()
            .map(|roi| PreparedRoi { finding: roi.finding, shape: roi.shape })
            .collect(),
    };
    Ok(Ready { record, png })
}

/// Writes the picture, with its side-car where it is made.
pub(super) fn write(folder: &Folder, ready: &Ready) -> Result<(), IngestError> {
    let path = folder.path(&ready.record.file);
    if ready.record.synthetic {
        mammo_png::write_png(&path, &ready.png)?;
    } else {
        mammo_files::write(&path, &ready.png)?;
    }
    Ok(())
}

/// The picture as 16-bit PNG. Whether it carries the mark of a made picture is its source's business and nobody's choice: what
/// comes from a made picture is marked, and a picture of a patient is not called synthetic.
fn encode(plane: &Plane, record: &ImageRecord) -> Result<Vec<u8>, mammo_png::PngError> {
    if record.synthetic {
        let made_by = concat!("mammo ", env!("CARGO_PKG_VERSION"));
        let shows = format!("prepared from the made mammogram {} {}", record.dataset, record.image_id);
        mammo_png::encode_gray16(plane, &Mark::new(made_by, shows))
    } else {
        encode_unmarked(plane)
    }
}

/// Values in `[0, 1]` as 16-bit grey, rounded as `mammo-png` rounds.
fn encode_unmarked(plane: &Plane) -> Result<Vec<u8>, mammo_png::PngError> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, plane.width() as u32, plane.height() as u32);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Sixteen);
    let mut writer = encoder.write_header()?;
    let values: Vec<u8> = plane
        .data()
        .iter()
        .flat_map(|v| ((v.clamp(0.0, 1.0) * 65535.0).round() as u16).to_be_bytes())
        .collect();
    writer.write_image_data(&values)?;
    writer.finish()?;
    Ok(bytes)
}
