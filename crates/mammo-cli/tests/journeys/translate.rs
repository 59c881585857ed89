//! Images through the generators of a finished run.

use crate::support::{
    copied_release, copied_run, edit, fail, files, finished_run, first, mammo, scratch, succeed,
};
use mammo_core::{Laterality, Plane};
use mammo_dataset::ingest::PreparedSet;
use mammo_dicom::{Mammogram, SourceImage, read_header};
use mammo_png::{Mark, SideCar, decode_gray, read_mark, write_gray16, write_rgb};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn translate(run: &Path, direction: &str, out: &Path) -> Command {
    let mut command = mammo(["translate", "--direction", direction, "--run"]);
    command.arg(run).arg("--out").arg(out);
    command
}

/// Runs to a good end and gives the files that it names.
fn made(command: &mut Command) -> Vec<PathBuf> {
    let output = succeed(command);
    String::from_utf8(output.stdout).unwrap().lines().map(PathBuf::from).collect()
}

fn plane(path: &Path) -> Plane {
    decode_gray(&fs::read(path).unwrap()).unwrap()
}

/// A prepared set of the release of the tiny run.
fn set(dir: &Path, size: &str) -> PathBuf {
    let release = copied_release(dir);
    let out = dir.join(format!("set{size}"));
    let mut ingest = mammo(["ingest", &format!("inbreast:{}", release.display()), "--labels", "birads_ge3"]);
    succeed(ingest.args(["--split", "0.6", "--size", size, "--out"]).arg(&out));
    out
}

/// What stands beside a picture, whose digests must be right.
fn side_car(picture: &Path, source: &Path) -> Value {
    let car: SideCar = mammo_files::read_json(&SideCar::path_of(picture)).unwrap();
    assert!(car.synthetic && car.description.starts_with("SYNTHETIC - NOT FOR DIAGNOSIS"));
    assert_eq!(car.sha256, mammo_files::sha256_file(picture).unwrap());
    let car: Value = mammo_files::read_json(&SideCar::path_of(picture)).unwrap();
    assert_eq!(car["source_sha256"], mammo_files::sha256_file(source).unwrap());
    assert_eq!(car["checkpoint_sha256"].as_str().map(str::len), Some(64));
    car
}

#[test]
fn what_a_run_made_is_made_again_and_marked() {
    let dir = scratch();
    let run = finished_run();
    let original = first(&run.join("translated"), "_original.png");
    let name = original.file_name().unwrap().to_str().unwrap().replace("_original.png", "");
    let (direction, what) = if run.join("translated").join(format!("{name}_injected.png")).exists() {
        ("inject", "injected")
    } else {
        ("remove", "removed")
    };
    let out = dir.path().join("out");
    let png = out.join(format!("{name}_original_{what}.png"));
    let mut command = translate(run, direction, &out);
    command.arg(&original).args(["--format", "both", "--side", "left"]);
    assert_eq!(made(&mut command), [png.clone(), png.with_extension("dcm")]);
    let theirs = plane(&run.join("translated").join(format!("{name}_{what}.png")));
    // The original was rounded to 16 bits on its way.
    let worst = plane(&png).zip(&theirs, |a, b| (a - b).abs()).min_max().1;
    assert!(worst < 1e-3, "{worst}");
    let description = read_mark(&png).unwrap().description().to_owned();
    assert!(
        description.contains(what) && description.contains(&mammo_files::sha256_file(&original).unwrap())
    );
    for picture in [&png, &png.with_extension("dcm")] {
        side_car(picture, &original);
    }
    // The same call gives the same bytes.
    let before = files(&out);
    made(&mut command);
    assert_eq!(files(&out), before);
}

