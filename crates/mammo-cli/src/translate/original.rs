//! What goes in: an image as the networks see it, and what is known about where it came from.

use anyhow::bail;
use fs_err as fs;
use mammo_core::{Assessment, ImageId, Laterality, PatientId, Plane, ViewPosition};
use mammo_dataset::ingest::{PreparedRecord, PreparedSet};
use mammo_dataset::{Dataset, ImageRecord, ImageSize, Medium, check_grey, check_side, prepare_bytes};
use mammo_dicom::{Header, SourceImage, read_header};
use std::path::{Path, PathBuf};

/// One image to be translated.
pub(super) enum Input<'a> {
    File(&'a Path),
    Prepared(&'a PreparedSet, &'a PreparedRecord),
}

/// What is said about files for all of them.
pub(super) struct FileOptions {
    /// Columns and rows of the networks.
    pub(super) size_px: (usize, usize),
    pub(super) side: Option<Laterality>,
    pub(super) is_film: bool,
}

/// An image as the networks see it.
pub(super) struct Original {
    pub(super) plane: Plane,
    /// Whether left and right are exchanged against the source.
    pub(super) is_mirrored: bool,
    /// Whether the pixels lie on another grid than those of the file that was read.
    pub(super) is_resampled: bool,
    pub(super) laterality: Option<Laterality>,
    pub(super) view: Option<ViewPosition>,
    /// Side of a pixel of `plane` at the detector.
    pub(super) spacing_mm: Option<f32>,
    /// The file that was read, for messages.
    pub(super) path: PathBuf,
    /// Its SHA-256.
    pub(super) sha256: String,
    /// The file that a picture of a prepared set was prepared from, as `blake3:<hex>`.
    pub(super) prepared_from: Option<String>,
    /// What the result says about a source in DICOM.
    pub(super) dicom: Option<SourceImage>,
    /// Pseudonym of the person for the results, made from digests alone.
    pub(super) person: String,
}

impl Original {
    pub(super) fn read(input: &Input<'_>, options: &FileOptions) -> anyhow::Result<Self> {
        match input {
            Input::File(path) => of_file(path, options),
            Input::Prepared(set, record) => of_set(set, record),
        }
    }
}

fn of_set(set: &PreparedSet, record: &PreparedRecord) -> anyhow::Result<Original> {
    // The numbers of people begin anew in every set, so the set takes part.
    let person = [set.manifest_sha256(), record.dataset.name(), &record.patient_id].join("\n");
    Ok(Original {
        plane: set.read(record)?,
        is_mirrored: record.transform.fit.mirrored,
        is_resampled: false,
        laterality: Some(record.laterality),
        view: record.view,
        spacing_mm: None,
        path: set.root().join(&record.file),
        sha256: record.sha256.clone(),
        prepared_from: Some(record.source_digest.clone()),
        dicom: None,
        person: pseudonym(&mammo_files::sha256(person.as_bytes())),
    })
}

fn of_file(path: &Path, options: &FileOptions) -> anyhow::Result<Original> {
    let bytes = fs::read(path)?;
    let sha256 = mammo_files::sha256(&bytes);
    let person = pseudonym(&sha256);
    if let Ok(plane) = mammo_png::decode_gray(&bytes)
        && (plane.width(), plane.height()) == options.size_px
    {
        return Ok(Original {
            plane,
            // It was prepared before, and right breasts are mirrored then.
            is_mirrored: options.side == Some(Laterality::Right),
            is_resampled: false,
            laterality: options.side,
            view: None,
            spacing_mm: None,
            path: path.to_owned(),
            sha256,
            prepared_from: None,
            dicom: None,
            person,
        });
    }
    check_grey(&bytes, path)?;
    // What is no DICOM has none; what is broken DICOM is refused when it is prepared.
    let header = read_header(path).ok();
    let laterality = header.as_ref().and_then(|h| h.laterality).or(options.side);
    let view = header.as_ref().and_then(|h| h.view);
    let record = ImageRecord {
        dataset: Dataset::Manifest,
        medium: if options.is_film { Medium::Film } else { Medium::Digital },
        image_id: ImageId::new("image"),
        patient_id: PatientId::new("nobody"),
        path: path.to_owned(),
        size_px: (0, 0),
        laterality: laterality.unwrap_or(Laterality::Left),
        view,
        assessment: Assessment::default(),
        density: None,
        rois: Vec::new(),
        synthetic: false,
    };
    let size = ImageSize::new(options.size_px.1, options.size_px.0)?;
    let prepared = prepare_bytes(&bytes, path, &record, size)?;
    if let Err(error) = check_side(&prepared, &record, path) {
        match laterality {
            Some(_) => return Err(error.into()),
            None => bail!("{}: the chest wall is at the right edge; give --side right", path.display()),
        }
    }
    let dicom = match &header {
        Some(_) => SourceImage::from_bytes(&bytes, path)?,
        None => None,
    };
    Ok(Original {
        plane: prepared.plane,
        is_mirrored: prepared.fit.mirrored,
        is_resampled: true,
        laterality,
        view,
        spacing_mm: header.as_ref().and_then(|h| spacing(h, prepared.fit.scale)),
        path: path.to_owned(),
        sha256,
        prepared_from: None,
        dicom,
        person,
    })
}

/// The side of a pixel after the scaling, where pixels are square.
fn spacing(header: &Header, scale: f32) -> Option<f32> {
    let (row, column) = header.spacing_mm?;
    ((row - column).abs() <= 1e-6 * row).then_some((row / f64::from(scale)) as f32)
}

fn pseudonym(sha256: &str) -> String {
    format!("synthetic-{}", &sha256[..12])
}
