use crate::{DicomError, transfer_syntax};
use dicom_core::{DataElement, PrimitiveValue, Tag, VR, value::DataSetSequence};
use dicom_dictionary_std::tags;
use dicom_object::{FileMetaTableBuilder, InMemDicomObject};
use mammo_core::{Laterality, ViewPosition};
use sha2::{Digest, Sha256};
use std::path::Path;

/// Begins the series description of every written file.
pub const NOTICE: &str = "SYNTHETIC - NOT FOR DIAGNOSIS";

/// Secondary Capture Image Storage (PS3.4 section B.5).
const SECONDARY_CAPTURE: &str = "1.2.840.10008.5.1.4.1.1.7";

/// An image that the system made, with what its file says about it.
#[derive(Debug, Clone, Copy)]
pub struct SyntheticImage<'a> {
    /// Stored values, row after row, larger is brighter (MONOCHROME2).
    pub pixels: &'a [u16],
    /// Columns, 1 to 65535.
    pub width: usize,
    /// Rows, 1 to 65535.
    pub height: usize,
    /// Bits that hold every pixel, 8 to 16; digital mammograms have 12 to 14.
    pub bits_stored: u16,
    /// The side shown.
    pub laterality: Laterality,
    /// The projection, if it is known.
    pub view: Option<ViewPosition>,
    /// Pseudonym of the person, real or made.
    pub patient_id: &'a str,
    /// Follows [`NOTICE`] in the series description; the two together are cut at 64 characters.
    pub series_description: &'a str,
    /// How the picture was made: method, model, checkpoint (Derivation Description, at most 1024 characters).
    pub derivation: &'a str,
    /// Identifies this image within everything that one experiment writes; the file's UIDs follow from it and from
    /// the pixels.
    pub uid_seed: &'a str,
    /// Side of a pixel at the detector, in millimetres.
    pub spacing_mm: Option<f32>,
}

/// Writes a made image as a DICOM file that says so, in one step. The same image gives the same bytes.
///
/// The file is a Secondary Capture (Conversion Type SYN) with Modality MG, not a Digital Mammography X-Ray object:
/// that class demands details of an exposure that never happened, and inventing them would disguise the image. The
/// marks, which nothing switches off: Synthetic Data (0008,001C) YES; Image Type `DERIVED\PRIMARY`; Derivation
/// Description; Contributing Equipment with purpose (109100, DCM, "Synthesizing Equipment"); a series description
/// that begins with [`NOTICE`]; Patient Identity Removed YES. There are no dates.
///
/// # Errors
/// [`DicomError::WrongLength`] and [`DicomError::BitsStored`] for values that contradict each other,
/// [`DicomError::Encode`] and [`DicomError::File`] when writing fails; then `path` is as it was.
pub fn write_synthetic(path: &Path, image: &SyntheticImage) -> Result<(), DicomError> {
    write(path, image, |_| ())
}

/// Writes a made image to which `add` adds elements; it is given the whole data set.
pub(crate) fn write(
    path: &Path,
    image: &SyntheticImage,
    add: impl FnOnce(&mut InMemDicomObject),
) -> Result<(), DicomError> {
    let side = 1..=usize::from(u16::MAX);
    if !side.contains(&image.width)
        || !side.contains(&image.height)
        || image.width * image.height != image.pixels.len()
    {
        return Err(DicomError::WrongLength {
            width: image.width,
            height: image.height,
            len: image.pixels.len(),
        });
    }
    let largest = image.pixels.iter().copied().max().unwrap_or(0);
    if !(8..=16).contains(&image.bits_stored) || u32::from(largest) >= 1 << image.bits_stored {
        return Err(DicomError::BitsStored { bits_stored: image.bits_stored, largest });
    }

    let encode = |reason: String| DicomError::Encode { path: path.to_owned(), reason };
    let instance_uid = instance_uid(image);
    let meta = FileMetaTableBuilder::new()
        .transfer_syntax(transfer_syntax::EXPLICIT_VR_LITTLE_ENDIAN)
        .media_storage_sop_class_uid(SECONDARY_CAPTURE)
        .media_storage_sop_instance_uid(&instance_uid);
    let mut object = data_set(image, &instance_uid);
    add(&mut object);
    let object = object.with_meta(meta).map_err(|e| encode(e.to_string()))?;
    let mut bytes = Vec::with_capacity(2 * image.pixels.len() + 4096);
    object.write_all(&mut bytes).map_err(|e| encode(e.to_string()))?;
    Ok(mammo_files::write(path, &bytes)?)
}

