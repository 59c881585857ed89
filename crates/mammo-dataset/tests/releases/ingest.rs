use crate::{bcdr, fixtures};
use mammo_core::{Label, LabelRule, Point, Seed};
use mammo_dataset::ingest::{
    IngestConfig, IngestError, Outcome, Part, Partition, PreparedRecord, SkippedRecord, ingest,
};
use mammo_dataset::{CohortPreset, Exclusions, Source, ViewFilter};
use mammo_dicom::Look;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
};

pub(crate) fn config(sources: Vec<Source>) -> IngestConfig {
    IngestConfig {
        sources,
        cohort: None,
        labels: LabelRule::BiradsGe3.into(),
        views: ViewFilter::All,
        datasets: None,
        exclusions_sha256: None,
        size: "64x48".parse().unwrap(),
        look: Look::Range,
        partition: Partition::TrainShare(0.7),
        seed: Seed(5),
        skip_bad: false,
        version: "test".into(),
    }
}

pub(crate) fn run(config: &IngestConfig, out: &Path) -> Result<Outcome, IngestError> {
    ingest(config, &Exclusions::default(), out, &|_, _| {}, &|| false)
}

/// Lines about prepared images, and about those left out.
pub(crate) fn manifest(out: &Path) -> (Vec<PreparedRecord>, Vec<SkippedRecord>) {
    let (mut prepared, mut skipped) = (Vec::new(), Vec::new());
    for line in fs::read_to_string(out.join("manifest.jsonl")).unwrap().lines() {
        match serde_json::from_str(line) {
            Ok(record) => prepared.push(record),
            Err(_) => skipped.push(serde_json::from_str(line).unwrap()),
        }
    }
    (prepared, skipped)
}

/// Every file below a folder with its bytes.
pub(crate) fn files(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    fn walk(root: &Path, folder: &Path, all: &mut BTreeMap<PathBuf, Vec<u8>>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(root, &path, all);
            } else {
                all.insert(path.strip_prefix(root).unwrap().to_owned(), fs::read(&path).unwrap());
            }
        }
    }
    let mut all = BTreeMap::new();
    walk(root, root, &mut all);
    all
}

fn release(people: usize) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("INbreast Release 1.0");
    fixtures::inbreast(&root, people);
    (dir, root)
}

#[test]
fn a_set_has_four_folders_a_record_an_image_and_nobody_in_both_parts() {
    let (dir, root) = release(9);
    let before = files(&root);
    let out = dir.path().join("set");
    let config = config(vec![Source::Inbreast(dir.path().to_owned())]);
    assert!(matches!(run(&config, &root.join("x")), Err(IngestError::Folder { .. })));
    assert!(!root.join("x").exists());
    let Outcome::Whole(summary) = run(&config, &out).unwrap() else { panic!() };
    assert_eq!((summary.cohort.cohort.images, summary.cohort.cohort.patients, summary.skipped), (36, 9, 0));
    assert_eq!((summary.cohort.cohort.cancer, summary.cohort.cohort.healthy), (6, 30));
    assert_eq!(files(&root), before, "the release is as it was");

    let (records, _) = manifest(&out);
    let all = files(&out);
    let pngs = all.keys().filter(|path| path.extension().is_some_and(|e| e == "png")).count();
    assert_eq!((records.len(), pngs, all.len()), (36, 36, 39), "and three files that describe them");
    let people = |part| -> BTreeSet<String> {
        records.iter().filter(|r| r.part == Some(part)).map(|r| r.patient_id.clone()).collect()
    };
    assert!(people(Part::Train).is_disjoint(&people(Part::Test)) && !people(Part::Test).is_empty());
    for record in &records {
        let folder = match (record.part.unwrap(), record.label) {
            (Part::Train, Label::Healthy) => "trainA",
            (Part::Train, Label::Cancer) => "trainB",
            (Part::Test, Label::Healthy) => "testA",
            (Part::Test, Label::Cancer) => "testB",
        };
        assert!(record.file.starts_with(folder));
        let bytes = &all[&record.file];
        assert_eq!(mammo_files::sha256(bytes), record.sha256);
        let source = fs::read(root.join(&record.source)).unwrap();
        assert_eq!(record.source_digest, format!("blake3:{}", blake3::hash(&source).to_hex()));
        let picture = image::load_from_memory(bytes).unwrap();
        assert_eq!((picture.width(), picture.height(), picture.color()), (48, 64, image::ColorType::L16));
        assert!(
            !record.synthetic && mammo_png::decode_mark(bytes).is_err(),
            "a patient's picture is not called made"
        );
        // The chest wall is on the left, whatever side it was.
        let x = if record.laterality == mammo_core::Laterality::Left { 0.5 } else { 63.5 };
        assert!(record.transform.fit.to_canvas(Point { x, y: 40.0 }).x < 1.0);
    }
    for (path, bytes) in &all {
        let text = String::from_utf8_lossy(bytes);
        assert!(!text.contains("SECRET") && !text.contains("1951"), "{}", path.display());
    }
}

