//! A detector from runs: trained, asked about pictures, judged on other patients.

use crate::run_folder::{run_folder, run_folder_of};
use crate::support::{fail, mammo, scratch, succeed};
use mammo_core::{ImageId, Label, PatientId, Seed};
use mammo_reader::{Arm, Exp1Plan, SourceImage, StudyDesign};
use serde_json::Value;
use std::fmt::Write;
use std::fs;

#[test]
fn a_detector_is_trained_on_runs_and_judged_on_other_patients() {
    let dir = scratch();
    let (train, test) = (run_folder(dir.path(), 30), run_folder_of(&dir.path().join("test"), 30, "other"));
    let detector = dir.path().join("detector.json");
    succeed(mammo(["detect", "train", "--run"]).arg(&train).arg("--out").arg(&detector));
    let first = fs::read(&detector).unwrap();
    succeed(mammo(["detect", "train", "--run"]).arg(&train).arg("--out").arg(&detector));
    assert_eq!(fs::read(&detector).unwrap(), first, "the same runs give the same detector");

    let picture = |run: &std::path::Path, what: &str| run.join("translated").join(what);
    let (original, altered) =
        (picture(&test, "20580000_original.png"), picture(&test, "20580000_injected.png"));
    let mut score = mammo(["detect", "score", "--json", "--detector"]);
    let output = succeed(score.arg(&detector).arg(&original).arg(&altered));
    let page: Value = serde_json::from_slice(&output.stdout).unwrap();
    for image in page["images"].as_array().unwrap() {
        let probability = image["score"]["probability"].as_f64().unwrap();
        assert!((0.0..=1.0).contains(&probability));
    }

    // A network says where; measures cannot.
    let network = dir.path().join("network.json");
    let mut train_network = mammo(["detect", "train", "--method", "network", "--epochs", "1", "--run"]);
    succeed(train_network.arg(&train).arg("--out").arg(&network));
    let places = dir.path().join("places");
    let ask = |detector: &std::path::Path| {
        let mut command = mammo(["detect", "score", "--detector"]);
        command.arg(detector).arg("--places").arg(&places).arg(&altered);
        command
    };
    succeed(&mut ask(&network));
    mammo_png::read_mark(&places.join("20580000_injected_places.png")).unwrap();
    fail(&mut ask(&detector), &["cannot say where", "--method network"]);

    let evaluate = |json: bool| {
        let mut command = mammo(["detect", "evaluate", "--detector"]);
        command.arg(&detector).arg("--run").arg(&test);
        if json {
            command.arg("--json");
        }
        String::from_utf8(succeed(&mut command).stdout).unwrap()
    };
    let page: Value = serde_json::from_str(&evaluate(true)).unwrap();
    assert_eq!((&page["images"], &page["patients"]), (&Value::from(60), &Value::from(30)));
    let row = &page["rows"][0];
    // Handling nothing leaves originals as they are: the control is one half, exactly.
    assert_eq!(row["control"]["auc"], 0.5);
    let auc = row["detection"]["auc"].as_f64().unwrap();
    assert!((0.0..=1.0).contains(&auc) && row["detection"]["ci_low"].as_f64().unwrap() <= auc);
    let table = evaluate(false);
    for words in ["8 bits", "half size and back", "handling alone", "none of whom"] {
        assert!(table.contains(words), "{words} in {table}");
    }

    let mut seen = mammo(["detect", "evaluate", "--detector"]);
    fail(seen.arg(&detector).arg("--run").arg(&train), &["trained on patient hash", "--seed"]);
    let small = run_folder(&dir.path().join("small"), 6);
    let mut few = mammo(["detect", "train", "--run"]);
    fail(few.arg(&small).arg("--out").arg(dir.path().join("no.json")), &["at least 10"]);
    assert!(!dir.path().join("no.json").exists());
    let wrong = dir.path().join("wrong.png");
    fs::write(&wrong, b"GIF").unwrap();
    fail(mammo(["detect", "score", "--detector"]).arg(&detector).arg(&wrong), &["wrong.png"]);
}

#[test]
fn people_are_set_beside_a_detector_on_the_images_that_they_read() {
    let dir = scratch();
    let (train, test) = (run_folder(dir.path(), 30), run_folder_of(&dir.path().join("test"), 30, "other"));
    let detector = dir.path().join("measures.json");
    succeed(mammo(["detect", "train", "--run"]).arg(&train).arg("--out").arg(&detector));
    let sources: Vec<SourceImage> = (0..30)
        .map(|i| SourceImage {
            id: ImageId::new(format!("2058{i:04}")),
            patient: PatientId::new(format!("other{i:04}")),
            label: if i % 2 == 1 { Label::Cancer } else { Label::Healthy },
        })
        .collect();
    let plan = Exp1Plan { pairs: 8, modified_only: 4, original_only: 4 };
    let design = StudyDesign::draw(plan, &sources, Seed(1)).unwrap();
    let readout = test.join("readout");
    fs::create_dir_all(&readout).unwrap();
    fs::write(readout.join("design.json"), serde_json::to_vec(&design).unwrap()).unwrap();
    let mut sheet = "reader,case,question,rating\n".to_owned();
    for (i, case) in design.cases.iter().enumerate() {
        for (reader, skill) in [("Dr A", 1), ("Dr B", 2)] {
            let rating = 1 + i % 3 + if case.arm == Arm::Modified { skill } else { 0 };
            writeln!(sheet, "{reader},{},tampering,{rating}", case.case).unwrap();
        }
    }
    let ratings = dir.path().join("people.csv");
    fs::write(&ratings, sheet).unwrap();
    let page = dir.path().join("beside.html");
    let beside = |more: &[&str]| {
        let mut command = mammo(["detect", "beside", "--detector"]);
        command.arg(&detector).arg("--run").arg(&test).arg("--ratings").arg(&ratings).args(more);
        command
    };
    let table = String::from_utf8(succeed(beside(&["--out"]).arg(&page)).stdout).unwrap();
    for words in ["24 images", "Dr A", "measures", "detector", "Mean of the readers"] {
        assert!(table.contains(words), "{words} in {table}");
    }
    let html = fs::read_to_string(&page).unwrap();
    assert!(html.contains("Dr B") && !html.contains("SIMULATED"), "people are not called simulated");
    let json: Value = serde_json::from_slice(&succeed(&mut beside(&["--json"])).stdout).unwrap();
    let readers = json["readers"].as_array().unwrap();
    assert_eq!(readers.iter().filter(|r| r["machine"] == true).count(), 1);
    assert!(readers.iter().all(|r| (0.0..=1.0).contains(&r["auc"]["auc"].as_f64().unwrap())));
    let comparison = &json["comparisons"][0];
    let area = |i: usize| readers[i]["auc"]["auc"].as_f64().unwrap();
    let mean = f64::midpoint(area(0), area(1));
    let less = mean - comparison["standalone_value"].as_f64().unwrap();
    assert!((comparison["test"]["estimate"].as_f64().unwrap() - less).abs() < 1e-9);

    // A detector does not stand beside readers on images of its own patients.
    let own = dir.path().join("own.json");
    succeed(mammo(["detect", "train", "--run"]).arg(&test).arg("--out").arg(&own));
    let mut command = mammo(["detect", "beside", "--detector"]);
    command.arg(&own).arg("--run").arg(&test).arg("--ratings").arg(&ratings);
    fail(&mut command, &["trained on patient other"]);
}
