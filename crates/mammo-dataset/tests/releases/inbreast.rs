//! The spreadsheet and the muscle; csv, outlines and file names are tested beside the code.

use crate::fixtures::{Said, mammogram, notes, record, write};
use mammo_core::{Finding, Point, Shape};
use mammo_dataset::{NoteKind, Source, scan_release};
use std::path::Path;

const XLS: &[u8] = include_bytes!("data/inbreast.xls");
const IMAGES: [(&str, &str); 5] = [
    ("22678622", "R_CC"),
    ("22678646", "R_ML"),
    ("22678670", "L_CC"),
    ("22678694", "L_ML"),
    ("22678718", "R_FB"),
];

fn images(root: &Path) {
    for (id, view) in IMAGES {
        let name = format!("{id}_61b13c59bcba149e_MG_{view}_ANON.dcm");
        mammogram(&root.join("AllDICOMs").join(name), view.starts_with('R'), 1, &Said::default());
    }
}

fn scan(root: &Path) -> mammo_dataset::Scan {
    scan_release(&Source::Inbreast(root.to_owned())).unwrap()
}

#[test]
fn the_spreadsheet_alone_gives_labels_and_flags() {
    let dir = tempfile::tempdir().unwrap();
    images(dir.path());
    write(&dir.path().join("INbreast.xls"), XLS);
    let scan = scan(dir.path());
    assert!(scan.problems.is_empty(), "{:?}", scan.problems);
    let said: Vec<_> = IMAGES
        .iter()
        .map(|(id, _)| {
            let assessment = &record(&scan, id).assessment;
            (assessment.birads.unwrap().to_string(), assessment.mass_flag.unwrap())
        })
        .collect();
    let expected = [("1", false), ("4a", true), ("5", true), ("2", false), ("3", false)];
    assert_eq!(said, expected.map(|(birads, mass)| (birads.to_owned(), mass)));
    assert_eq!(record(&scan, "22678670").density, None, "the cell of blanks");
    assert_eq!(notes(&scan, NoteKind::BlankDensity), 1);
    assert_eq!(notes(&scan, NoteKind::EmptyRow), 2, "the blank and the totals row");
}

#[test]
fn the_second_sheet_is_not_read() {
    let dir = tempfile::tempdir().unwrap();
    images(dir.path());
    write(&dir.path().join("INbreast.xls"), XLS);
    assert!(!format!("{:?}", scan(dir.path())).contains("SECRET"));
    assert!(XLS.windows(6).any(|w| w == b"SECRET"), "the file has it");
}

#[test]
fn the_csv_is_followed_and_the_spreadsheet_adds_flags() {
    let dir = tempfile::tempdir().unwrap();
    images(dir.path());
    let csv = "Patient ID;Patient age;Laterality;View;Acquisition date;File Name;ACR;Bi-Rads\r\n\
               removed;removed;R;CC;201001;22678622;4;1\r\nremoved;removed;R;MLO;201001;22678646;4;4b\r\n";
    write(&dir.path().join("INbreast.csv"), csv);
    write(&dir.path().join("INbreast.xls"), XLS);
    let scan = scan(dir.path());
    let second = &record(&scan, "22678646").assessment;
    assert_eq!((second.birads.unwrap().to_string().as_str(), second.mass_flag), ("4b", Some(true)));
    assert_eq!(notes(&scan, NoteKind::Disagreement), 1, "{:?}", scan.release.notes);
}

fn plist(body: &str) -> String {
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?><plist version=\"1.0\">{body}</plist>")
}

#[test]
fn muscles_of_both_forms_are_closed_through_the_corner_and_are_no_lesions() {
    let dir = tempfile::tempdir().unwrap();
    images(dir.path());
    write(&dir.path().join("INbreast.xls"), XLS);
    std::fs::create_dir(dir.path().join("AllXML")).unwrap();
    let muscles = dir.path().join("PectoralMuscle/Pectoral Muscle XML");
    let points = "<array><string>{20, 0}</string><string>{10, 20}</string><string>{0, 40}</string></array>";
    write(&muscles.join("22678694_muscle.xml"), plist(&format!("<dict><key>ROIPoints</key>{points}</dict>")));
    let points =
        points.replace('{', "(").replace('}', ")").replace("(0, 40)", "(64, 900)").replace("(20,", "(44,");
    let body = format!(
        "<dict><key>Images</key><array><dict><key>ROIs</key><array><dict><key>Name</key><string>Pectoral Muscle</string>\
         <key>Point_px</key>{points}</dict></array></dict></array></dict>"
    );
    write(&muscles.join("22678646.xml"), plist(&body));
    let scan = scan(dir.path());
    for (id, corner) in [("22678694", 0.0), ("22678646", 64.0)] {
        let record = record(&scan, id);
        let [muscle] = record.rois.as_slice() else { panic!("{:?}", record.rois) };
        assert_eq!(muscle.finding, Finding::PectoralMuscle);
        let Shape::Polygon { points } = &muscle.shape else { panic!("{muscle:?}") };
        assert_eq!(points.last(), Some(&Point { x: corner, y: 0.0 }), "{id}");
        assert_eq!(record.assessment.findings, Some([].into()));
    }
    assert_eq!(notes(&scan, NoteKind::PointsOutside), 1);
    assert_eq!(notes(&scan, NoteKind::MassDisagreement), 2, "flagged and not outlined");
}
