use crate::{bcdr, fixtures};
use mammo_core::LabelRule;
use mammo_dataset::{Digests, Source, ViewFilter, audit::audit};

#[test]
fn counts_pixels_rules_and_the_comparison_are_reported() {
    let dir = tempfile::tempdir().unwrap();
    fixtures::inbreast(dir.path(), 6);
    let report = audit(&Source::Inbreast(dir.path().to_owned()), &Digests::default(), &|_, _| {}).unwrap();
    assert_eq!(
        (report.images_readable, report.images_unusable, report.patients, report.synthetic),
        (24, 0, 6, 0)
    );
    assert_eq!(report.counts["view"]["MLO"], 12);
    assert_eq!(report.counts["birads"]["5"], 4);
    assert_eq!(report.pixels["matrix (width x height)"]["64 x 80"], 24);
    assert_eq!(report.pixels["bits stored / allocated"]["14 / 16 unsigned"], 24);
    assert_eq!(report.pixels["transfer syntax"]["Explicit VR Little Endian"], 24);
    let rule =
        report.rules.iter().find(|r| r.rule == LabelRule::BiradsGe3 && r.views == ViewFilter::Cc).unwrap();
    assert_eq!((rule.healthy, rule.cancer, rule.no_label), (10, 2, 0));
    let pair = report
        .rules_disagree
        .iter()
        .find(|r| r.first == LabelRule::BiradsGe3 && r.second == LabelRule::MassRoi);
    assert_eq!(pair.map(|p| (p.images, p.differ)), Some((24, 4)));
    let images = report.expected.iter().find(|d| d.what == "images").unwrap();
    assert_eq!((images.expected, images.found), (410, 24));
    assert!(!report.is_clean(), "24 of 410 images are no complete copy");
    let json = serde_json::to_string(&report).unwrap();
    assert!(!json.contains("SECRET"));
    assert_eq!(serde_json::from_str::<mammo_dataset::audit::AuditReport>(&json).unwrap(), report);
}

#[test]
fn packs_of_bcdr_are_audited_side_by_side() {
    let dir = tempfile::tempdir().unwrap();
    bcdr::pack(dir.path(), "BCDR-D01_dataset", "d01", 16);
    bcdr::pack(dir.path(), "BCDR-F01_dataset", "f01", 8);
    let report = audit(&Source::Bcdr(dir.path().to_owned()), &Digests::default(), &|_, _| {}).unwrap();
    assert_eq!((report.counts["dataset"]["bcdr-d01"], report.counts["dataset"]["bcdr-f01"]), (3, 3));
    assert_eq!(report.pixels["picture format"]["tif"], 6);
    let any = report
        .rules
        .iter()
        .find(|r| r.rule == LabelRule::BcdrAnyOutline && r.views == ViewFilter::All)
        .unwrap();
    assert_eq!((any.healthy, any.cancer), (2, 4));
}