fn data_set(image: &SyntheticImage, instance_uid: &str) -> InMemDicomObject {
    let mut object = InMemDicomObject::new_empty();
    let mut text = |tag: Tag, vr: VR, value: &str| {
        let value = if value.is_empty() { PrimitiveValue::Empty } else { PrimitiveValue::from(value) };
        object.put(DataElement::new(tag, vr, value));
    };
    let patient_id = one_line(image.patient_id, 64);
    text(tags::SPECIFIC_CHARACTER_SET, VR::CS, "ISO_IR 192");
    text(tags::IMAGE_TYPE, VR::CS, "DERIVED\\PRIMARY");
    text(tags::SOP_CLASS_UID, VR::UI, SECONDARY_CAPTURE);
    text(tags::SOP_INSTANCE_UID, VR::UI, instance_uid);
    text(tags::SYNTHETIC_DATA, VR::CS, "YES");
    text(tags::MODALITY, VR::CS, "MG");
    text(tags::CONVERSION_TYPE, VR::CS, "SYN");
    // Demanded by the standard but allowed to be empty: there is nothing true to say.
    for (tag, vr) in [
        (tags::STUDY_DATE, VR::DA),
        (tags::STUDY_TIME, VR::TM),
        (tags::ACCESSION_NUMBER, VR::SH),
        (tags::REFERRING_PHYSICIAN_NAME, VR::PN),
        (tags::PATIENT_BIRTH_DATE, VR::DA),
        (tags::PATIENT_SEX, VR::CS),
        (tags::STUDY_ID, VR::SH),
        (tags::PATIENT_ORIENTATION, VR::CS),
    ] {
        text(tag, vr, "");
    }
    text(tags::MANUFACTURER, VR::LO, "mammo");
    text(tags::SERIES_DESCRIPTION, VR::LO, &one_line(&format!("{NOTICE} {}", image.series_description), 64));
    text(tags::DERIVATION_DESCRIPTION, VR::ST, &one_line(image.derivation, 1024));
    text(tags::PATIENT_NAME, VR::PN, "SYNTHETIC");
    text(tags::PATIENT_ID, VR::LO, &patient_id);
    text(tags::PATIENT_IDENTITY_REMOVED, VR::CS, "YES");
    text(tags::DEIDENTIFICATION_METHOD, VR::LO, "Made image; identifiers are pseudonyms");
    text(tags::STUDY_INSTANCE_UID, VR::UI, &uid(&["study", image.patient_id]));
    text(tags::SERIES_INSTANCE_UID, VR::UI, &uid(&["series", image.uid_seed]));
    text(tags::SERIES_NUMBER, VR::IS, "1");
    text(tags::INSTANCE_NUMBER, VR::IS, "1");
    text(tags::BODY_PART_EXAMINED, VR::CS, "BREAST");
    text(tags::LATERALITY, VR::CS, &image.laterality.to_string());
    text(tags::IMAGE_LATERALITY, VR::CS, &image.laterality.to_string());
    if let Some(view) = image.view {
        text(tags::VIEW_POSITION, VR::CS, &view.to_string());
    }
    if let Some(mm) = image.spacing_mm.filter(|mm| mm.is_finite() && *mm > 0.0) {
        let pair = format!("{mm}\\{mm}");
        text(tags::IMAGER_PIXEL_SPACING, VR::DS, &pair);
        text(tags::PIXEL_SPACING, VR::DS, &pair);
    }
    text(tags::PHOTOMETRIC_INTERPRETATION, VR::CS, "MONOCHROME2");
    text(tags::BURNED_IN_ANNOTATION, VR::CS, "NO");
    text(tags::RESCALE_INTERCEPT, VR::DS, "0");
    text(tags::RESCALE_SLOPE, VR::DS, "1");
    text(tags::RESCALE_TYPE, VR::LO, "US");
    text(tags::PRESENTATION_LUT_SHAPE, VR::CS, "IDENTITY");

    for (tag, value) in [
        (tags::SAMPLES_PER_PIXEL, 1),
        (tags::ROWS, image.height as u16),
        (tags::COLUMNS, image.width as u16),
        (tags::BITS_ALLOCATED, 16),
        (tags::BITS_STORED, image.bits_stored),
        (tags::HIGH_BIT, image.bits_stored - 1),
        (tags::PIXEL_REPRESENTATION, 0),
    ] {
        object.put(DataElement::new(tag, VR::US, PrimitiveValue::from(value)));
    }
    object.put(sequence(
        tags::CONTRIBUTING_EQUIPMENT_SEQUENCE,
        vec![equipment(("109100", "Synthesizing Equipment"), "Pixels were made or altered by software")],
    ));
    object.put(DataElement::new(tags::PIXEL_DATA, VR::OW, PrimitiveValue::U16(image.pixels.into())));
    object
}

