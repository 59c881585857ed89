//! A study is sealed, tampered with, and found out.

use crate::support::{copied_run, fail, mammo, scratch, succeed};
use serde_json::Value;
use std::fs;

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap().trim().to_owned()
}

#[test]
fn an_injected_lesion_does_not_pass_the_seal() {
    let dir = scratch();
    let run = copied_run(dir.path());
    let (study, key, sealed) = (run.join("release"), dir.path().join("key"), dir.path().join("seal.json"));
    let public = text(&succeed(mammo(["seal", "key", "--out"]).arg(&key)).stdout);
    succeed(mammo(["seal", "sign"]).arg(&study).arg("--key").arg(&key).arg("--out").arg(&sealed));
    let verify = |public: &str, json: bool| {
        let mut command = mammo(["seal", "verify"]);
        command.arg(&study).arg("--seal").arg(&sealed).args(["--public", public]);
        if json {
            command.arg("--json");
        }
        command.output().unwrap()
    };
    assert_eq!(verify(&public, false).status.code(), Some(0));

    // One mammogram is exchanged for another, one is taken away.
    let dicoms = study.join("AllDICOMs");
    let mut names: Vec<_> = fs::read_dir(&dicoms).unwrap().map(|e| e.unwrap().path()).collect();
    names.retain(|path| path.extension().is_some_and(|e| e == "dcm"));
    names.sort();
    fs::copy(&names[1], &names[0]).unwrap();
    fs::remove_file(&names[2]).unwrap();
    let output = verify(&public, false);
    assert_eq!(output.status.code(), Some(1));
    let found = text(&output.stdout);
    let name = |i: usize| names[i].file_name().unwrap().to_str().unwrap().to_owned();
    for (what, name) in [("changed", name(0)), ("missing", name(2))] {
        assert!(found.lines().any(|l| l.starts_with(what) && l.contains(&name)), "{found}");
    }
    let page: Value = serde_json::from_slice(&verify(&public, true).stdout).unwrap();
    assert_eq!(
        (&page["schema"], &page["whole"]),
        (&Value::from("mammo-seal-findings/1"), &Value::from(false))
    );

    // Another key, or a seal that was touched.
    let other = text(&succeed(mammo(["seal", "key", "--out"]).arg(dir.path().join("other"))).stdout);
    assert_eq!(verify(&other, false).status.code(), Some(2));
    let touched = fs::read_to_string(&sealed).unwrap().replacen("\"bytes\": ", "\"bytes\": 1", 1);
    fs::write(&sealed, touched).unwrap();
    let output = verify(&public, false);
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty() && text(&output.stderr).contains("nothing it says can be trusted"));

    fail(mammo(["seal", "key", "--out"]).arg(&key), &["never written over"]);
    fail(
        mammo(["seal", "sign"]).arg(&study).arg("--key").arg(&key).arg("--out").arg(study.join("seal.json")),
        &["lie in the folder"],
    );
    fail(
        mammo(["seal", "sign"])
            .arg(dir.path().join("no"))
            .arg("--key")
            .arg(&key)
            .arg("--out")
            .arg(dir.path().join("s")),
        &["no such folder"],
    );
}

#[test]
fn marks_of_a_whole_run_are_found() {
    let dir = scratch();
    let run = copied_run(dir.path());
    let output = mammo(["check-marks"]).arg(&run).arg("--json").output().unwrap();
    assert_eq!(output.status.code(), Some(1), "there are synthetic pictures");
    let page: Value = serde_json::from_slice(&output.stdout).unwrap();
    let states: Vec<&str> =
        page["pictures"].as_array().unwrap().iter().map(|p| p["state"].as_str().unwrap()).collect();
    assert!(states.len() > 30);
    // The release holds one file that is no image, as INbreast does.
    assert!(states.iter().filter(|s| **s != "marked").count() <= 1, "{states:?}");
}