#[test]
fn a_second_run_writes_the_same_bytes_and_a_whole_set_is_repaired() {
    let (dir, _) = release(6);
    let config = config(vec![Source::Inbreast(dir.path().join("INbreast Release 1.0"))]);
    let (first, second) = (dir.path().join("first"), dir.path().join("second"));
    run(&config, &first).unwrap();
    run(&config, &second).unwrap();
    let whole = files(&first);
    assert_eq!(whole, files(&second));
    let picture = whole.keys().find(|path| path.extension().is_some_and(|e| e == "png")).unwrap();
    fs::write(first.join(picture), "damaged").unwrap();
    run(&config, &first).unwrap();
    assert_eq!(whole, files(&first));
    let other = IngestConfig { seed: Seed(6), ..config };
    let message = run(&other, &first).unwrap_err().to_string();
    assert!(message.contains("other options"), "{message}");
    fs::create_dir(dir.path().join("full")).unwrap();
    fs::write(dir.path().join("full/a"), "x").unwrap();
    assert!(run(&other, &dir.path().join("full")).unwrap_err().to_string().contains("not empty"));
}

#[test]
fn an_interrupted_set_goes_on_and_ends_in_the_same_bytes() {
    let (dir, root) = release(6);
    let config = config(vec![Source::Inbreast(root.clone())]);
    let (whole, broken) = (dir.path().join("whole"), dir.path().join("broken"));
    run(&config, &whole).unwrap();
    let asked = AtomicUsize::new(0);
    let stop = || asked.fetch_add(1, Ordering::Relaxed) >= 7;
    let outcome = ingest(&config, &Exclusions::default(), &broken, &|_, _| {}, &stop).unwrap();
    let Outcome::Interrupted { done, total: 24 } = outcome else { panic!("{outcome:?}") };
    assert!((1..=8).contains(&done));
    assert!(!broken.join("provenance.json").exists(), "a set that is not whole does not look whole");
    // One of the finished pictures is lost, and one source is another file now.
    let lost = files(&broken).into_keys().find(|path| path.extension().is_some_and(|e| e == "png")).unwrap();
    fs::remove_file(broken.join(lost)).unwrap();
    fs::write(broken.join("trainA/.inbreast_1.png.77.tmp"), "half").unwrap();
    let Outcome::Whole(summary) = run(&config, &broken).unwrap() else { panic!() };
    assert_eq!(summary.resumed, done - 1);
    assert_eq!(files(&whole), files(&broken));
}

#[test]
fn folds_hold_everybody_out_once_in_folders_that_tools_expect() {
    let (dir, root) = release(9);
    let config = IngestConfig { partition: Partition::Folds(3), ..config(vec![Source::Inbreast(root)]) };
    let out = dir.path().join("folds");
    run(&config, &out).unwrap();
    let (records, _) = manifest(&out);
    let mut tested = BTreeSet::new();
    for fold in 1..=3 {
        let names = |word: &str| -> BTreeSet<PathBuf> {
            files(&out.join(format!("fold{fold}/{word}"))).into_keys().collect()
        };
        let (train, test): (BTreeSet<_>, BTreeSet<_>) =
            (&names("trainA") | &names("trainB"), &names("testA") | &names("testB"));
        assert_eq!(train.len() + test.len(), 36);
        assert!(train.is_disjoint(&test) && tested.is_disjoint(&test));
        let by_record = records.iter().filter(|r| r.fold == Some(fold));
        assert_eq!(
            by_record.map(|r| PathBuf::from(r.file.file_name().unwrap())).collect::<BTreeSet<_>>(),
            test
        );
        tested.extend(test);
    }
    assert_eq!(tested.len(), 36);
}

#[test]
fn a_preset_takes_its_data_sets_and_rules_from_several_sources() {
    let (dir, root) = release(6);
    bcdr::pack(&dir.path().join("bcdr"), "BCDR-D01_dataset", "d01", 16);
    bcdr::pack(&dir.path().join("bcdr"), "BCDR-F01_dataset", "f01", 8);
    let preset = CohortPreset::BeckerExp2;
    let config = IngestConfig {
        cohort: Some(preset),
        labels: preset.labelling(),
        views: preset.views(),
        datasets: Some(preset.datasets()),
        skip_bad: true,
        ..config(vec![Source::Inbreast(root), Source::Bcdr(dir.path().join("bcdr"))])
    };
    let out = dir.path().join("set");
    let Outcome::Whole(summary) = run(&config, &out).unwrap() else { panic!() };
    assert_eq!(summary.cohort.cohort.images, 24 + 3, "films are no part of it");
    assert_eq!(summary.cohort.excluded[&mammo_dataset::ExclusionReason::OtherDataset], 3);
    let (records, _) = manifest(&out);
    let cancer: BTreeSet<&str> =
        records.iter().filter(|r| r.label == Label::Cancer).map(|r| r.image_id.as_str()).collect();
    assert!(
        cancer.contains("img_1_1_1_LCC") && cancer.contains("20000000") && cancer.len() == 5,
        "{cancer:?}"
    );
    let provenance = fs::read_to_string(out.join("provenance.json")).unwrap();
    assert!(
        provenance.contains("Lopez MG")
            && provenance.contains("Moreira IC")
            && provenance.contains("becker-exp2")
    );
}

