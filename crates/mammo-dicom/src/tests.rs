mod compressed;
mod derived;
mod looks;
mod real;

use super::*;
use dicom_core::{DataElement, PrimitiveValue, Tag, VR};
use dicom_dictionary_std::tags;
use dicom_object::{DefaultDicomObject, FileMetaTableBuilder, InMemDicomObject, open_file};
use mammo_core::{Laterality, ViewPosition};
use std::path::{Path, PathBuf};

const PIXELS: [u16; 6] = [0, 1, 100, 5000, 16383, 7];

fn image() -> SyntheticImage<'static> {
    SyntheticImage {
        pixels: &PIXELS,
        width: 3,
        height: 2,
        bits_stored: 14,
        laterality: Laterality::Right,
        view: Some(ViewPosition::Mlo),
        patient_id: "p1",
        series_description: "CycleGAN \\ healthy to cancer",
        derivation: "model x,\nstep 400",
        uid_seed: "run/1",
        spacing_mm: Some(0.07),
    }
}

fn written(dir: &Path, image: &SyntheticImage) -> PathBuf {
    let path = dir.join("a.dcm");
    write_synthetic(&path, image).unwrap();
    path
}

fn text(object: &DefaultDicomObject, tag: Tag) -> String {
    object.element(tag).unwrap().to_str().unwrap().trim().to_owned()
}

/// Writes the standard image and lets `change` alter it, as other people's files would differ.
fn altered(dir: &Path, uid: &str, change: impl FnOnce(&mut InMemDicomObject)) -> PathBuf {
    let path = written(dir, &image());
    let mut object = open_file(&path).unwrap().into_inner();
    change(&mut object);
    let meta = FileMetaTableBuilder::new()
        .transfer_syntax(uid)
        .media_storage_sop_class_uid("1.2.840.10008.5.1.4.1.1.1.2")
        .media_storage_sop_instance_uid("2.25.1");
    let path = dir.join("b.dcm");
    object.with_meta(meta).unwrap().write_to_file(&path).unwrap();
    path
}

fn put_u16(object: &mut InMemDicomObject, tag: Tag, value: u16) {
    object.put(DataElement::new(tag, VR::US, PrimitiveValue::from(value)));
}

fn put_text(object: &mut InMemDicomObject, tag: Tag, vr: VR, value: &str) {
    object.put(DataElement::new(tag, vr, PrimitiveValue::from(value)));
}

/// The same file with another transfer syntax in its meta group; both UIDs have an even length after padding.
fn with_syntax(path: &Path, uid: &str) -> PathBuf {
    let bytes = std::fs::read(path).unwrap();
    let at = bytes.windows(8).position(|w| w.starts_with(&[2, 0, 0x10, 0, b'U', b'I'])).unwrap();
    let len = usize::from(bytes[at + 6]);
    let mut uid = uid.as_bytes().to_vec();
    uid.resize(uid.len().next_multiple_of(2), 0);
    let changed = [&bytes[..at + 6], &[uid.len() as u8, 0], &uid, &bytes[at + 8 + len..]].concat();
    let path = path.with_file_name("c.dcm");
    std::fs::write(&path, changed).unwrap();
    path
}

const LITTLE: &str = "1.2.840.10008.1.2.1";

#[test]
fn what_is_written_is_read_back() {
    let dir = tempfile::tempdir().unwrap();
    let mammogram = Mammogram::open(&written(dir.path(), &image())).unwrap();
    let header = mammogram.header();
    assert_eq!(mammogram.stored(), PIXELS.map(i32::from));
    assert_eq!(mammogram.display_plane().data(), PIXELS.map(f32::from));
    assert_eq!((header.columns_px, header.rows_px, header.bits_stored), (3, 2, 14));
    assert_eq!((header.laterality, header.view), (Some(Laterality::Right), Some(ViewPosition::Mlo)));
    assert_eq!(header.photometric, Photometric::Monochrome2);
    assert_eq!(header.transfer_syntax_name(), "Explicit VR Little Endian");
    assert!((header.spacing_mm.unwrap().0 - 0.07).abs() < 1e-6);
    assert!(header.synthetic && !header.for_processing);
}

