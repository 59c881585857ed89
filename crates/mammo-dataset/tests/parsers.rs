//! No parser panics: not on noise, and not on real files with some bytes changed, cut off or doubled.

use mammo_dataset::parse;
use proptest::prelude::*;

const XLS: &[u8] = include_bytes!("releases/data/inbreast.xls");
const CSV: &[u8] = b"Patient ID;Patient age;Laterality;View;Acquisition date;File Name;ACR;Bi-Rads\r\n\
    removed;removed;R;CC;201001;22678622;4;1\r\nremoved;removed;L;MLO;201001;22678646;   ;4a\r\n";
const XML: &[u8] = br#"<?xml version="1.0" encoding="UTF-8"?><plist version="1.0"><dict><key>Images</key><array><dict>
    <key>ROIs</key><array><dict><key>Name</key><string>Mass</string><key>NumberOfPoints</key><integer>3</integer>
    <key>Point_px</key><array><string>(1.5, 2)</string><string>(9, 2)</string><string>(9, -9e9)</string></array>
    </dict></array></dict></array></dict></plist>"#;
const IMAGES: &[u8] =
    b"patient_id, study_id, series, image_filename, image_type_name, image_type_id, age, density\n\
    1, 1, 1, patient_1/study_1/img_1_1_1_LCC.tif, LCC, 1, 51, NaN\n";
const OUTLINES: &[u8] =
    b"patient_id,image_view,image_filename,lw_x_points,lw_y_points,mammography_nodule,classification\n\
    1, 2, patient_1/study_1/img_1_1_1_LCC.tif, 10 20 20, 10 10 30, 1, Malign\n";
const INFO: &[u8] = b"mdb001 G CIRC B 535 425 197\nmdb002 G NORM\nmdb059 F CIRC B\n";
const LINES: &[u8] = br#"{"path":"a.png","patient_id":1,"laterality":"L","rois":[{"name":"m","type":"circle","center":[1,2],"radius":3}]}
"#;
const TABLE: &[u8] = b"path,patient_id,laterality,birads,density,rois\na.png,1,L,4a,B,\n";
const CASES: &[u8] = b"patient_id,breast_density,left or right breast,image view,abnormality type,assessment,pathology,image file path\n\
    P_1,3,LEFT,CC,mass,4,BENIGN,\"a/1.2/3.4/000000.dcm\n\"\n";
const BREASTS: &[u8] =
    b"study_id,image_id,laterality,view_position,height,width,breast_birads,breast_density\n\
    s,i,L,CC,9,9,BI-RADS 4,DENSITY C\n";
const FOUND: &[u8] =
    b"image_id,finding_categories,xmin,ymin,xmax,ymax\ni,\"['Mass', 'No Finding']\",1,2,3,4\n";
const PGM: &[u8] = b"P5 3 2 255\nabcdef";

type Parser = fn(&[u8]);

/// Every parser, with something that it reads.
const PARSERS: [(&[u8], Parser); 12] = [
    (XLS, |b| drop(parse::inbreast_xls(b))),
    (XLS, |b| drop(parse::cmmd_xlsx(b))),
    (CSV, |b| drop(parse::inbreast_csv(b))),
    (XML, |b| drop(parse::inbreast_outlines(b, 64, 80))),
    (IMAGES, |b| drop(parse::bcdr_images_csv(b))),
    (OUTLINES, |b| drop(parse::bcdr_outlines_csv(b))),
    (INFO, |b| assert!(parse::mini_mias_info(b) <= b.len())),
    (LINES, |b| drop(parse::manifest_jsonl(b))),
    (TABLE, |b| drop(parse::manifest_csv(b))),
    (CASES, |b| drop(parse::cbis_ddsm_csv(b))),
    (BREASTS, |b| drop(parse::vindr_images_csv(b))),
    (PGM, |b| drop(parse::picture(b))),
];

#[test]
fn what_is_right_is_read() {
    assert_eq!(parse::inbreast_xls(XLS).unwrap(), 5);
    assert_eq!(parse::inbreast_csv(CSV).unwrap(), 2);
    let (rois, notes) = parse::inbreast_outlines(XML, 64, 80).unwrap();
    assert_eq!((rois.len(), notes.len()), (1, 1));
    assert_eq!(parse::bcdr_images_csv(IMAGES).unwrap(), 1);
    assert_eq!(parse::bcdr_outlines_csv(OUTLINES).unwrap(), 1);
    assert_eq!(parse::mini_mias_info(INFO), 3);
    assert_eq!(parse::manifest_jsonl(LINES).unwrap(), 1);
    assert_eq!(parse::manifest_csv(TABLE).unwrap(), 1);
    assert_eq!(parse::cbis_ddsm_csv(CASES).unwrap(), 1);
    assert_eq!(parse::vindr_images_csv(BREASTS).unwrap(), 1);
    assert_eq!(parse::vindr_findings_csv(FOUND).unwrap(), 1);
    assert_eq!(parse::picture(PGM).unwrap().data()[5], f32::from(b'f'));
}

#[test]
fn lists_within_lists_do_not_exhaust_the_stack() {
    let deep = format!("<plist version=\"1.0\">{}", "<array>".repeat(1_000_000));
    assert!(parse::inbreast_outlines(deep.as_bytes(), 64, 80).unwrap_err().to_string().contains("levels"));
    let deep = format!("{{\"path\":{}", "[".repeat(1_000_000));
    assert_eq!(parse::manifest_jsonl(deep.as_bytes()).unwrap(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn changed_files_make_no_parser_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        cut in any::<prop::sample::Index>(), doubled: bool,
    ) {
        for (bytes, parser) in PARSERS {
            let mut bytes = bytes.to_vec();
            for (at, value) in &changes {
                let at = at.index(bytes.len());
                bytes[at] = *value;
            }
            if doubled {
                bytes.extend_from_within(cut.index(bytes.len())..);
            } else {
                bytes.truncate(cut.index(bytes.len()) + 1);
            }
            parser(&bytes);
        }
    }

    #[test]
    fn noise_makes_no_parser_panic(noise in prop::collection::vec(any::<u8>(), 0..200)) {
        for (_, parser) in PARSERS {
            parser(&noise);
        }
    }
}
