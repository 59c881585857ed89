//! A reader study as a table, from the command line to tables and JSON.

use crate::support::{mammo, scratch};
use serde_json::Value;
use std::fs;
use std::path::PathBuf;

/// Two readers of four cases, who agree in three.
const STUDY: &str = "reader,treatment,case,truth,rating\n\
    ann,film,1,0,1\nann,film,2,0,2\nann,film,3,1,4\nann,film,4,1,5\n\
    ben,film,1,0,1\nben,film,2,0,3\nben,film,3,1,4\nben,film,4,1,5\n";

fn study(text: &str) -> (tempfile::TempDir, PathBuf) {
    let dir = scratch();
    let path = dir.path().join("study.csv");
    fs::write(&path, text).unwrap();
    (dir, path)
}

#[test]
fn agreement_is_printed_and_documented_as_json() {
    let (_dir, path) = study(STUDY);
    let path = path.to_str().unwrap();
    let output = mammo(["stats", "agreement", path]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    // Three of four alike where 3/16 would be by chance: (3/4 - 3/16) / (13/16).
    assert!(output.status.success() && text.contains("ann / ben") && text.contains("0.6923"), "{text}");

    let output = mammo(["stats", "agreement", path, "--json"]).output().unwrap();
    let page: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(page["schema"], "mammo-stats-agreement/1");
    let kappa = page["result"]["pairs"][0]["kappa"]["kappa"].as_f64().unwrap();
    assert!((kappa - 9.0 / 13.0).abs() < 1e-12, "{kappa}");
}

#[test]
fn operating_points_are_those_of_the_curve() {
    let (_dir, path) = study(STUDY);
    let output = mammo(["stats", "points", path.to_str().unwrap(), "--json", "--specificity", "0.5"]);
    let output = { output }.output().unwrap();
    let page: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(page["schema"], "mammo-stats-points/1");
    let ann = &page["result"]["readers"][0];
    assert_eq!((ann["reader"].as_str(), ann["youden_index"].as_f64()), (Some("ann"), Some(1.0)));
    assert_eq!(ann["youden"][0]["point"]["threshold"].as_f64(), Some(4.0));
    assert_eq!(ann["sensitivity_at"][0]["interpolated"].as_f64(), Some(1.0));
}

#[test]
fn what_cannot_be_analysed_is_one_sentence() {
    let one_class = STUDY.replace(",1,4\n", ",0,4\n").replace(",1,5\n", ",0,5\n");
    let twice = format!("{STUDY}ben,film,4,1,5\n");
    let words = STUDY.replace("ben,film,1,0,1", "ben,film,1,0,high");
    for (command, text) in [("points", &one_class), ("agreement", &twice), ("agreement", &words)] {
        let (_dir, path) = study(text);
        let output = mammo(["stats", command, path.to_str().unwrap()]).output().unwrap();
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{command}: {message}");
        assert!(message.starts_with("mammo: ") && message.trim_end().lines().count() == 1, "{message}");
        assert!(output.stdout.is_empty());
    }
}
