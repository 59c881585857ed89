//! Two real files that lie beside the workspace on the machines of the project; skipped elsewhere. Expected values were
//! computed with pydicom 3.0.2 and pylibjpeg: openjpeg 2.6.0, and libjpeg 2.5.0, which wants the spectral range of the scan
//! corrected from 0..0 to 0..63 first.

use super::*;

fn shared(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/dicom").join(name);
    if !path.exists() {
        eprintln!("skipped: {} is not here", path.display());
    }
    path.exists().then_some(path)
}

#[cfg(feature = "jpeg2000")]
#[test]
fn a_digitised_film_in_jpeg_2000() {
    let Some(path) = shared("MG1_J2KI.dcm") else { return };
    let mammogram = Mammogram::open(&path).unwrap();
    let words = mammogram.words();
    assert_eq!((mammogram.header().columns_px, mammogram.header().rows_px), (3064, 4664));
    let mean = words.iter().map(|&w| f64::from(w)).sum::<f64>() / words.len() as f64;
    assert!((mean - 1610.840894).abs() < 0.01, "{mean}");
    assert_eq!(words.iter().max(), Some(&4095));
}

#[cfg(not(feature = "jpeg2000"))]
#[test]
fn without_its_feature_jpeg_2000_names_itself() {
    let Some(path) = shared("MG1_J2KI.dcm") else { return };
    let message = Mammogram::open(&path).unwrap_err().to_string();
    assert!(message.contains("JPEG 2000"), "{message}");
}

#[test]
fn a_digitised_film_in_jpeg_of_12_bits() {
    let Some(path) = shared("MG1_JPLY.dcm") else { return };
    let mammogram = Mammogram::open(&path).unwrap();
    let words = mammogram.words();
    assert_eq!((mammogram.header().columns_px, mammogram.header().rows_px), (3064, 4664));
    let mean = words.iter().map(|&w| f64::from(w)).sum::<f64>() / words.len() as f64;
    assert!((mean - 1610.923584).abs() < 0.1, "{mean}");
}
