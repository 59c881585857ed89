use crate::{DicomError, header::text, read};
use dicom_core::Tag;
use dicom_dictionary_std::tags;
use std::path::Path;

/// What a derived image says of the DICOM file that it was made from. Nothing else of a source goes into a derived file: no
/// name, no patient ID, no dates, no UID of its study or series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceImage {
    /// SOP Class UID (0008,0016).
    pub sop_class_uid: String,
    /// SOP Instance UID (0008,0018), by which whoever has the source finds it. Some devices put the time of the examination
    /// into it, so sources should be de-identified, UIDs included (PS3.15 table E.1-1), before what is made of them goes out.
    pub sop_instance_uid: String,
    /// Patient Orientation (0020,0020): where rows and columns go (PS3.3 section C.7.6.1.1.1), such as A and F; `None`
    /// where the file does not say it.
    pub orientation: Option<(String, String)>,
    /// Patient Identity Removed (0012,0062) is YES.
    pub is_deidentified: bool,
}

const READ: [Tag; 4] =
    [tags::SOP_CLASS_UID, tags::SOP_INSTANCE_UID, tags::PATIENT_IDENTITY_REMOVED, tags::PATIENT_ORIENTATION];

impl SourceImage {
    /// Reads it from the bytes of a file; `path` is for messages alone. `None` where the file does not name itself by UIDs.
    ///
    /// The UIDs are those of the data set: de-identifiers that forget the file meta group leave the true ones there.
    ///
    /// # Errors
    /// [`DicomError`], naming the file, when it is not DICOM or is damaged before its pixels.
    pub fn from_bytes(bytes: &[u8], path: &Path) -> Result<Option<Self>, DicomError> {
        let object = read::elements(bytes, path, &READ)?;
        let uid = |tag| text(&object, tag).filter(|value| is_uid(value));
        let Some((sop_class_uid, sop_instance_uid)) =
            uid(tags::SOP_CLASS_UID).zip(uid(tags::SOP_INSTANCE_UID))
        else {
            return Ok(None);
        };
        let orientation = object.element_opt(tags::PATIENT_ORIENTATION).ok().flatten();
        let orientation = orientation.and_then(|e| e.to_str().ok()).and_then(|value| directions(&value));
        let is_deidentified = text(&object, tags::PATIENT_IDENTITY_REMOVED).as_deref() == Some("YES");
        Ok(Some(Self { sop_class_uid, sop_instance_uid, orientation, is_deidentified }))
    }
}

/// Whether a value is a UID (PS3.5 section 9.1); what is none may be anything, and goes nowhere.
fn is_uid(value: &str) -> bool {
    (1..=64).contains(&value.len()) && value.bytes().all(|b| b.is_ascii_digit() || b == b'.')
}

/// Both directions of a Patient Orientation, where they are letters that the standard has for people.
fn directions(value: &str) -> Option<(String, String)> {
    let (row, column) = value.split_once('\\')?;
    let direction = |text: &str| {
        let text = text.trim_matches([' ', '\0']);
        let fits = (1..=3).contains(&text.len()) && text.chars().all(|c| "APRLHF".contains(c));
        fits.then(|| text.to_owned())
    };
    direction(row).zip(direction(column))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_uid_and_no_direction_goes_nowhere() {
        assert!(is_uid("1.2.840.10008.5.1.4.1.1.1.2"));
        for value in ["", "DOE^JANE", "1.2 3", &"1".repeat(65)] {
            assert!(!is_uid(value), "{value}");
        }
        assert_eq!(directions("P\\FL "), Some(("P".to_owned(), "FL".to_owned())));
        for value in ["", "A", "A\\", "DOE\\JANE", "A\\R\\L"] {
            assert_eq!(directions(value), None, "{value}");
        }
    }
}
