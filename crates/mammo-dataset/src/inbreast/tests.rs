use crate::{DatasetError, ImageRecord, Release, Source, read_release};
use mammo_core::{AcrDensity, BiRads, Finding, Laterality, Shape, ViewPosition};
use mammo_dicom::{SyntheticImage, write_synthetic};
use std::{fs, path::Path};

const HEADER: &str = "Patient ID;Patient age;Laterality;View;Acquisition date;File Name;ACR;Bi-Rads";
const IMAGES: [(&str, &str); 3] = [
    ("22678622", "22678622_61b13c59bcba149e_MG_R_CC_ANON.dcm"),
    ("22678646", "22678646_61b13c59bcba149e_MG_L_ML_ANON.dcm"),
    ("22678670", "22678670_aaaaaaaaaaaaaaaa_MG_R_FB_ANON.dcm"),
];

/// A release of three images with the quirks of the real one.
fn release(dir: &Path) {
    for folder in ["AllDICOMs", "AllXML"] {
        fs::create_dir_all(dir.join(folder)).unwrap();
    }
    let blank = " ".repeat(193);
    let csv = format!(
        "{HEADER}\r\nremoved;removed;R;CC;201001;22678622;4;1\r\nremoved;removed;L;MLO;201001;22678646;{blank};4a\r\n\
         removed;removed;R;FB;201001;22678670;2;2\r\nremoved;removed;R;CC;201001;99999999;2;2\r\n"
    );
    fs::write(dir.join("INbreast.csv"), csv).unwrap();
    for (id, name) in IMAGES {
        let pixels: Vec<u16> = (0..64 * 80).map(|i| if i % 64 < 30 { 1000 } else { 0 }).collect();
        let image = SyntheticImage {
            pixels: &pixels,
            width: 64,
            height: 80,
            bits_stored: 14,
            laterality: Laterality::Left,
            view: None,
            patient_id: "p",
            series_description: "test",
            derivation: "test",
            uid_seed: id,
            spacing_mm: None,
        };
        write_synthetic(&dir.join("AllDICOMs").join(name), &image).unwrap();
    }
    for clutter in ["._22678622_61b13c59bcba149e_MG_R_CC_ANON.dcm", "desktop.ini", "show.m"] {
        fs::write(dir.join("AllDICOMs").join(clutter), "clutter").unwrap();
    }
}

fn xml(rois: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE plist PUBLIC \"-//Apple Computer//DTD PLIST 1.0//EN\" \
         \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n<plist version=\"1.0\"><dict><key>Images</key><array><dict>\
         <key>ImageIndex</key><integer>0</integer><key>ROIs</key><array>{rois}</array></dict></array></dict></plist>"
    )
}

fn roi(name: &str, points: &[&str]) -> String {
    let points: String = points.iter().flat_map(|p| ["<string>", p, "</string>"]).collect();
    format!(
        "<dict><key>Name</key><string>{name}</string><key>NumberOfPoints</key><integer>3</integer>\
         <key>Point_px</key><array>{points}</array></dict>"
    )
}

fn read(dir: &Path) -> Result<Release, DatasetError> {
    read_release(&Source::Inbreast(dir.to_owned()))
}

fn message(dir: &Path) -> String {
    read(dir).unwrap_err().to_string()
}

fn record<'a>(release: &'a Release, id: &str) -> &'a ImageRecord {
    release.records.iter().find(|r| r.image_id.as_str() == id).unwrap()
}

#[test]
fn labels_sides_views_and_patients_are_read() {
    let dir = tempfile::tempdir().unwrap();
    release(&dir.path().join("INbreast Release 1.0"));
    let release = read(dir.path()).unwrap();
    assert_eq!(release.records.len(), 3);
    let first = record(&release, "22678622");
    assert_eq!(first.assessment.birads, Some(BiRads::Negative));
    assert_eq!(first.density, AcrDensity::new(4).ok());
    assert_eq!((first.laterality, first.view), (Laterality::Right, Some(ViewPosition::Cc)));
    assert_eq!(first.assessment.mass_flag, None, "the csv has no column for masses");
    assert!(first.synthetic, "the header says so");
    let second = record(&release, "22678646");
    assert_eq!(second.patient_id, first.patient_id);
    assert_eq!(second.view, Some(ViewPosition::Mlo));
    assert_eq!(second.density, None, "the blank cell");
    assert_eq!(second.assessment.findings, Some([].into()), "no XML means that nothing is outlined");
    assert_eq!(record(&release, "22678670").view, Some(ViewPosition::Fb));
    let notes: Vec<&str> = release.notes.iter().map(|n| n.text.as_str()).collect();
    assert!(notes.iter().any(|n| n.contains("image 99999999 has no file")), "{notes:?}");
    assert!(notes.iter().any(|n| n.contains("blank")), "{notes:?}");
}

