//! `mammo audit` and `mammo ingest` as a person runs them.

use crate::support::{copied_release, fail, files, first, mammo, refuse, scratch, stderr, succeed};
use std::{fs, path::Path, process::Command};

fn source(release: &Path) -> String {
    format!("inbreast:{}", release.display())
}

fn ingest(release: &Path, out: &Path) -> Command {
    asked(release, out, &["--labels", "birads_ge3", "--size", "48", "--split", "0.6"])
}

fn asked(release: &Path, out: &Path, options: &[&str]) -> Command {
    let mut command = mammo(["ingest", &source(release)]);
    command.arg("--out").arg(out).args(options);
    command
}

/// Runs an audit and gives its exit code, its table and what it said.
fn audit(release: &Path, more: &[&str]) -> (i32, String, String) {
    let output = mammo(["audit", &source(release)]).args(more).output().unwrap();
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    (output.status.code().unwrap(), text, stderr(&output))
}

#[test]
fn a_whole_release_is_audited_clean_and_left_alone() {
    let dir = scratch();
    let release = copied_release(dir.path());
    let before = files(&release);
    let (code, table, _) = audit(&release, &[]);
    assert_eq!(code, 0, "{table}");
    for part in [
        "images readable",
        "birads_ge3",
        "nothing to look into",
        "Explicit VR Little Endian",
        "made, not of patients",
    ] {
        assert!(table.contains(part), "{part}: {table}");
    }
    let (code, json, _) = audit(&release, &["--json"]);
    let report: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((code, report["findings"].as_array().map(Vec::len)), (0, Some(0)));
    assert_eq!(files(&release), before);
}

#[test]
fn findings_end_in_one_and_nothing_usable_in_two() {
    let dir = scratch();
    let release = copied_release(dir.path());
    let image = first(&release.join("AllDICOMs"), ".dcm");
    let name = image.file_name().unwrap().to_string_lossy().into_owned();
    fs::write(&image, "").unwrap();
    let (code, table, _) = audit(&release, &[]);
    assert!(code == 1 && table.contains(&name) && table.contains("empty (1)"), "{table}");
    fs::remove_dir_all(release.join("AllDICOMs")).unwrap();
    let (code, table, said) = audit(&release, &[]);
    assert!(code == 2 && table.is_empty() && said.contains("AllDICOMs: missing"), "{said}");
    refuse(&mut mammo(["audit", "ddsm:x"]), &["is not a source", "cbis-ddsm:DIR"]);
}

#[test]
fn a_set_is_the_same_whenever_it_is_made() {
    let dir = scratch();
    let release = copied_release(dir.path());
    let (one, two) = (dir.path().join("one"), dir.path().join("two"));
    let output = succeed(&mut ingest(&release, &one));
    let table = String::from_utf8(output.stdout).unwrap();
    assert!(table.contains("healthy (A)") && table.contains("train"), "{table}");
    succeed(ingest(&release, &two).env("RAYON_NUM_THREADS", "1"));
    let made = files(&one);
    assert_eq!(made, files(&two));
    for name in ["manifest.jsonl", "cohort.json", "provenance.json"] {
        assert!(made.contains_key(Path::new(name)), "{name}");
    }
    // Phantoms are made pictures, and so is what is made of them.
    for (path, bytes) in made.iter().filter(|(path, _)| path.extension().is_some_and(|e| e == "png")) {
        assert!(bytes.windows(13).any(|w| w == b"Synthetic\0YES"), "{}", path.display());
    }
    succeed(&mut ingest(&release, &one));
    assert_eq!(made, files(&one), "again in the same folder");
    fail(ingest(&release, &one).args(["--seed", "9"]), &["one", "other options", "choose another --out"]);
}

#[test]
fn damage_stops_an_ingest_unless_it_is_to_be_skipped() {
    let dir = scratch();
    let release = copied_release(dir.path());
    let image = first(&release.join("AllDICOMs"), ".dcm");
    let bytes = fs::read(&image).unwrap();
    fs::write(&image, &bytes[..bytes.len() / 2]).unwrap();
    let name = image.file_name().unwrap().to_string_lossy().into_owned();
    let out = dir.path().join("set");
    fail(&mut ingest(&release, &out), &["1 files cannot be used", &name, "--skip-bad"]);
    assert!(!out.join("provenance.json").exists());
    succeed(ingest(&release, &out).arg("--skip-bad"));
    let manifest = fs::read_to_string(out.join("manifest.jsonl")).unwrap();
    let skipped: Vec<&str> = manifest.lines().filter(|line| line.contains("excluded_reason")).collect();
    assert!(skipped.len() == 1 && skipped[0].contains(&name), "{skipped:?}");
}

#[test]
fn wrong_options_are_refused_before_any_work() {
    let dir = scratch();
    let release = copied_release(dir.path());
    let out = dir.path().join("set");
    for (options, parts) in [
        (&["--labels", "cancer"][..], &["\"cancer\" is not a labelling", "birads_ge3"][..]),
        (&["--labels", "mass", "--size", "50"], &["divisible by 4"]),
        (&["--labels", "mass", "--split", "0.5", "--folds", "3"], &["--folds", "cannot be used with"]),
        (&[], &["--labels"]),
        (&["--cohort", "becker"], &["becker-exp1"]),
    ] {
        refuse(&mut asked(&release, &out, options), parts);
    }
    fail(
        &mut asked(&release, &out, &["--labels", "malignant"]),
        &["malignant", "0 cancer", "choose another rule"],
    );
    fail(&mut asked(&release, &out, &["--labels", "mass", "--folds", "99"]), &["99 folds", "give fewer"]);
    fail(&mut ingest(&release, &release.join("set")), &["overlaps with a source"]);
    assert!(!out.exists() && !release.join("set").exists());
}