#[test]
fn a_window_is_shown_as_it_is_and_its_absence_names_the_file() {
    let (dir, root) = release(6);
    let mean = |look: &str| {
        let out = dir.path().join(look.replace(':', "-"));
        let config =
            IngestConfig { look: look.parse().unwrap(), ..config(vec![Source::Inbreast(root.clone())]) };
        run(&config, &out)?;
        let (records, _) = manifest(&out);
        let picture = image::open(out.join(&records[0].file)).unwrap().into_luma16();
        let inside: Vec<f64> =
            picture.pixels().map(|p| f64::from(p.0[0]) / 65535.0).filter(|v| *v > 0.0).collect();
        Ok::<_, IngestError>(inside.iter().sum::<f64>() / inside.len() as f64)
    };
    // Twice as wide a window about 0 shows half the brightness.
    let (narrow, wide) =
        (mean("own:0,30000,linear_exact").unwrap() - 0.5, mean("own:0,60000,linear_exact").unwrap() - 0.5);
    assert!((narrow / wide - 2.0).abs() < 0.01, "{narrow} {wide}");
    let message = mean("window:7").unwrap_err().to_string();
    assert!(message.contains(".dcm: has no window:7") && message.contains("--look range"), "{message}");
}

#[test]
fn images_on_a_list_are_left_out_with_their_reason() {
    let (dir, root) = release(6);
    let config = config(vec![Source::Inbreast(root)]);
    let list = Exclusions::parse(b"image_id,reason\n20000000,implant\n", Path::new("list.csv")).unwrap();
    let out = dir.path().join("set");
    ingest(&config, &list, &out, &|_, _| {}, &|| false).unwrap();
    let (records, skipped) = manifest(&out);
    assert_eq!(records.len(), 23);
    assert_eq!(skipped[0].image_id.as_deref(), Some("20000000"));
    assert_eq!(skipped[0].excluded_reason, "on the list of exclusions: implant");
}

#[test]
fn made_images_stay_marked_whatever_a_table_says() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("pictures");
    let mark = mammo_png::Mark::new("test", "a picture");
    fs::create_dir(&root).unwrap();
    let mut table = String::from("path,patient_id,laterality,abnormal,synthetic\n");
    for (at, cancer) in [(0, 1), (1, 0), (2, 1), (3, 0)] {
        let values = fixtures::pixels(false, at).into_iter().map(|v| f32::from(v) / 4095.0).collect();
        let plane = mammo_core::Plane::new(fixtures::W, fixtures::H, values).unwrap();
        mammo_png::write_gray16(&root.join(format!("{at}.png")), &plane, &mark).unwrap();
        writeln!(table, "{at}.png,p{at},L,{cancer},0").unwrap();
    }
    fs::write(root.join("manifest.csv"), table).unwrap();
    let config = IngestConfig {
        labels: LabelRule::Abnormal.into(),
        partition: Partition::TrainShare(0.5),
        ..config(vec![Source::Manifest(root)])
    };
    let out = dir.path().join("set");
    run(&config, &out).unwrap();
    let (records, _) = manifest(&out);
    assert_eq!(records.len(), 4);
    for record in records {
        assert!(record.synthetic);
        assert!(mammo_png::read_mark(&out.join(&record.file)).is_ok(), "{}", record.file.display());
    }
}

#[cfg(unix)]
#[test]
fn nothing_is_written_through_links_or_names_that_lead_out() {
    let dir = tempfile::tempdir().unwrap();
    let (root, elsewhere) = (dir.path().join("a"), dir.path().join("elsewhere"));
    fs::create_dir(&elsewhere).unwrap();
    let mut table = String::from("path,image_id,patient_id,laterality,abnormal\n");
    for (at, cancer) in [(0u64, 1), (1, 0), (2, 1), (3, 0)] {
        fixtures::mammogram(&root.join(format!("{at}.dcm")), false, at, &fixtures::Said::default());
        writeln!(table, "{at}.dcm,../../elsewhere/{at},p{at},L,{cancer}").unwrap();
    }
    fs::write(root.join("manifest.csv"), table).unwrap();
    let config = IngestConfig {
        labels: LabelRule::Abnormal.into(),
        partition: Partition::TrainShare(0.5),
        ..config(vec![Source::Manifest(root)])
    };
    let out = dir.path().join("set");
    run(&config, &out).unwrap();
    assert_eq!(manifest(&out).0.len(), 4);
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);

    let second = dir.path().join("second");
    let asked = AtomicUsize::new(0);
    let stop = || asked.fetch_add(1, Ordering::Relaxed) >= 1;
    ingest(&config, &Exclusions::default(), &second, &|_, _| {}, &stop).unwrap();
    for folder in ["trainA", "trainB", "testA", "testB"] {
        if second.join(folder).exists() {
            fs::remove_dir_all(second.join(folder)).unwrap();
        }
        std::os::unix::fs::symlink(&elsewhere, second.join(folder)).unwrap();
    }
    assert!(run(&config, &second).unwrap_err().to_string().contains("a file or a link"));
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);
}