#[test]
fn outlines_with_typos_single_points_and_points_outside_are_read() {
    let dir = tempfile::tempdir().unwrap();
    release(dir.path());
    let rois = roi("Espiculated Region", &["(-5.5, 2)", "(10, 2)", "(10, 900.25)"])
        + &roi("Unnamed", &["(3.5, 4.5)"])
        + &roi("Mass", &[]);
    fs::write(dir.path().join("AllXML/22678646.xml"), xml(&rois)).unwrap();
    let release = read(dir.path()).unwrap();
    let record = record(&release, "22678646");
    let findings: Vec<Finding> = record.rois.iter().map(|r| r.finding).collect();
    assert_eq!(findings, [Finding::SpiculatedRegion, Finding::Calcification]);
    assert_eq!(record.rois[0].shape.bounds(), (0.0, 2.0, 10.0, 80.0));
    assert!(matches!(record.rois[1].shape, Shape::Circle { radius: 5.0, .. }));
    let notes: Vec<&str> = release.notes.iter().map(|n| n.text.as_str()).collect();
    assert!(notes.iter().any(|n| n.contains("2 points lie outside")), "{notes:?}");
    assert!(notes.iter().any(|n| n.contains("declares another number")), "{notes:?}");
}

#[test]
fn the_mass_column_of_spreadsheet_exports_is_read() {
    let dir = tempfile::tempdir().unwrap();
    release(dir.path());
    let csv = "Laterality;View;File Name;ACR;Bi-Rads;Mass ;Micros\nR;CC;22678622.0;4.0;5.0;X;\nL;MLO;22678646;1;2;;X\n;;;;;;\n";
    fs::write(dir.path().join("INbreast.csv"), csv).unwrap();
    let release = read(dir.path()).unwrap();
    assert_eq!(record(&release, "22678622").assessment.mass_flag, Some(true));
    assert_eq!(record(&release, "22678622").assessment.birads, Some(BiRads::HighlySuggestive));
    assert_eq!(record(&release, "22678646").assessment.mass_flag, Some(false));
    assert!(release.notes.iter().any(|n| n.text.contains("has no row")));
}

#[test]
fn bad_releases_give_errors_that_name_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    assert!(message(&root.join("nowhere")).contains("nowhere: missing"));
    assert!(message(root).contains("AllDICOMs: missing"));

    release(root);
    fs::write(root.join("AllXML/22678646.xml"), "<plist><dict>").unwrap();
    assert!(message(root).contains("22678646.xml: unreadable regions of interest"));
    fs::write(root.join("AllXML/22678646.xml"), xml(&roi("Mass", &["(a, 2)"]))).unwrap();
    assert!(message(root).contains("22678646.xml"), "{}", message(root));
    fs::remove_file(root.join("AllXML/22678646.xml")).unwrap();

    fs::write(root.join("AllDICOMs").join(IMAGES[0].1), "text").unwrap();
    assert!(message(root).contains("22678622_61b13c59bcba149e_MG_R_CC_ANON.dcm: not a DICOM file"));

    fs::write(root.join("INbreast.csv"), format!("{HEADER}\r\nx;x;R;CC;201001;22678622;4;9\r\n")).unwrap();
    let text = message(root);
    assert!(
        text.contains("INbreast.csv: line 2") && text.contains("\"9\" is not a BI-RADS category"),
        "{text}"
    );

    fs::write(root.join("INbreast.csv"), "Laterality;View;File Name;ACR\r\n").unwrap();
    let text = message(root);
    assert!(text.contains("INbreast.csv: column \"bi-rads\" is missing"), "{text}");

    fs::write(root.join("INbreast.csv"), format!("{HEADER}\r\nx;x;R;CC;201001;1;4;1\r\n")).unwrap();
    assert!(message(root).contains("no usable image"));
    fs::remove_file(root.join("INbreast.csv")).unwrap();
    assert!(message(root).contains("INbreast.csv: missing"));
}
