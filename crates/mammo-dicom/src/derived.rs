use crate::{
    DicomError, SourceImage, SyntheticImage,
    write::{code, equipment, sequence, string, write},
};
use dicom_core::VR;
use dicom_dictionary_std::tags;
use dicom_object::InMemDicomObject;
use std::path::Path;

/// What a derived image has beyond a made one: what it was made from.
#[derive(Debug, Clone, Copy)]
pub struct Derivation<'a> {
    /// The source, where it is a DICOM file that names itself by UIDs.
    pub source: Option<&'a SourceImage>,
    /// Whether the pixels lie on another grid than those of the source.
    pub is_resampled: bool,
}

/// Writes an image that was made from another one. It has every mark of [`write_synthetic`](crate::write_synthetic), and
///
/// * a second item of the Contributing Equipment Sequence, (109103, DCM, "Modifying Equipment") of PS3.16 CID 7005;
/// * Source Image Sequence (0008,2112; PS3.3 section C.7.6.1.1.4) with the UIDs of the source and the purpose (121322, DCM,
///   "Source image for image processing operation") of CID 7202, where the source is DICOM;
/// * Patient Orientation as the source has it: **rows and columns of `image` must run as those of the source do**, so that
///   orientation, Image Laterality and pixels say the same. Empty where the source does not tell it;
/// * Derivation Code Sequence (0008,9215; PS3.3 section C.7.6.1.1.3) with (113085, DCM, "Spatial resampling") where that is
///   so. CID 7203 has no code for pixels that a network made; the Derivation Description says it in words.
///
/// The side stands in Image Laterality (0020,0062) alone: Laterality (0020,0060) of the series is for images without it (PS3.3
/// section C.7.3.1). Nothing else of the source is in the file; its UIDs are new.
///
/// # Errors
/// As [`write_synthetic`](crate::write_synthetic).
///
/// ```
/// use mammo_core::Laterality;
/// use mammo_dicom::{Derivation, Mammogram, SourceImage, SyntheticImage, write_derived, write_synthetic};
///
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("source.dcm");
/// let image = SyntheticImage {
///     pixels: &[0, 100, 200, 300],
///     width: 2,
///     height: 2,
///     bits_stored: 12,
///     laterality: Laterality::Left,
///     view: None,
///     patient_id: "phantom-0001",
///     series_description: "phantom",
///     derivation: "procedural phantom, seed 7",
///     uid_seed: "phantom/7/0001",
///     spacing_mm: None,
/// };
/// write_synthetic(&path, &image)?;
///
/// let source = SourceImage::from_bytes(&std::fs::read(&path)?, &path)?;
/// let derivation = Derivation { source: source.as_ref(), is_resampled: false };
/// let altered = SyntheticImage { pixels: &[0, 100, 250, 300], uid_seed: "altered/0001", ..image };
/// write_derived(&dir.path().join("altered.dcm"), &altered, &derivation)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn write_derived(path: &Path, image: &SyntheticImage, derivation: &Derivation) -> Result<(), DicomError> {
    write(path, image, |object| add(object, derivation))
}

fn add(object: &mut InMemDicomObject, derivation: &Derivation) {
    object.remove_element(tags::LATERALITY);
    object.put(sequence(
        tags::CONTRIBUTING_EQUIPMENT_SEQUENCE,
        vec![
            equipment(("109100", "Synthesizing Equipment"), "Pixels were made or altered by software"),
            equipment(("109103", "Modifying Equipment"), "An image was altered by a generative network"),
        ],
    ));
    if derivation.is_resampled {
        object.put(code(tags::DERIVATION_CODE_SEQUENCE, ("113085", "Spatial resampling")));
    }
    if let Some(source) = derivation.source {
        object.put(sequence(tags::SOURCE_IMAGE_SEQUENCE, vec![reference(source)]));
        if let Some((row, column)) = &source.orientation {
            object.put(string(tags::PATIENT_ORIENTATION, VR::CS, &format!("{row}\\{column}")));
        }
    }
}

fn reference(source: &SourceImage) -> InMemDicomObject {
    InMemDicomObject::from_element_iter([
        string(tags::REFERENCED_SOP_CLASS_UID, VR::UI, &source.sop_class_uid),
        string(tags::REFERENCED_SOP_INSTANCE_UID, VR::UI, &source.sop_instance_uid),
        code(
            tags::PURPOSE_OF_REFERENCE_CODE_SEQUENCE,
            ("121322", "Source image for image processing operation"),
        ),
    ])
}