#[test]
fn every_mark_is_in_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let object = open_file(written(dir.path(), &image())).unwrap();
    assert_eq!(text(&object, tags::SYNTHETIC_DATA), "YES");
    assert_eq!(text(&object, tags::IMAGE_TYPE), "DERIVED\\PRIMARY");
    assert_eq!(text(&object, tags::SERIES_DESCRIPTION), format!("{NOTICE} CycleGAN / healthy to cancer"));
    assert_eq!(text(&object, tags::DERIVATION_DESCRIPTION), "model x, step 400");
    assert_eq!(text(&object, tags::PATIENT_IDENTITY_REMOVED), "YES");
    let equipment = &object.element(tags::CONTRIBUTING_EQUIPMENT_SEQUENCE).unwrap().items().unwrap()[0];
    let purpose = &equipment.element(tags::PURPOSE_OF_REFERENCE_CODE_SEQUENCE).unwrap().items().unwrap()[0];
    assert_eq!(purpose.element(tags::CODE_VALUE).unwrap().to_str().unwrap(), "109100");
}

#[test]
fn the_same_image_gives_the_same_bytes_and_other_pixels_another_uid() {
    let dir = tempfile::tempdir().unwrap();
    let first = std::fs::read(written(dir.path(), &image())).unwrap();
    let again = written(dir.path(), &image());
    assert_eq!(first, std::fs::read(&again).unwrap());
    let uid = |path: &Path| text(&open_file(path).unwrap(), tags::SOP_INSTANCE_UID);
    let before = uid(&again);
    let other = written(dir.path(), &SyntheticImage { pixels: &[1; 6], ..image() });
    assert_ne!(before, uid(&other));
    assert!(before.starts_with("2.25.") && before.len() <= 64);
}

#[test]
fn a_stripped_synthetic_tag_is_still_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let path = altered(dir.path(), LITTLE, |object| {
        object.remove_element(tags::SYNTHETIC_DATA);
        object.remove_element(tags::SERIES_DESCRIPTION);
    });
    assert!(read_header(&path).unwrap().synthetic);
    let path = altered(dir.path(), LITTLE, |object| {
        object.remove_element(tags::SYNTHETIC_DATA);
        object.remove_element(tags::SERIES_DESCRIPTION);
        object.remove_element(tags::CONTRIBUTING_EQUIPMENT_SEQUENCE);
    });
    assert!(!read_header(&path).unwrap().synthetic);
}

#[test]
fn monochrome1_is_inverted_and_padding_is_black() {
    let dir = tempfile::tempdir().unwrap();
    let path = altered(dir.path(), LITTLE, |object| {
        put_text(object, tags::PHOTOMETRIC_INTERPRETATION, VR::CS, "MONOCHROME1");
        put_u16(object, tags::PIXEL_PADDING_VALUE, 16383);
    });
    let plane = Mammogram::open(&path).unwrap().display_plane();
    assert_eq!(plane.data(), [16383.0, 16382.0, 16283.0, 11383.0, 0.0, 16376.0]);
}

#[test]
fn rescale_is_applied_and_rubbish_above_the_stored_bits_is_not_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = altered(dir.path(), LITTLE, |object| {
        put_text(object, tags::RESCALE_SLOPE, VR::DS, "2");
        put_text(object, tags::RESCALE_INTERCEPT, VR::DS, "-10");
        let rubbish: Vec<u16> = PIXELS.iter().map(|p| p | 0x8000).collect();
        object.put(DataElement::new(tags::PIXEL_DATA, VR::OW, PrimitiveValue::U16(rubbish.into())));
    });
    let mammogram = Mammogram::open(&path).unwrap();
    assert_eq!(mammogram.stored(), PIXELS.map(i32::from));
    assert_eq!(mammogram.display_plane().get(2, 0), 190.0);
}

