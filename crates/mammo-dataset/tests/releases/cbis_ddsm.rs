use crate::fixtures::{H, Said, W, dicom, mammogram, notes, record, write};
use mammo_core::{Finding, Label, LabelRule};
use mammo_dataset::{NoteKind, Source, scan_release};
use std::path::Path;

const STUDY: &str = "1.3.6.1.4.1.9590.100.1.2.422112722213189649807611434612228974994";
const SERIES: &str = "1.3.6.1.4.1.9590.100.1.2.342386194811267636608694132590482924515";

/// Two abnormalities of one image in one table, one image in another; folders as the downloader names them; the mask where
/// the table gives the crop.
fn release(root: &Path) {
    let path = |name: &str, file: &str| format!("{name}/{STUDY}/{SERIES}/{file}");
    let (first, second) = ("Mass-Training_P_00001_LEFT_CC", "Calc-Test_P_00002_RIGHT_MLO");
    let row = |number: u8, pathology: &str| {
        format!(
            "P_00001,3,LEFT,CC,{number},mass,IRREGULAR,SPICULATED,4,{pathology},4,{},{},\"{}\n\"\n",
            path(first, "000000.dcm"),
            path(&format!("{first}_{number}"), "000001.dcm"),
            path(&format!("{first}_{number}"), "000000.dcm"),
        )
    };
    let table = "patient_id,breast_density,left or right breast,image view,abnormality id,abnormality type,mass shape,\
                 mass margins,assessment,pathology,subtlety,image file path,cropped image file path,ROI mask file path\n";
    write(
        &root.join("mass_case_description_train_set.csv"),
        table.to_owned() + &row(1, "BENIGN") + &row(2, "MALIGNANT"),
    );
    let table = "patient_id,breast density,left or right breast,image view,abnormality id,abnormality type,calc type,\
                 calc distribution,assessment,pathology,subtlety,image file path,cropped image file path,ROI mask file path\n";
    write(
        &root.join("calc_case_description_test_set.csv"),
        format!(
            "{table}P_00002,1,RIGHT,MLO,1,calcification,PLEOMORPHIC,CLUSTERED,0,BENIGN_WITHOUT_CALLBACK,2,{},{},{}\n\
             P_00003,1,UP,MLO,1,calcification,X,Y,0,BENIGN,2,{},,\n",
            path(second, "000000.dcm"),
            path(&format!("{second}_1"), "000000.dcm"),
            path(&format!("{second}_1"), "000000.dcm"),
            path("Calc-Test_P_00003_RIGHT_MLO", "000000.dcm"),
        ),
    );
    let on_disk = |name: &str, file: &str| {
        root.join("CBIS-DDSM").join(name).join("07-20-2016-DDSM-74994").join("1.000000-full-24515").join(file)
    };
    mammogram(&on_disk(first, "1-1.dcm"), false, 1, &Said::default());
    mammogram(&on_disk(second, "1-1.dcm"), true, 2, &Said::default());
    for number in 1..=2usize {
        let mask: Vec<u16> = (0..W * H)
            .map(|i| u16::from((10..20).contains(&(i % W)) && (30..50 * number).contains(&(i / W))))
            .collect();
        write(&on_disk(&format!("{first}_{number}"), "1-1.dcm"), dicom(8, 8, &[1; 64], &Said::default()));
        write(&on_disk(&format!("{first}_{number}"), "1-2.dcm"), dicom(W, H, &mask, &Said::default()));
    }
}

#[test]
fn rows_are_joined_by_image_and_masks_found_by_their_size() {
    let dir = tempfile::tempdir().unwrap();
    release(dir.path());
    let scan = scan_release(&Source::CbisDdsm(dir.path().to_owned())).unwrap();
    assert_eq!(scan.release.records.len(), 2, "{:?}", scan.problems);
    let mass = record(&scan, "Mass-Training_P_00001_LEFT_CC");
    assert_eq!(mass.patient_id.as_str(), "P_00001");
    assert_eq!(mass.density.unwrap().class(), 3);
    assert_eq!(LabelRule::Malignant.apply(&mass.assessment), Some(Label::Cancer), "any of its abnormalities");
    let boxes: Vec<_> = mass.rois.iter().map(|roi| roi.shape.bounds()).collect();
    assert_eq!(boxes, [(10.0, 30.0, 20.0, 50.0), (10.0, 30.0, 20.0, 80.0)]);
    let calc = record(&scan, "Calc-Test_P_00002_RIGHT_MLO");
    assert_eq!(calc.assessment.findings, Some([Finding::Cluster].into()));
    assert_eq!(LabelRule::BiradsGe3.apply(&calc.assessment), None, "assessment 0");
    assert_eq!(notes(&scan, NoteKind::NoPosition), 1, "the calcification has no mask here");
    assert_eq!(notes(&scan, NoteKind::MissingFile), 2, "two tables");
    let [problem] = scan.problems.as_slice() else { panic!("{:?}", scan.problems) };
    assert!(problem.error.to_string().contains("\"UP\" is not a laterality"), "{}", problem.error);
}
