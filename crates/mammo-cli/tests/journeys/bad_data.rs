//! Releases with something wrong: a phantom release, which reads like INbreast, is broken in one place at a time.

use crate::support::{copied_release, edit, fail, files, first, mammo, scratch, succeed, tiny};
use std::fs;
use std::path::Path;

/// Runs on a release that `damage` has changed; the sentence must hold all `parts` and there must be no run folder.
fn refused(damage: impl Fn(&Path), parts: &[&str]) {
    let dir = scratch();
    let release = copied_release(dir.path());
    // What a real release does not have.
    fs::remove_file(release.join("phantom.json")).unwrap();
    damage(&release);
    let out = dir.path().join("run");
    fail(tiny(&out).arg("--data").arg(format!("inbreast:{}", release.display())), parts);
    assert!(!out.exists(), "a run folder was left");
}

#[test]
fn an_undamaged_release_is_run() {
    let dir = scratch();
    let release = copied_release(dir.path());
    let out = dir.path().join("run");
    succeed(tiny(&out).arg("--data").arg(format!("inbreast:{}", release.display())));
    assert!(out.join("finished.json").exists());
    assert!(!out.join("counterfactual.json").exists(), "a real release has no twins");
}

#[test]
fn missing_parts_are_named() {
    refused(|release| fs::remove_dir_all(release).unwrap(), &["release", "missing", "INbreast"]);
    refused(|release| fs::remove_dir_all(release.join("AllDICOMs")).unwrap(), &["AllDICOMs", "missing"]);
    refused(|release| fs::remove_file(release.join("INbreast.csv")).unwrap(), &["INbreast.csv", "missing"]);
    refused(
        |release| {
            for name in files(&release.join("AllDICOMs")).keys() {
                fs::remove_file(release.join("AllDICOMs").join(name)).unwrap();
            }
        },
        &["no usable image", "INbreast.csv has"],
    );
}

#[test]
fn files_that_are_no_dicom_are_named() {
    let image = |release: &Path| first(&release.join("AllDICOMs"), ".dcm");
    refused(|release| fs::write(image(release), "a text").unwrap(), &["_ANON.dcm", "not a DICOM file"]);
    refused(|release| fs::write(image(release), "").unwrap(), &["_ANON.dcm", "not a DICOM file"]);
    let cut = |share: usize| {
        move |release: &Path| {
            let bytes = fs::read(image(release)).unwrap();
            fs::write(image(release), &bytes[..bytes.len() * share / 100]).unwrap();
        }
    };
    refused(cut(3), &["_ANON.dcm", "fetch the file again"]);
}

#[test]
fn pixels_that_break_off_are_named_and_the_run_is_not_finished() {
    let dir = scratch();
    let release = copied_release(dir.path());
    let image = first(&release.join("AllDICOMs"), ".dcm");
    let bytes = fs::read(&image).unwrap();
    fs::write(&image, &bytes[..bytes.len() - 1000]).unwrap();
    let out = dir.path().join("run");
    fail(
        tiny(&out).arg("--data").arg(format!("inbreast:{}", release.display())),
        &["_ANON.dcm", "fetch the file again"],
    );
    assert!(!crate::support::looks_whole(&out));
}

#[test]
fn tables_are_checked_by_column_and_line() {
    let table =
        |change: fn(&str) -> String| move |release: &Path| edit(&release.join("INbreast.csv"), change);
    refused(
        table(|text| text.replacen("Bi-Rads", "Category", 1)),
        &["INbreast.csv", "\"bi-rads\" is missing"],
    );
    refused(
        table(|text| text.replacen("File Name", "Name", 1)),
        &["INbreast.csv", "\"file name\" is missing"],
    );
    refused(
        table(|text| {
            let row = text.lines().nth(1).unwrap();
            text.replacen(row, &format!("{}9", row.trim_end().trim_end_matches(char::is_numeric)), 1)
        }),
        &["INbreast.csv", "line 2", "9"],
    );
    refused(
        table(|text| text.replacen(";L;", ";left side;", 1)),
        &["INbreast.csv", "line", "a text of 9 characters", "laterality"],
    );
    refused(table(|_| String::new()), &["INbreast.csv"]);
}

#[test]
fn unreadable_outlines_are_named() {
    let outlines = |text: &'static str| {
        move |release: &Path| fs::write(first(&release.join("AllXML"), ".xml"), text).unwrap()
    };
    refused(outlines("<plist><dict>"), &[".xml", "unreadable regions of interest"]);
    refused(outlines("no XML"), &[".xml", "unreadable regions of interest"]);
    refused(outlines(""), &[".xml", "unreadable regions of interest"]);
    refused(
        |release| {
            let xml = first(&release.join("AllXML"), ".xml");
            edit(&xml, |text| {
                let start = text.find("<key>Point_px</key>").unwrap();
                let at = start + text[start..].find('(').unwrap();
                format!("{}?{}", &text[..at], &text[at + 1..])
            });
        },
        &[".xml", "not a point such as (12.5, 7)"],
    );
}

#[test]
fn a_class_without_images_is_named_with_the_rule() {
    refused(
        |release| {
            edit(&release.join("INbreast.csv"), |text| {
                let rows = text.lines().map(|line| {
                    let (start, category) = line.rsplit_once(';').unwrap();
                    if category == "Bi-Rads" { line.to_owned() } else { format!("{start};1") }
                });
                rows.collect::<Vec<_>>().join("\r\n")
            });
        },
        &["birads_ge3", "0 cancer", "choose another rule"],
    );
}

#[test]
fn one_patient_cannot_be_split() {
    refused(
        |release| {
            let names: Vec<_> = files(&release.join("AllDICOMs")).into_keys().collect();
            for name in names.iter().filter(|name| name.extension().is_some_and(|e| e == "dcm")) {
                let text = name.to_string_lossy();
                let mut parts: Vec<&str> = text.split('_').collect();
                parts[1] = "0000000000000000";
                let images = release.join("AllDICOMs");
                fs::rename(images.join(name), images.join(parts.join("_"))).unwrap();
            }
        },
        &["patients", "split"],
    );
}

#[test]
fn mini_mias_folders_are_checked_too() {
    let dir = scratch();
    let run = |out: &str| {
        let mut command = tiny(&dir.path().join(out));
        command
            .args(["--labels", "mass", "--data"])
            .arg(format!("mini-mias:{}", dir.path().join("mias").display()));
        command
    };
    fail(&mut run("a"), &["mias", "missing"]);
    fs::create_dir(dir.path().join("mias")).unwrap();
    fail(&mut run("b"), &["Info.txt", "missing"]);
    fs::write(dir.path().join("mias/Info.txt"), "mdb001 G CIRC B 535 425 197\n").unwrap();
    fail(&mut run("c"), &["mias", "no usable image", "Info.txt lists 1 images"]);
    assert!(["a", "b", "c"].iter().all(|out| !dir.path().join(out).exists()));
}

#[test]
fn phantom_releases_are_not_written_over_other_files() {
    let dir = scratch();
    fs::write(dir.path().join("thesis.doc"), "x").unwrap();
    fail(mammo(["phantom", "--out"]).arg(dir.path()), &["other files", "choose an empty one"]);
    let file = dir.path().join("thesis.doc");
    fail(mammo(["phantom", "--out"]).arg(&file), &["thesis.doc"]);
    fail(mammo(["phantom", "--patients", "0", "--out"]).arg(dir.path().join("new")), &["patients", "not 0"]);
    assert!(!dir.path().join("new").exists());
}
