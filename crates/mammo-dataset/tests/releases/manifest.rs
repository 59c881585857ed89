use crate::fixtures::{Said, mammogram, notes, record, tiff, write};
use mammo_core::{BiRads, Finding, Label, LabelRule, ViewPosition};
use mammo_dataset::{Medium, NoteKind, Source, scan_release};
use std::path::Path;

fn scan(path: &Path) -> mammo_dataset::Scan {
    scan_release(&Source::Manifest(path.to_owned())).unwrap()
}

fn images(root: &Path) {
    mammogram(
        &root.join("a/1.dcm"),
        false,
        1,
        &Said { laterality: Some("L"), view: Some("CC"), ..Said::default() },
    );
    tiff(&root.join("a/2.tif"), true, 2, 16);
}

#[test]
fn both_forms_say_the_same() {
    let dir = tempfile::tempdir().unwrap();
    images(dir.path());
    let rois = r#"[{"name":"mass","type":"box","bounds":[1,2,30,99]},{"name":"calcification","type":"point","center":[5,6]}]"#;
    let csv = format!(
        "path,patient_id,laterality,view,birads,density,mass,pathology,medium,rois,excluded_reason\n\
         a/1.dcm,MRN-1234,L,CC,4b,C,x,malignant,digital,\"{}\",\n\
         a\\2.tif,MRN-1234,R,XCCL,2,,,normal,film,,\n\
         a/3.tif,MRN-9,R,CC,2,,,normal,film,,implant\n",
        rois.replace('"', "\"\"")
    );
    write(&dir.path().join("manifest.csv"), csv);
    let jsonl = format!(
        "{{\"rel_path\":\"a/1.dcm\",\"patient_id\":\"MRN-1234\",\"laterality\":\"L\",\"view\":\"CC\",\"birads_raw\":\"4b\",\
         \"density_raw\":3,\"mass\":true,\"pathology\":\"malignant\",\"rois\":{rois}}}\n\n\
         {{\"path\":\"a/2.tif\",\"patient_id\":\"MRN-1234\",\"laterality\":\"R\",\"view\":\"XCCL\",\"birads\":2,\"density\":null,\
         \"pathology\":\"normal\",\"medium\":\"film\"}}\n\
         {{\"path\":\"a/3.tif\",\"patient_id\":\"MRN-9\",\"laterality\":\"R\",\"excluded_reason\":\"implant\"}}\n"
    );
    write(&dir.path().join("list.jsonl"), jsonl);
    let (by_csv, by_lines) = (scan(dir.path()), scan(&dir.path().join("list.jsonl")));
    assert!(by_csv.problems.is_empty(), "{:?}", by_csv.problems);
    assert_eq!(by_csv.release.records, by_lines.release.records);
    let (first, second) = (record(&by_csv, "1"), record(&by_csv, "2"));
    assert_eq!(first.patient_id, second.patient_id);
    assert!(!format!("{by_csv:?}").contains("MRN"), "a number of the hospital goes no further");
    assert_eq!((first.view, second.view), (Some(ViewPosition::Cc), None));
    assert_eq!(first.assessment.birads, Some(BiRads::SuspiciousModerate));
    assert_eq!((first.medium, second.medium), (Medium::Digital, Medium::Film));
    assert_eq!(first.rois[0].shape.bounds(), (1.0, 2.0, 30.0, 80.0));
    assert_eq!(first.assessment.findings, Some([Finding::Mass, Finding::Calcification].into()));
    assert_eq!(LabelRule::MassFlag.apply(&first.assessment), Some(Label::Cancer));
    assert_eq!(LabelRule::Malignant.apply(&second.assessment), Some(Label::Healthy));
    assert_eq!((notes(&by_csv, NoteKind::PointsOutside), notes(&by_csv, NoteKind::Quirk)), (1, 1));
}

#[test]
fn rows_that_lead_out_or_say_nothing_are_problems_and_the_others_stay() {
    let dir = tempfile::tempdir().unwrap();
    images(dir.path());
    write(
        &dir.path().join("manifest.csv"),
        "path,patient_id,laterality,birads,density\n../a/1.dcm,p,L,,\n/etc/passwd,p,L,,\na/1.dcm,p,L,2,\na/2.tif,p,UP,,\n\
         a/2.tif,,L,,\na/2.tif,p,L,9,\na/2.tif,p,L,2,7\na/none.tif,p,L,2,1\na/1.dcm,p,L,2,\n",
    );
    let scan = scan(dir.path());
    assert_eq!(scan.release.records.len(), 1);
    let lines: Vec<String> = scan.problems.iter().map(|p| p.error.to_string()).collect();
    for part in [
        "line 2: the path leads out",
        "line 3: the path leads out",
        "\"UP\"",
        "no patient_id",
        "\"9\"",
        "\"7\"",
        "none.tif: the file is missing",
    ] {
        assert!(lines.iter().any(|line| line.contains(part)), "{part}: {lines:?}");
    }
    assert_eq!((lines.len(), notes(&scan, NoteKind::DuplicateImage)), (7, 1));
}

#[cfg(unix)]
#[test]
fn links_that_lead_out_are_problems() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    images(other.path());
    images(dir.path());
    std::os::unix::fs::symlink(other.path().join("a/1.dcm"), dir.path().join("x.dcm")).unwrap();
    write(&dir.path().join("manifest.csv"), "path,patient_id,laterality\na/1.dcm,p,L\nx.dcm,p,L\n");
    let scan = scan(dir.path());
    let [problem] = scan.problems.as_slice() else { panic!("{:?}", scan.problems) };
    assert!(problem.error.to_string().contains("x.dcm: leads out of the folder"), "{}", problem.error);
}
