use super::*;
use crate::Release;
use crate::{Source, read_release};
use mammo_core::LabelRule;

const INFO: &str = "The list is arranged in pairs of films\n\nmdb001 G CIRC B 535 425 197\nmdb002 G NORM\n\
    mdb005 F CIRC B 477 133 30\nmdb005 F SPIC M 500 168 26\nmdb059 F CIRC B\n\
    mdb216 D CALC M *NOTE 3*\nmdb300 D NORM\n";

fn folder(info: &str, images: &[&str]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("Info.txt"), info).unwrap();
    for id in images {
        let mut pgm = b"P5\n1024 1024\n255\n".to_vec();
        pgm.resize(pgm.len() + 1024 * 1024, 0);
        std::fs::write(dir.path().join(format!("{id}.pgm")), pgm).unwrap();
    }
    dir
}

fn read(dir: &Path) -> Result<Release, DatasetError> {
    read_release(&Source::MiniMias(dir.to_owned()))
}

#[test]
fn rows_pairs_and_positions_from_the_bottom_are_read() {
    let dir = folder(INFO, &["mdb001", "mdb002", "mdb005", "mdb059", "mdb216", "mdb999"]);
    let release = read(dir.path()).unwrap();
    let ids: Vec<&str> = release.records.iter().map(|r| r.image_id.as_str()).collect();
    assert_eq!(ids, ["mdb001", "mdb002", "mdb005", "mdb059", "mdb216"]);
    let [first, second, fifth, located_nowhere, everywhere] = &release.records[..] else { unreachable!() };
    assert_eq!(first.patient_id, second.patient_id);
    assert_eq!((first.laterality, second.laterality), (Laterality::Right, Laterality::Left));
    let center = Point { x: 535.5, y: 598.5 };
    assert_eq!(first.rois[0].shape, Shape::Circle { center, radius: 197.0 });
    assert_eq!(second.assessment.abnormal, Some(false));
    let findings: Vec<Finding> = fifth.rois.iter().map(|r| r.finding).collect();
    assert_eq!(findings, [Finding::Mass, Finding::Mass, Finding::SpiculatedRegion]);
    assert_eq!(fifth.assessment.malignant, Some(true));
    assert_eq!(LabelRule::MassRoi.apply(&located_nowhere.assessment), Some(mammo_core::Label::Cancer));
    assert!(located_nowhere.rois.is_empty() && everywhere.rois.is_empty());
    let notes: Vec<&str> = release.notes.iter().map(|n| n.text.as_str()).collect();
    for part in
        ["mdb059: the CIRC has no position", "mdb216", "image mdb300 is not in the folder", "is not listed"]
    {
        assert!(notes.iter().any(|n| n.contains(part)), "{part}: {notes:?}");
    }
}

#[test]
fn bad_releases_give_errors_that_name_the_file() {
    let message = |dir: &Path| read(dir).unwrap_err().to_string();
    let dir = folder("mdb001 G LUMP B 1 2 3\n", &["mdb001"]);
    assert!(message(dir.path()).contains("Info.txt: line 1: \"LUMP\""), "{}", message(dir.path()));
    std::fs::write(dir.path().join("Info.txt"), "mdb007 G NORM\n").unwrap();
    assert!(message(dir.path()).contains("no usable image"));
    std::fs::write(dir.path().join("Info.txt"), "mdb001 G NORM\n").unwrap();
    std::fs::write(dir.path().join("mdb001.pgm"), "text").unwrap();
    assert!(message(dir.path()).contains("mdb001.pgm: unreadable picture"));
    std::fs::remove_file(dir.path().join("Info.txt")).unwrap();
    assert!(message(dir.path()).contains("Info.txt: missing"));
    assert!(message(&dir.path().join("x")).contains("mini-MIAS"));
}