/// An item of the Contributing Equipment Sequence (0018,A001) that names this software, with a code of PS3.16 CID 7005
/// for what it did.
pub(crate) fn equipment(purpose: (&str, &str), contribution: &str) -> InMemDicomObject {
    InMemDicomObject::from_element_iter([
        string(tags::MANUFACTURER, VR::LO, "mammo"),
        string(tags::MANUFACTURER_MODEL_NAME, VR::LO, "mammo"),
        string(tags::SOFTWARE_VERSIONS, VR::LO, env!("CARGO_PKG_VERSION")),
        string(tags::CONTRIBUTION_DESCRIPTION, VR::ST, contribution),
        code(tags::PURPOSE_OF_REFERENCE_CODE_SEQUENCE, purpose),
    ])
}

/// A code sequence of one item, a value and its meaning of the DICOM Controlled Terminology (PS3.16 Annex D).
pub(crate) fn code(tag: Tag, (value, meaning): (&str, &str)) -> DataElement<InMemDicomObject> {
    let item = InMemDicomObject::from_element_iter([
        string(tags::CODE_VALUE, VR::SH, value),
        string(tags::CODING_SCHEME_DESIGNATOR, VR::SH, "DCM"),
        string(tags::CODE_MEANING, VR::LO, meaning),
    ]);
    sequence(tag, vec![item])
}

pub(crate) fn sequence(tag: Tag, items: Vec<InMemDicomObject>) -> DataElement<InMemDicomObject> {
    DataElement::new(tag, VR::SQ, DataSetSequence::from(items))
}

pub(crate) fn string(tag: Tag, vr: VR, value: &str) -> DataElement<InMemDicomObject> {
    DataElement::new(tag, vr, PrimitiveValue::from(value))
}

/// Two images never share a UID, even if a caller repeats a seed: the pixels take part.
fn instance_uid(image: &SyntheticImage) -> String {
    let mut hasher = Sha256::new();
    for pixel in image.pixels {
        hasher.update(pixel.to_le_bytes());
    }
    let digest = mammo_files::sha256(&hasher.finalize());
    uid(&["instance", image.patient_id, image.uid_seed, &digest])
}

/// A UID below 2.25 (PS3.5 section B.2) from the first half of a SHA-256, so that it needs no registry and no clock.
fn uid(parts: &[&str]) -> String {
    let digest = Sha256::digest(parts.join("\n").as_bytes());
    let half = digest.iter().take(16).fold(0u128, |n, &byte| n << 8 | u128::from(byte));
    format!("2.25.{half}")
}

/// Text for one DICOM value: no separators, no line breaks, at most `limit` characters.
fn one_line(text: &str, limit: usize) -> String {
    let clean = |c: char| match c {
        '\\' => '/',
        c if c.is_control() => ' ',
        c => c,
    };
    text.chars().map(clean).take(limit).collect::<String>().trim().to_owned()
}
