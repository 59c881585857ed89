//! From stored values to values to look at, each against the formula of the standard.

use super::*;
use dicom_core::value::DataSetSequence;

fn plane(path: &Path, look: Look) -> Vec<f32> {
    Mammogram::open(path).unwrap().look(look).unwrap().into_data()
}

fn close(found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len());
    for (a, b) in found.iter().zip(expected) {
        assert!((a - b).abs() < 1e-5, "{found:?} {expected:?}");
    }
}

fn pixels(object: &mut InMemDicomObject, values: [u16; 6]) {
    object.put(DataElement::new(tags::PIXEL_DATA, VR::OW, PrimitiveValue::U16(values.to_vec().into())));
}

fn lut(descriptor: [u16; 3], data: &[u16]) -> InMemDicomObject {
    InMemDicomObject::from_element_iter([
        DataElement::new(tags::LUT_DESCRIPTOR, VR::US, PrimitiveValue::U16(descriptor.to_vec().into())),
        DataElement::new(tags::LUT_DATA, VR::OW, PrimitiveValue::U16(data.to_vec().into())),
    ])
}

fn put_luts(object: &mut InMemDicomObject, tag: Tag, luts: Vec<InMemDicomObject>) {
    object.put(DataElement::new(tag, VR::SQ, DataSetSequence::from(luts)));
}

#[test]
fn several_windows_and_their_functions() {
    let dir = tempfile::tempdir().unwrap();
    let windowed = |function: &str| {
        altered(dir.path(), LITTLE, |object| {
            pixels(object, [0, 1024, 2048, 3072, 4096, 16383]);
            put_text(object, tags::WINDOW_CENTER, VR::DS, "2048\\100\\1");
            put_text(object, tags::WINDOW_WIDTH, VR::DS, "4096\\50\\0");
            put_text(object, tags::VOILUT_FUNCTION, VR::CS, function);
        })
    };
    let path = windowed("LINEAR");
    let header = read_header(&path).unwrap();
    assert_eq!(header.windows.len(), 2, "a window of width 0 is none");
    assert_eq!(header.window, Some(Window { center: 2048.0, width: 4096.0 }));
    // PS3.3 section C.11.2.1.2.1, the note's example: 0 and less go to 0, 4095 and more to 1.
    let linear = |v: f32| ((v - 2047.5) / 4095.0 + 0.5).clamp(0.0, 1.0);
    close(&plane(&path, Look::File), &[0.0, 1024.0, 2048.0, 3072.0, 4096.0, 16383.0].map(linear));
    close(&plane(&path, Look::Window(1)), &[0.0, 1.0, 1.0, 1.0, 1.0, 1.0]);
    assert!(Mammogram::open(&path).unwrap().look(Look::Window(2)).is_none());

    let exact = |v: f32| ((v - 2048.0) / 4096.0 + 0.5).clamp(0.0, 1.0);
    let values = [0.0, 1024.0, 2048.0, 3072.0, 4096.0, 16383.0];
    close(&plane(&windowed("LINEAR_EXACT"), Look::File), &values.map(exact));
    let sigmoid = |v: f32| 1.0 / (1.0 + (-4.0 * (v - 2048.0) / 4096.0).exp());
    close(&plane(&windowed("SIGMOID"), Look::Window(0)), &values.map(sigmoid));
    // Whatever the file's window is, everything that was stored can be had.
    assert_eq!(Mammogram::open(&windowed("SIGMOID")).unwrap().display_plane().data(), values);
}

#[test]
fn monochrome1_turns_windows_over_and_padding_stays_black() {
    let dir = tempfile::tempdir().unwrap();
    let path = altered(dir.path(), LITTLE, |object| {
        pixels(object, [0, 100, 2000, 16000, 16300, 16383]);
        put_text(object, tags::PHOTOMETRIC_INTERPRETATION, VR::CS, "MONOCHROME1");
        put_u16(object, tags::PIXEL_PADDING_VALUE, 16383);
        put_u16(object, tags::PIXEL_PADDING_RANGE_LIMIT, 16000);
    });
    let own = Look::Own(Window { center: 1000.0, width: 2000.0 }, VoiFunction::LinearExact);
    close(&plane(&path, own), &[1.0, 0.95, 0.0, 0.0, 0.0, 0.0]);
    assert_eq!(plane(&path, Look::Range), [16383.0, 16283.0, 14383.0, 0.0, 0.0, 0.0]);
}