#[test]
fn a_mammogram_becomes_a_derived_one_that_lies_as_it_did() {
    let dir = scratch();
    let run = finished_run();
    let of_side = |side: Laterality| {
        let dicoms = files(&run.join("release/AllDICOMs")).into_keys();
        let mut dicoms = dicoms.map(|name| run.join("release/AllDICOMs").join(name));
        dicoms
            .find(|path| read_header(path).is_ok_and(|header| header.laterality == Some(side)))
            .expect("a mammogram of each side")
    };
    for side in [Laterality::Left, Laterality::Right] {
        let source = of_side(side);
        let out = dir.path().join(side.to_string());
        let written = made(translate(run, "remove", &out).args(["--format", "both"]).arg(&source));
        let [png, dicom] = written.as_slice() else { panic!("{written:?}") };
        let (before, mammogram) = (read_header(&source).unwrap(), Mammogram::open(dicom).unwrap());
        let header = mammogram.header();
        assert!(header.synthetic);
        assert_eq!((header.laterality, header.view), (before.laterality, before.view));
        let seen = plane(png);
        assert_eq!((header.columns_px, header.rows_px), (seen.width(), seen.height()));
        // The chest wall of a right breast is at the right again, as in its source.
        let expected = if side == Laterality::Right { seen.mirrored() } else { seen };
        let shown = mammogram.display_plane().map(|v| v / 4095.0);
        assert!(shown.zip(&expected, |a, b| (a - b).abs()).min_max().1 < 2e-4);
        let spacing = header.spacing_mm.unwrap().0 * header.rows_px as f64;
        let whole = before.spacing_mm.unwrap().0 * before.rows_px as f64;
        assert!(spacing >= whole * 0.99, "{spacing} of {whole} mm");

        let car = side_car(dicom, &source);
        assert_eq!(
            (&car["laterality"], &car["mirrored"]),
            (&Value::from(side.to_string()), &Value::from(false))
        );
        let car = side_car(png, &source);
        assert_eq!(car["mirrored"], Value::from(side == Laterality::Right));

        let named = SourceImage::from_bytes(&fs::read(&source).unwrap(), &source).unwrap().unwrap();
        let own = SourceImage::from_bytes(&fs::read(dicom).unwrap(), dicom).unwrap().unwrap();
        assert_ne!(named.sop_instance_uid, own.sop_instance_uid);
        let holds = |text: &str| fs::read(dicom).unwrap().windows(text.len()).any(|w| w == text.as_bytes());
        assert!(holds(&named.sop_instance_uid));
        for code in
            ["109100", "109103", "121322", "113085", "DERIVED", "SYNTHETIC - NOT FOR DIAGNOSIS removed"]
        {
            assert!(holds(code), "{code}");
        }
        assert!(!holds("phantom-"), "no patient ID of the source");
    }
    let page = mammo(["check-marks"]).arg(dir.path()).arg("--json").output().unwrap();
    let page: Value = serde_json::from_slice(&page.stdout).unwrap();
    let pictures = page["pictures"].as_array().unwrap();
    assert!(pictures.len() == 4 && pictures.iter().all(|p| p["state"] == "marked"), "{page}");
}

#[test]
fn a_prepared_set_is_translated_whole() {
    let dir = scratch();
    let set = set(dir.path(), "48");
    let before = files(&set);
    let out = dir.path().join("out");
    let written = made(translate(finished_run(), "inject", &out).args(["--format", "both"]).arg(&set));
    let prepared = PreparedSet::open(&set).unwrap();
    assert!(prepared.records().len() > 4);
    assert_eq!(written.len(), 2 * prepared.records().len());
    assert_eq!(files(&set), before, "nothing is written into a set");
    for record in prepared.records() {
        let name = record.file.file_stem().unwrap().to_str().unwrap();
        let dicom = out.join(format!("{name}_injected.dcm"));
        let header = read_header(&dicom).unwrap();
        assert_eq!((header.laterality, header.view), (Some(record.laterality), record.view));
        for picture in [&dicom, &dicom.with_extension("png")] {
            assert!(written.contains(picture));
            assert_eq!(
                side_car(picture, &set.join(&record.file))["prepared_from"],
                record.source_digest.as_str()
            );
        }
    }

    // Any file of a set that is not as it was made is refused, and so is a set that is no whole one.
    let run = finished_run();
    let other = dir.path().join("other");
    let within = set.join("out");
    fail(translate(run, "inject", &within).arg(&set), &["lies in the prepared set"]);
    assert!(!within.exists());
    let last =
        &prepared.records().iter().max_by_key(|record| record.file.file_stem().unwrap().to_owned()).unwrap();
    let mark = Mark::new("test", "another picture");
    let picture = set.join(&last.file);
    let whole = fs::read(&picture).unwrap();
    write_gray16(&picture, &Plane::filled(48, 48, 0.5), &mark).unwrap();
    let output = translate(run, "inject", &other).arg(&set).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("not the one of the manifest"));
    fs::write(&picture, whole).unwrap();
    edit(&set.join("manifest.jsonl"), |text| text.replacen("\"image_id\":\"", "\"image_id\":\"x", 1));
    fail(translate(run, "inject", &other).arg(&set), &["manifest.jsonl", "not the file"]);
    fs::remove_file(set.join("provenance.json")).unwrap();
    fail(translate(run, "inject", &other).arg(&set), &["no whole prepared set"]);
}

