//! Images through the generators of a finished run.

use crate::support::{copied_run, fail, finished_run, first, mammo, scratch, succeed};
use mammo_dicom::read_header;
use mammo_png::{decode_gray, read_mark};
use std::fs;

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
    let mut translate = mammo(["translate", "--dicom", "--direction", direction, "--run"]);
    let output = succeed(translate.arg(run).arg(&original).arg("--out").arg(&out));
    let made = out.join(format!("{name}_original_{what}.png"));
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), made.to_str().unwrap());
    let plane = |path: &std::path::Path| decode_gray(&fs::read(path).unwrap()).unwrap();
    let theirs = plane(&run.join("translated").join(format!("{name}_{what}.png")));
    // The original was rounded to 16 bits on its way.
    let worst = plane(&made).zip(&theirs, |a, b| (a - b).abs()).min_max().1;
    assert!(worst < 1e-3, "{worst}");
    assert!(read_mark(&made).unwrap().description().contains(what));
    assert!(out.join(format!("{name}_original_{what}.png.json")).exists());
    assert!(read_header(&made.with_extension("dcm")).unwrap().synthetic);

    // A mammogram as a machine writes it is prepared first.
    let dicom = first(&run.join("release/AllDICOMs"), ".dcm");
    let mut translate = mammo(["translate", "--direction", "remove", "--run"]);
    succeed(translate.arg(run).arg(&dicom).arg("--out").arg(&out));
    let stem = dicom.file_stem().unwrap().to_str().unwrap();
    let prepared = plane(&out.join(format!("{stem}_removed.png")));
    assert_eq!((prepared.width(), prepared.height()), (theirs.width(), theirs.height()));
}

#[test]
fn what_cannot_be_translated_is_one_sentence() {
    let dir = scratch();
    let run = copied_run(dir.path());
    let text = dir.path().join("a.png");
    fs::write(&text, "no picture").unwrap();
    let translate = |image: &std::path::Path| {
        let mut command = mammo(["translate", "--direction", "inject", "--run"]);
        command.arg(&run).arg(image).arg("--out").arg(dir.path().join("out"));
        command
    };
    fail(&mut translate(&text), &["a.png"]);
    fail(&mut translate(&dir.path().join("missing.png")), &["missing.png"]);
    let original = first(&run.join("translated"), "_original.png");
    let twin = dir.path().join(original.file_name().unwrap());
    fs::copy(&original, &twin).unwrap();
    fail(translate(&original).arg(&twin), &["would both be called"]);
    fs::remove_dir_all(run.join("checkpoints")).unwrap();
    fail(&mut translate(&original), &["no checkpoint"]);
}
