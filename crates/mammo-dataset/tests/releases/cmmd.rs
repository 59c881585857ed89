use crate::fixtures::{Said, mammogram, notes, record};
use mammo_core::{Finding, Label, LabelRule, Laterality, ViewPosition};
use mammo_dataset::{NoteKind, Source, scan_release};
use rust_xlsxwriter::Workbook;
use std::path::Path;

fn release(root: &Path) {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    let rows = [
        ["ID1", "LeftRight", "Age", "number", "abnormality", "classification", "subtype"],
        ["D1-0001", "R", "44", "2", "calcification", "Benign", ""],
        ["D1-0001", "R", "44", "2", "mass", "Malignant", ""],
        ["D2-0002", "L", "61", "2", "both", "Benign", ""],
        ["D2-0003", "L", "61", "2", "both", "Unclear", ""],
        ["D2-0004", "L", "61", "2", "both", "Benign", ""],
    ];
    for (row, cells) in rows.iter().enumerate() {
        for (column, cell) in cells.iter().enumerate() {
            sheet.write(row as u32, column as u16, *cell).unwrap();
        }
    }
    book.save(root.join("CMMD_clinicaldata_revision.xlsx")).unwrap();
    for (patient, file, side, code) in [
        ("D1-0001", "1-1.dcm", "R", "399162004"),
        ("D1-0001", "1-2.dcm", "R", "399368009"),
        ("D1-0001", "1-3.dcm", "L", "399368009"),
        ("D2-0002", "1-1.dcm", "L", "R-10242"),
        ("D2-0002", "1-2.dcm", "", "R-10242"),
    ] {
        let path = root
            .join("CMMD")
            .join(patient)
            .join("07-18-2010-NA-NA-79377")
            .join("1.000000-NA-70244")
            .join(file);
        let laterality = (!side.is_empty()).then_some(side);
        mammogram(&path, side == "R", 1, &Said { laterality, view_code: Some(code), ..Said::default() });
    }
}

#[test]
fn labels_by_breast_meet_images_by_their_headers() {
    let dir = tempfile::tempdir().unwrap();
    release(dir.path());
    let scan = scan_release(&Source::Cmmd(dir.path().to_owned())).unwrap();
    let first = record(&scan, "D1-0001_1-1");
    assert_eq!((first.laterality, first.view), (Laterality::Right, Some(ViewPosition::Cc)));
    assert_eq!(first.assessment.findings, Some([Finding::Mass, Finding::Cluster].into()), "both rows");
    assert_eq!(LabelRule::Malignant.apply(&first.assessment), Some(Label::Cancer));
    assert_eq!(record(&scan, "D1-0001_1-2").view, Some(ViewPosition::Mlo));
    let other = record(&scan, "D1-0001_1-3");
    assert_eq!(LabelRule::Malignant.apply(&other.assessment), None, "the other breast has no row");
    assert_eq!(notes(&scan, NoteKind::Quirk), 1);
    assert_eq!(record(&scan, "D2-0002_1-1").view, Some(ViewPosition::Cc), "the older code");
    assert_eq!(notes(&scan, NoteKind::MissingFile), 1, "D2-0004 has no folder");
    let texts: Vec<String> = scan.problems.iter().map(|p| p.error.to_string()).collect();
    assert_eq!(texts.len(), 2, "{texts:?}");
    assert!(
        texts.iter().any(|t| t.contains("line 5") && t.contains("neither Benign nor Malignant")),
        "{texts:?}"
    );
    assert!(texts.iter().any(|t| t.contains("1-2.dcm") && t.contains("Image Laterality")), "{texts:?}");
}