#[test]
fn what_cannot_be_translated_is_one_sentence_and_leaves_nothing() {
    let dir = scratch();
    let run = copied_run(dir.path());
    let out = dir.path().join("out");
    let path = |name: &str| dir.path().join(name);
    let refused = |image: &Path, more: &[&str], parts: &[&str]| {
        fail(translate(&run, "inject", &out).arg(image).args(more), parts);
        assert!(!out.exists(), "{} left something", image.display());
    };
    let original = first(&run.join("translated"), "_original.png");
    let dicom = first(&run.join("release/AllDICOMs"), ".dcm");

    refused(&path("missing.png"), &[], &["missing.png"]);
    refused(dir.path(), &[], &["no whole prepared set", "mammo ingest"]);
    refused(&set(dir.path(), "64"), &[], &["set64", "have 64x64 pixels", "take 48x48", "--size 48x48"]);
    fs::write(path("text.png"), "no picture").unwrap();
    refused(&path("text.png"), &[], &["text.png"]);
    let mark = Mark::new("test", "colours");
    for (name, side) in [("small.png", 48), ("large.png", 90)] {
        write_rgb(&path(name), (side, side), &[9, 99, 200].repeat(side * side), &mark).unwrap();
        refused(&path(name), &[], &[name, "in colour"]);
    }
    for (whole, name) in [(&original, "cut.png"), (&dicom, "cut.dcm")] {
        let bytes = fs::read(whole).unwrap();
        fs::write(path(name), &bytes[..bytes.len() / 2]).unwrap();
        refused(&path(name), &[], &[name]);
    }
    // A breast that hangs on the other edge than its side says would reach the networks the wrong way round.
    let hangs_right = |x: usize, y: usize| {
        let (x, y) = ((99 - x) as f32 / 60.0, (y as f32 - 60.0) / 45.0);
        if x.hypot(y) < 1.0 { 0.5 + 0.2 * x } else { 0.0 }
    };
    write_gray16(&path("right.png"), &Plane::from_fn(100, 120, hangs_right), &mark).unwrap();
    refused(&path("right.png"), &[], &["right.png", "give --side right"]);
    refused(&path("right.png"), &["--side", "left"], &["right.png", "other side than L says"]);
    let there = path("right");
    made(
        translate(&run, "inject", &there)
            .arg(path("right.png"))
            .args(["--side", "right", "--format", "dicom"]),
    );
    // A DICOM file may not guess the side.
    refused(&original, &["--format", "dicom"], &["which breast", "--side left"]);

    // Of two inputs, nothing is written before both are known to be there.
    fail(translate(&run, "inject", &out).arg(&original).arg(path("missing.png")), &["missing.png"]);
    let twin = path(original.file_name().unwrap().to_str().unwrap());
    fs::copy(&original, &twin).unwrap();
    fail(translate(&run, "inject", &out).arg(&original).arg(&twin), &["would both be called"]);
    assert!(!out.exists());

    // A result in the place of a picture that is still to be read.
    fs::create_dir(path("here")).unwrap();
    for name in ["here/a.png", "here/a_injected.png"] {
        fs::copy(&original, path(name)).unwrap();
    }
    let mut both = translate(&run, "inject", &path("here"));
    fail(
        both.arg(path("here/a.png")).arg(path("here/a_injected.png")),
        &["take the place", "a_injected.png"],
    );

    fail(translate(&path("here"), "inject", &out).arg(&original), &["no finished run"]);
    fs::remove_dir_all(run.join("checkpoints")).unwrap();
    refused(&original, &[], &["no checkpoint"]);
}

#[test]
fn a_failing_image_leaves_whole_results_of_those_before_it() {
    let dir = scratch();
    let run = finished_run();
    let original = first(&run.join("translated"), "_original.png");
    let (good, bad) = (dir.path().join("a.png"), dir.path().join("b.png"));
    fs::copy(&original, &good).unwrap();
    fs::write(&bad, "no picture").unwrap();
    let out = dir.path().join("out");
    let output = translate(run, "remove", &out).arg(&good).arg(&bad).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let names: Vec<PathBuf> = files(&out).into_keys().collect();
    assert_eq!(names, ["a_removed.png", "a_removed.png.json"].map(PathBuf::from));
    assert_eq!(String::from_utf8(output.stdout).unwrap().trim(), out.join("a_removed.png").to_str().unwrap());
    side_car(&out.join("a_removed.png"), &good);
}
