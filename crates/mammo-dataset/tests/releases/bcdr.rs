use crate::fixtures::{notes, record, tiff, write};
use mammo_core::{Finding, Label, LabelRule, Laterality, ViewPosition};
use mammo_dataset::{Dataset, Medium, NoteKind, Source, scan_release};
use std::fmt::Write as _;
use std::path::Path;

const OUTLINES: &str = "patient_id,study_id,series,lesion_id,segmentation_id,image_view,image_filename,lw_x_points,\
    lw_y_points,mammography_type,mammography_nodule,mammography_calcification,mammography_microcalcification,\
    mammography_axillary_adenopathy,mammography_architectural_distortion,mammography_stroma_distortion,age,density,\
    classification\n";

/// A pack with a malignant, a benign and no lesion, in the release's spelling: blanks before values, `NaN`, two
/// segmentations of one lesion, a mask beside the image, an image of another type.
pub(crate) fn pack(root: &Path, folder: &str, word: &str, bits: u8) {
    let pack = root.join(folder);
    let images = [("1", "LCC"), ("2", "RO"), ("3", "LO")];
    let mut img = String::from(
        "patient_id, study_id, series, image_filename, image_type_name, image_type_id, age, density\n",
    );
    for (patient, view) in images {
        let file = format!("patient_{patient}/study_1/img_{patient}_1_1_{view}.tif");
        let id = ["RCC", "LCC", "RO", "LO"].iter().position(|v| *v == view).unwrap();
        let density = if patient == "1" { "2" } else { "NaN" };
        writeln!(img, "{patient}, 1, 1, {file}, {view}, {id}, 51, {density}").unwrap();
        tiff(&pack.join(file), view.starts_with('R'), patient.parse().unwrap(), bits);
    }
    img += "3, 1, 2, patient_3/study_1/img_3_1_2_PL.tif, PL, 5, 51, 1\n";
    write(&pack.join(format!("bcdr_{word}_img.csv")), img);
    tiff(&pack.join("patient_1/study_1/img_1_1_1_LCC_mask_id_1.tif"), false, 9, bits);
    let mut outlines = OUTLINES.to_owned();
    for segmentation in ["1", "2"] {
        writeln!(outlines, "1, 1, 1, 1, {segmentation}, 2, patient_1/study_1/img_1_1_1_LCC.tif, 10 20 20 900, 10 10 30 30, 1, 1, 0, 0, 0, 0, 0, 51, 2, Malign").unwrap();
    }
    outlines += "2, 1, 1, , 3, 3, patient_2/study_1/img_2_1_1_RO.tif, 40 50 50, 10 10 30, 1, 0, 0, 1, 0, 0, 0, 51, NaN, Benign \n";
    outlines += "9, 1, 1, 4, 4, 3, patient_9/study_1/img_9_1_1_RO.tif, 40 50 50, 10 10 30, 1, 0, 0, 1, 0, 0, 0, 51, NaN, Benign\n";
    write(&pack.join(format!("bcdr_{word}_outlines.csv")), outlines);
}

#[test]
fn packs_of_films_and_digital_images_are_read_with_their_quirks() {
    let dir = tempfile::tempdir().unwrap();
    pack(dir.path(), "BCDR-D01_dataset", "d01", 16);
    pack(dir.path(), "BCDR-F03_dataset/BCDR-F03", "f03", 8);
    let scan = scan_release(&Source::Bcdr(dir.path().to_owned())).unwrap();
    assert!(scan.problems.is_empty(), "{:?}", scan.problems);
    assert_eq!(scan.release.records.len(), 6);
    assert_eq!(notes(&scan, NoteKind::Quirk), 2, "the image of another type, in both packs");
    assert_eq!(notes(&scan, NoteKind::Disagreement), 2, "the outline of an image that is not listed");
    assert_eq!(notes(&scan, NoteKind::PointsOutside), 2);
    assert_eq!(notes(&scan, NoteKind::BlankDensity), 4);
    let of = |dataset| scan.release.records.iter().filter(move |r| r.dataset == dataset).collect::<Vec<_>>();
    for (dataset, medium) in [(Dataset::BcdrD01, Medium::Digital), (Dataset::BcdrF03, Medium::Film)] {
        let [malign, benign, none] = of(dataset)[..] else { panic!() };
        assert_eq!(malign.medium, medium);
        assert_eq!((malign.laterality, malign.view), (Laterality::Left, Some(ViewPosition::Cc)));
        assert_eq!((benign.laterality, benign.view), (Laterality::Right, Some(ViewPosition::Mlo)));
        assert_eq!(malign.rois.len(), 2, "two segmentations");
        assert_eq!(malign.rois[0].finding, Finding::Mass);
        assert_eq!(malign.rois[0].shape.bounds(), (10.5, 10.5, 64.0, 30.5));
        let labels = |rule: LabelRule| {
            [malign, benign, none].map(|r| rule.apply(&r.assessment) == Some(Label::Cancer))
        };
        assert_eq!(labels(LabelRule::BcdrAnyOutline), [true, true, false]);
        assert_eq!(labels(LabelRule::BcdrMalign), [true, false, false]);
        assert_eq!(labels(LabelRule::MassRoi), [true, false, false]);
        assert_eq!(LabelRule::BiradsGe3.apply(&malign.assessment), None);
    }
}

#[test]
fn one_pack_may_be_given_and_normal_ones_have_no_outlines() {
    let dir = tempfile::tempdir().unwrap();
    pack(dir.path(), "BCDR-DN01_dataset", "dn01", 16);
    std::fs::remove_file(dir.path().join("BCDR-DN01_dataset/bcdr_dn01_outlines.csv")).unwrap();
    let scan = scan_release(&Source::Bcdr(dir.path().join("BCDR-DN01_dataset"))).unwrap();
    let record = record(&scan, "img_1_1_1_LCC");
    assert_eq!(LabelRule::BcdrAnyOutline.apply(&record.assessment), Some(Label::Healthy));
    let empty = tempfile::tempdir().unwrap();
    let error = scan_release(&Source::Bcdr(empty.path().to_owned())).unwrap_err().to_string();
    assert!(error.contains("bcdr_d01_img.csv"), "{error}");
}

#[test]
fn a_missing_image_is_named_and_a_path_that_climbs_out_is_not_followed() {
    let dir = tempfile::tempdir().unwrap();
    pack(dir.path(), "BCDR-D02_dataset", "d02", 16);
    let pack = dir.path().join("BCDR-D02_dataset");
    std::fs::remove_file(pack.join("patient_2/study_1/img_2_1_1_RO.tif")).unwrap();
    let table = std::fs::read_to_string(pack.join("bcdr_d02_img.csv")).unwrap();
    write(&dir.path().join("outside.tif"), "x");
    write(&pack.join("bcdr_d02_img.csv"), table + "7, 1, 1, ../outside.tif, LCC, 1, 51, 1\n");
    let scan = scan_release(&Source::Bcdr(dir.path().to_owned())).unwrap();
    let [problem] = scan.problems.as_slice() else { panic!("{:?}", scan.problems) };
    assert!(problem.error.to_string().contains("img_2_1_1_RO.tif: the file is missing"), "{}", problem.error);
    assert!(scan.release.notes.iter().any(|n| n.text.contains("leads out of the pack")));
}
