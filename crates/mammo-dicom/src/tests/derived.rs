//! Images that were made from others: what they say of their source, and what they do not.

use super::*;
use dicom_object::{InMemDicomObject, mem::InMemElement};

/// What a source must not hand on: its patient, study, series and equipment modules (PS3.3 sections C.7.1 to C.7.5).
const OF_THE_PATIENT: [(Tag, VR, &str); 14] = [
    (tags::PATIENT_NAME, VR::PN, "DOE^JANE"),
    (tags::PATIENT_ID, VR::LO, "HOSPITAL-4711"),
    (tags::PATIENT_BIRTH_DATE, VR::DA, "19561224"),
    (tags::PATIENT_SEX, VR::CS, "F"),
    (tags::PATIENT_AGE, VR::AS, "061Y"),
    (tags::OTHER_PATIENT_NAMES, VR::PN, "SMITH^JANE"),
    (tags::PATIENT_COMMENTS, VR::LT, "lives at Elm Street"),
    (tags::STUDY_DATE, VR::DA, "20170304"),
    (tags::ACCESSION_NUMBER, VR::SH, "ACC-4713"),
    (tags::REFERRING_PHYSICIAN_NAME, VR::PN, "ROE^RICHARD"),
    (tags::STUDY_INSTANCE_UID, VR::UI, "1.2.3.4711"),
    (tags::SERIES_INSTANCE_UID, VR::UI, "1.2.3.4712"),
    (tags::INSTITUTION_NAME, VR::LO, "St. Elsewhere"),
    (tags::DEVICE_SERIAL_NUMBER, VR::LO, "SERIAL-4714"),
];

fn source_file(dir: &Path) -> PathBuf {
    altered(dir, LITTLE, |object| {
        for (tag, vr, value) in OF_THE_PATIENT {
            put_text(object, tag, vr, value);
        }
        put_text(object, tags::SOP_CLASS_UID, VR::UI, "1.2.840.10008.5.1.4.1.1.1.2");
        put_text(object, tags::SOP_INSTANCE_UID, VR::UI, "1.2.3.4");
        put_text(object, tags::PATIENT_ORIENTATION, VR::CS, "P\\FL");
        object.remove_element(tags::PATIENT_IDENTITY_REMOVED);
    })
}

fn derived(dir: &Path, source: Option<&SourceImage>, is_resampled: bool) -> PathBuf {
    let path = dir.join("derived.dcm");
    write_derived(&path, &image(), &Derivation { source, is_resampled }).unwrap();
    path
}

fn items(element: &InMemElement) -> &[InMemDicomObject] {
    element.items().unwrap()
}

fn value(object: &InMemDicomObject, tag: Tag) -> String {
    object.element(tag).unwrap().to_str().unwrap().trim_end_matches([' ', '\0']).to_owned()
}

/// Value, scheme and meaning of the one code of a sequence.
fn coded(object: &InMemDicomObject, tag: Tag) -> [String; 3] {
    let [code] = items(object.element(tag).unwrap()) else { panic!("one code") };
    [tags::CODE_VALUE, tags::CODING_SCHEME_DESIGNATOR, tags::CODE_MEANING].map(|tag| value(code, tag))
}

#[test]
fn a_derived_image_names_its_source_and_both_purposes() {
    let dir = tempfile::tempdir().unwrap();
    let path = source_file(dir.path());
    let source = SourceImage::from_bytes(&std::fs::read(&path).unwrap(), &path).unwrap().unwrap();
    assert!(!source.is_deidentified);
    let object = open_file(derived(dir.path(), Some(&source), true)).unwrap();

    let [reference] = items(object.element(tags::SOURCE_IMAGE_SEQUENCE).unwrap()) else { panic!() };
    assert_eq!(value(reference, tags::REFERENCED_SOP_CLASS_UID), "1.2.840.10008.5.1.4.1.1.1.2");
    assert_eq!(value(reference, tags::REFERENCED_SOP_INSTANCE_UID), "1.2.3.4");
    assert_eq!(
        coded(reference, tags::PURPOSE_OF_REFERENCE_CODE_SEQUENCE),
        ["121322", "DCM", "Source image for image processing operation"]
    );
    let equipment = items(object.element(tags::CONTRIBUTING_EQUIPMENT_SEQUENCE).unwrap());
    let purposes: Vec<_> =
        equipment.iter().map(|item| coded(item, tags::PURPOSE_OF_REFERENCE_CODE_SEQUENCE)).collect();
    assert_eq!(
        purposes,
        [["109100", "DCM", "Synthesizing Equipment"], ["109103", "DCM", "Modifying Equipment"]]
    );
    assert_eq!(coded(&object, tags::DERIVATION_CODE_SEQUENCE), ["113085", "DCM", "Spatial resampling"]);
    assert_eq!(text(&object, tags::PATIENT_ORIENTATION), "P\\FL");
    assert_eq!(text(&object, tags::IMAGE_LATERALITY), "R");
    assert_eq!(text(&object, tags::VIEW_POSITION), "MLO");
}

#[test]
fn a_derived_image_has_every_mark_of_a_made_one() {
    let dir = tempfile::tempdir().unwrap();
    let made = open_file(written(dir.path(), &image())).unwrap();
    let object = open_file(derived(dir.path(), None, false)).unwrap();
    let differs = [tags::CONTRIBUTING_EQUIPMENT_SEQUENCE, tags::LATERALITY];
    for element in made.iter().filter(|e| !differs.contains(&e.header().tag)) {
        assert_eq!(Some(element), object.element_opt(element.header().tag).unwrap());
    }
    assert!(read_header(&dir.path().join("derived.dcm")).unwrap().synthetic);
    // A source that is no DICOM is told by the description alone.
    for tag in [tags::SOURCE_IMAGE_SEQUENCE, tags::DERIVATION_CODE_SEQUENCE, tags::LATERALITY] {
        assert!(object.element_opt(tag).unwrap().is_none());
    }
}

#[test]
fn nothing_of_the_patient_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let path = source_file(dir.path());
    let bytes = std::fs::read(&path).unwrap();
    let source = SourceImage::from_bytes(&bytes, &path).unwrap().unwrap();
    let derived = std::fs::read(derived(dir.path(), Some(&source), true)).unwrap();
    let holds = |bytes: &[u8], text: &str| bytes.windows(text.len()).any(|w| w == text.as_bytes());
    for (tag, _, text) in OF_THE_PATIENT.into_iter().filter(|(tag, ..)| *tag != tags::PATIENT_SEX) {
        assert!(holds(&bytes, text), "{tag}");
        assert!(!holds(&derived, text), "{tag}");
    }
    assert!(!format!("{source:?}").contains("DOE"));
}

#[test]
fn a_source_without_uids_is_not_referred_to() {
    let dir = tempfile::tempdir().unwrap();
    for (tag, value) in [
        (tags::SOP_INSTANCE_UID, None),
        (tags::SOP_INSTANCE_UID, Some("DOE^JANE")),
        (tags::SOP_CLASS_UID, None),
    ] {
        let path = altered(dir.path(), LITTLE, |object| match value {
            Some(value) => put_text(object, tag, VR::UI, value),
            None => {
                object.remove_element(tag);
            }
        });
        assert_eq!(SourceImage::from_bytes(&std::fs::read(&path).unwrap(), &path).unwrap(), None);
    }
    let path = written(dir.path(), &image());
    let source = SourceImage::from_bytes(&std::fs::read(&path).unwrap(), &path).unwrap().unwrap();
    assert!(source.is_deidentified && source.orientation.is_none());
    assert!(SourceImage::from_bytes(b"no image", &path).is_err());
}