#[test]
fn signed_values_keep_their_sign() {
    let dir = tempfile::tempdir().unwrap();
    let path = altered(dir.path(), LITTLE, |object| {
        put_u16(object, tags::PIXEL_REPRESENTATION, 1);
        put_u16(object, tags::BITS_STORED, 12);
        put_u16(object, tags::HIGH_BIT, 11);
        let values = vec![0x0fffu16, 1, 0x0800, 0x07ff, 0, 2];
        object.put(DataElement::new(tags::PIXEL_DATA, VR::OW, PrimitiveValue::U16(values.into())));
    });
    assert_eq!(Mammogram::open(&path).unwrap().stored(), [-1, 1, -2048, 2047, 0, 2]);
}

#[test]
fn bad_files_give_errors_that_name_file_and_remedy() {
    let dir = tempfile::tempdir().unwrap();
    let message = |path: &Path| Mammogram::open(path).unwrap_err().to_string();

    let text_file = dir.path().join("notes.dcm");
    std::fs::write(&text_file, "not an image").unwrap();
    assert!(message(&text_file).contains("notes.dcm: not a DICOM file"), "{}", message(&text_file));
    assert!(message(&dir.path().join("gone.dcm")).contains("gone.dcm"));

    let colour = altered(dir.path(), LITTLE, |object| {
        put_text(object, tags::PHOTOMETRIC_INTERPRETATION, VR::CS, "RGB");
    });
    assert!(message(&colour).contains("MONOCHROME1 or MONOCHROME2"));

    let huge = altered(dir.path(), LITTLE, |object| {
        put_u16(object, tags::ROWS, 65535);
        put_u16(object, tags::COLUMNS, 65535);
    });
    assert!(message(&huge).contains("65535 x 65535 pixels exceed"), "{}", message(&huge));

    let short = altered(dir.path(), LITTLE, |object| put_u16(object, tags::ROWS, 3));
    assert!(message(&short).contains("truncated pixel data: 18 bytes are needed, 12"), "{}", message(&short));

    let bits = altered(dir.path(), LITTLE, |object| put_u16(object, tags::BITS_STORED, 20));
    assert!(message(&bits).contains("20"));

    let path = altered(dir.path(), "1.2.840.10008.1.2.4.80", |_| ());
    assert!(message(&path).contains("JPEG-LS Lossless (1.2.840.10008.1.2.4.80)"), "{}", message(&path));
    let path = with_syntax(&written(dir.path(), &image()), "1.2.826.0.1");
    assert!(message(&path).contains("unknown (1.2.826.0.1)"), "{}", message(&path));
}

#[test]
fn a_file_cut_anywhere_is_an_error_and_never_a_panic() {
    let dir = tempfile::tempdir().unwrap();
    let whole = std::fs::read(written(dir.path(), &image())).unwrap();
    let path = dir.path().join("cut.dcm");
    std::fs::write(&path, &whole[..whole.len() - 2]).unwrap();
    let message = Mammogram::open(&path).unwrap_err().to_string();
    assert!(message.contains("pixel data (7FE0,0010) claims 12 bytes, the file has 10 left"), "{message}");
    for len in 0..whole.len() {
        std::fs::write(&path, &whole[..len]).unwrap();
        assert!(Mammogram::open(&path).is_err(), "cut at {len} of {}", whole.len());
    }
}

#[test]
fn a_damaged_byte_never_panics() {
    let dir = tempfile::tempdir().unwrap();
    let whole = std::fs::read(written(dir.path(), &image())).unwrap();
    let path = dir.path().join("damaged.dcm");
    for at in 128..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 0xff;
        std::fs::write(&path, &bytes).unwrap();
        // Some damage goes unnoticed, in a name for example; what is read has the right number of pixels.
        if let Ok(mammogram) = Mammogram::open(&path) {
            let header = mammogram.header();
            assert_eq!(mammogram.stored().len(), header.columns_px * header.rows_px);
        }
    }
}

#[test]
fn images_that_contradict_themselves_are_not_written() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.dcm");
    assert!(write_synthetic(&path, &SyntheticImage { width: 4, ..image() }).is_err());
    assert!(write_synthetic(&path, &SyntheticImage { bits_stored: 12, ..image() }).is_err());
    assert!(!path.exists());
}
