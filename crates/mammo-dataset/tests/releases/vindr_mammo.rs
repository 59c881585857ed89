use crate::fixtures::{Said, mammogram, notes, record, write};
use mammo_core::{BiRads, Finding, Label, LabelRule};
use mammo_dataset::{NoteKind, Source, scan_release};
use std::path::Path;

fn release(root: &Path) {
    let table = "study_id,series_id,image_id,laterality,view_position,height,width,breast_birads,breast_density,split\n\
                 s1,x,i1,L,CC,80,64,BI-RADS 4,DENSITY C,training\ns1,x,i2,R,MLO,80,64,BI-RADS 1,DENSITY A,test\n\
                 s2,x,i3,R,CC,81,64,BI-RADS 2,DENSITY D,training\n../s3,x,i4,R,CC,80,64,BI-RADS 2,DENSITY D,training\n";
    write(&root.join("breast-level_annotations.csv"), table);
    let findings = "image_id,study_id,series_id,laterality,view_position,height,width,breast_birads,breast_density,\
                    finding_categories,finding_birads,xmin,ymin,xmax,ymax,split\n\
                    i1,s1,x,L,CC,80,64,BI-RADS 4,DENSITY C,\"['Mass', 'Skin Thickening']\",BI-RADS 4,10.5,20,30,99,training\n\
                    i2,s1,x,R,MLO,80,64,BI-RADS 1,DENSITY A,['No Finding'],,,,,,test\n";
    write(&root.join("finding_annotations.csv"), findings);
    for (study, image, right) in [("s1", "i1", false), ("s1", "i2", true), ("s2", "i3", true)] {
        let side = if right { "R" } else { "L" };
        let said = Said { laterality: Some(side), ..Said::default() };
        mammogram(&root.join(format!("images/{study}/{image}.dicom")), right, 1, &said);
    }
}

#[test]
fn words_lists_and_boxes_are_read() {
    let dir = tempfile::tempdir().unwrap();
    release(dir.path());
    let scan = scan_release(&Source::VindrMammo(dir.path().to_owned())).unwrap();
    let first = record(&scan, "i1");
    assert_eq!(first.assessment.birads, Some(BiRads::SuspiciousLow));
    assert_eq!(first.density.unwrap().class(), 3);
    assert_eq!(first.patient_id.as_str(), "s1");
    assert_eq!(first.assessment.findings, Some([Finding::Mass, Finding::Other].into()));
    assert_eq!(first.rois[0].shape.bounds(), (10.5, 20.0, 30.0, 80.0), "cut at the border");
    let second = record(&scan, "i2");
    assert_eq!(LabelRule::Abnormal.apply(&second.assessment), Some(Label::Healthy));
    assert_eq!(LabelRule::MassRoi.apply(&second.assessment), Some(Label::Healthy));
    assert_eq!(notes(&scan, NoteKind::Disagreement), 1, "another height than the table gives");
    let [problem] = scan.problems.as_slice() else { panic!("{:?}", scan.problems) };
    assert!(problem.error.to_string().contains("study_id is no name of a folder"), "{}", problem.error);
}