#[test]
fn a_voi_lut_is_the_file_s_choice_before_its_window() {
    let dir = tempfile::tempdir().unwrap();
    let path = altered(dir.path(), LITTLE, |object| {
        pixels(object, [0, 99, 100, 101, 103, 16383]);
        put_text(object, tags::WINDOW_CENTER, VR::DS, "50");
        put_text(object, tags::WINDOW_WIDTH, VR::DS, "100");
        let luts = vec![lut([4, 100, 8], &[0, 51, 102, 255]), lut([2, 0, 8], &[255, 0])];
        put_luts(object, tags::VOILUT_SEQUENCE, luts);
    });
    close(&plane(&path, Look::File), &[0.0, 0.0, 0.0, 0.2, 1.0, 1.0]);
    close(&plane(&path, Look::Lut(1)), &[1.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    assert_eq!(read_header(&path).unwrap().voi_luts, 2);
}

/// A number of entries of 0 stands for 65536, and entries may have more bits than declared.
#[test]
fn odd_descriptors() {
    let dir = tempfile::tempdir().unwrap();
    let all: Vec<u16> = (0..=u16::MAX).map(|v| v / 4).collect();
    let path = altered(dir.path(), LITTLE, |object| {
        pixels(object, [0, 4, 400, 4000, 8000, 16000]);
        put_luts(object, tags::VOILUT_SEQUENCE, vec![lut([0, 0, 8], &all)]);
    });
    let expected = [0u16, 1, 100, 1000, 2000, 4000].map(|v| f32::from(v) / 16383.0);
    close(&plane(&path, Look::File), &expected);
    let broken = altered(dir.path(), LITTLE, |object| {
        put_luts(object, tags::VOILUT_SEQUENCE, vec![lut([500, 0, 16], &[1, 2])]);
    });
    assert!(Mammogram::open(&broken).unwrap().look(Look::Lut(0)).is_none());
}

#[test]
fn a_modality_lut_takes_the_place_of_the_rescale() {
    let dir = tempfile::tempdir().unwrap();
    let path = altered(dir.path(), LITTLE, |object| {
        pixels(object, [0, 1, 2, 3, 4, 5]);
        put_luts(object, tags::MODALITY_LUT_SEQUENCE, vec![lut([4, 1, 16], &[10, 20, 40, 80])]);
    });
    let mammogram = Mammogram::open(&path).unwrap();
    assert!(!mammogram.is_plain());
    assert_eq!(mammogram.display_plane().data(), [10.0, 10.0, 20.0, 40.0, 80.0, 80.0]);
}

#[test]
fn signed_values_with_rescale_and_padding() {
    let dir = tempfile::tempdir().unwrap();
    let path = altered(dir.path(), LITTLE, |object| {
        pixels(object, [0x0fff, 1, 0x0800, 0x07ff, 0, 2]);
        put_u16(object, tags::PIXEL_REPRESENTATION, 1);
        put_u16(object, tags::BITS_STORED, 12);
        put_u16(object, tags::HIGH_BIT, 11);
        put_u16(object, tags::PIXEL_PADDING_VALUE, 0xf800);
        put_text(object, tags::RESCALE_INTERCEPT, VR::DS, "2048");
    });
    let mammogram = Mammogram::open(&path).unwrap();
    assert_eq!(mammogram.header().padding, Some((-2048, -2048)));
    assert_eq!(mammogram.display_plane().data(), [2047.0, 2049.0, 0.0, 4095.0, 2048.0, 2050.0]);
}

/// Values that are proportional to the X-rays: air, the largest one, becomes black, and equal factors equal distances.
#[test]
fn files_for_processing_show_attenuation() {
    let dir = tempfile::tempdir().unwrap();
    let path = altered(dir.path(), LITTLE, |object| {
        pixels(object, [16383, 8191, 4095, 2047, 1023, 0]);
        put_text(object, tags::PRESENTATION_INTENT_TYPE, VR::CS, "FOR PROCESSING");
        put_text(object, tags::PIXEL_INTENSITY_RELATIONSHIP, VR::CS, "LIN");
        object.put(DataElement::new(
            tags::PIXEL_INTENSITY_RELATIONSHIP_SIGN,
            VR::SS,
            PrimitiveValue::from(1i16),
        ));
    });
    let mammogram = Mammogram::open(&path).unwrap();
    assert_eq!(mammogram.header().intensity, Intensity::Linear);
    let shown = mammogram.display_plane();
    let step = 16383.0 / 14.0;
    for (i, v) in shown.data()[..5].iter().enumerate() {
        assert!((v - step * i as f32).abs() < 0.1, "{:?}", shown.data());
    }
    assert!((shown.get(2, 1) - 16383.0).abs() < 0.1);
}

#[test]
fn names_and_free_text_stay_out_of_headers_and_messages() {
    let dir = tempfile::tempdir().unwrap();
    let path = altered(dir.path(), LITTLE, |object| {
        put_text(object, tags::PATIENT_NAME, VR::PN, "Secret^Jane");
        put_text(object, tags::PATIENT_BIRTH_DATE, VR::DA, "19551231");
        put_text(object, tags::SERIES_DESCRIPTION, VR::LO, "call Secret");
        put_text(object, tags::PHOTOMETRIC_INTERPRETATION, VR::CS, "Secret Jane");
        put_text(object, tags::WINDOW_CENTER, VR::DS, "Secret");
    });
    let message = Mammogram::open(&path).unwrap_err().to_string();
    assert!(message.contains("Photometric") && !message.contains("Secret"), "{message}");
    let path = altered(dir.path(), LITTLE, |object| {
        put_text(object, tags::PATIENT_NAME, VR::PN, "Secret^Jane");
        put_text(object, tags::PATIENT_BIRTH_DATE, VR::DA, "19551231");
    });
    let header = format!("{:?}", read_header(&path).unwrap());
    assert!(!header.contains("Secret") && !header.contains("1955"), "{header}");
}
