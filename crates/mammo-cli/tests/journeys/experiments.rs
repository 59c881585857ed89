//! Experiment 2, sweeps, experiment 1 by mass, and weights that go to pytorch-CycleGAN and back.

use crate::support::{decided, fail, files, mammo, preset, same, scratch, stderr, succeed};
use mammo_png::decode_gray;
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

fn json(path: impl AsRef<Path>) -> Value {
    let path = path.as_ref();
    serde_json::from_slice(&fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))).unwrap()
}

/// The tiny preset with the networks of experiment 2, everything else that has a state, patients that watch the training, and a
/// readout at half way.
fn second(text: &str) -> String {
    text.replace("test_fraction = 0.4", "test_fraction = 0.4\nvalidation_fraction = 0.4")
        .replace("patients = 10", "patients = 24")
        .replace("[phantom]", "[choice]\nby = \"cycle\"\n[[early]]\nstep = 6\nplan = { pairs = 2, modified_only = 2, original_only = 2 }\n[phantom]")
        .replace("padding = \"zero\"", "padding = \"reflect_all\"\nupsampling = \"resize\"\nspectral_norm = true\nroi_channel = true")
        .replace("padding = 2", "padding = 2\npadding_mode = \"reflect_all\"\nspectral_norm = true\nroi_channel = true")
        .replace("pool_size = 3", "pool_size = 3\norder = \"alternating\"\ngan = \"hinge\"\nema_decay = 0.9\ndiscriminator_learning_rate = 1e-4")
}

#[test]
fn experiment_2_reads_two_checkpoints_and_resumes_to_the_bit() {
    let dir = scratch();
    let preset = preset(dir.path(), second);
    let start = |out: &Path| {
        let mut command = mammo(["reproduce-exp2", "--preset"]);
        command.arg(&preset).arg("--out").arg(out);
        command
    };
    let whole = dir.path().join("whole");
    let output = succeed(&mut start(&whole));
    assert!(stderr(&output).contains("after 6 steps:"), "{}", stderr(&output));

    let killed = dir.path().join("killed");
    let mut child = start(&killed).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while !killed.join("checkpoints/step-0000008").exists() && child.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    succeed(start(&killed).arg("--resume"));
    same(&decided(&whole), &decided(&killed));

    let design = |step: &str| json(whole.join(format!("readout/{step}/design.json")));
    let (early, late) = (design("step-0000006"), design("step-0000012"));
    let sources = |design: &Value| -> std::collections::BTreeSet<String> {
        design["cases"].as_array().unwrap().iter().map(|c| c["source"].as_str().unwrap().to_owned()).collect()
    };
    assert!(sources(&early).is_disjoint(&sources(&late)), "no image is read twice");
    let measures = fs::read_to_string(whole.join("measures.jsonl")).unwrap();
    assert_eq!(measures.lines().count(), 2);
    let chosen = json(whole.join("chosen.json"));
    let best: Vec<(f64, u64)> = measures
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .map(|m| (m["cycle_error"].as_f64().unwrap(), m["step"].as_u64().unwrap()))
        .collect();
    let smallest = best.iter().min_by(|a, b| a.0.total_cmp(&b.0)).unwrap().1;
    assert_eq!(chosen["step"].as_u64(), Some(smallest));

    // Nobody is in two parts.
    let manifest = fs::read_to_string(whole.join("manifest.jsonl")).unwrap();
    let mut part_of = std::collections::BTreeMap::new();
    for line in manifest.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let (patient, part) = (line["patient_id"].to_string(), line["part"].to_string());
        assert_eq!(part_of.entry(patient).or_insert_with(|| part.clone()), &part);
    }
    let parts: std::collections::BTreeSet<_> = part_of.values().cloned().collect();
    assert_eq!(parts.len(), 3);

    let page = fs::read_to_string(whole.join("report.html")).unwrap();
    for words in
        ["experiment 2", "Readout after 6 steps", "Table 3", "Measured while it learned", "SIMULATED"]
    {
        assert!(page.contains(words), "{words:?} is not on the page");
    }
    let events = files(&whole.join("tensorboard"));
    assert!(events.len() == 1 && events.values().all(|bytes| bytes.len() > 500));
}

#[test]
fn a_sweep_has_every_seed_and_setting_and_says_the_spread() {
    let dir = scratch();
    let preset = preset(dir.path(), str::to_owned);
    let out = dir.path().join("sweep");
    let start = |set: &str| {
        let mut command = mammo(["sweep", "--seeds", "1,2", "--set", set, "--preset"]);
        command.arg(&preset).arg("--out").arg(&out);
        command
    };
    let output = succeed(&mut start("train.weights.lambda_identity=0,0.5"));
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), out.join("report.html").to_str().unwrap());
    let series = json(out.join("series.json"));
    assert_eq!(series["cells"].as_array().unwrap().len(), 2);
    let row = &series["figures"].as_array().unwrap()[0];
    for (cell, spread) in row["cells"].as_array().unwrap().iter().enumerate() {
        let values: Vec<f64> =
            spread["values"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect();
        assert_eq!(values.len(), 2);
        assert!((spread["mean"].as_f64().unwrap() - f64::midpoint(values[0], values[1])).abs() < 1e-12);
        // The figure is that of the run's own file.
        let name = ["lambda_identity=0", "lambda_identity=0.5"][cell];
        let run = json(out.join(format!("{name}-seed1/counterfactual.json")));
        assert_eq!(run["removal"]["contrast_share"]["median"].as_f64(), Some(values[0]));
    }
    // What is finished is not made again.
    let again = succeed(start("train.weights.lambda_identity=0,0.5").arg("--resume"));
    assert_eq!(stderr(&again).matches("it is finished").count(), 4);
    fail(&mut start("train.weights.lambda_identity=0,0.25"), &["--resume", "another --out"]);
    fail(start("train.weights.lambda_speed=1").arg("--resume"), &["lambda_speed"]);
    succeed(mammo(["report"]).arg(&out));
}

#[test]
fn mass_and_birads_are_compared_by_the_same_measures() {
    let dir = scratch();
    let preset = preset(dir.path(), |text| text.replace("patients = 10", "patients = 16"));
    let out = dir.path().join("mass");
    succeed(mammo(["reproduce-mass", "--preset"]).arg(&preset).arg("--out").arg(&out));
    let series = json(out.join("series.json"));
    assert_eq!(series["cells"].as_array().unwrap(), &["mass", "birads_ge3"]);
    assert!(series["figures"][0]["difference"]["mean"].is_number());
    assert_eq!(json(out.join("mass-seed1/run.json"))["labels"], "mass");
    let page = fs::read_to_string(out.join("report.html")).unwrap();
    assert!(page.contains("One feature at a time") && page.contains("SIMULATED"));
    fail(
        mammo(["reproduce-mass", "--labels", "mass", "--preset"])
            .arg(&preset)
            .arg("--out")
            .arg(dir.path().join("no")),
        &["--labels"],
    );
}

#[test]
fn weights_go_to_pytorch_cyclegan_and_come_back() {
    let dir = scratch();
    let preset = preset(dir.path(), |text| {
        text.replace("padding = \"zero\"", "padding = \"reflect\"")
            .replace(
                "leaky_slope = 0.2\naffine = true\nrelu_after_sum = true\ninput_skip = true",
                "leaky_slope = 0.0\naffine = false\nrelu_after_sum = false\ninput_skip = false",
            )
            .replace("padding = 2\naffine = true", "padding = 1\naffine = false")
    });
    let run = dir.path().join("run");
    succeed(mammo(["reproduce-exp1", "--preset"]).arg(&preset).arg("--out").arg(&run));
    let weights = dir.path().join("weights");
    let output = succeed(mammo(["weights", "export", "--run"]).arg(&run).arg("--out").arg(&weights));
    assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), 4);
    let back = dir.path().join("back");
    let mut import = mammo(["weights", "import", "--preset"]);
    succeed(import.arg(&preset).arg("--from").arg(&weights).arg("--out").arg(&back));
    let image = crate::support::first(&run.join("translated"), "_original.png");
    let made = |from: &Path, out: &str| {
        let out = dir.path().join(out);
        succeed(
            mammo(["translate", "--direction", "remove", "--run"])
                .arg(from)
                .arg(&image)
                .arg("--out")
                .arg(&out),
        );
        decode_gray(&fs::read(crate::support::first(&out, "_removed.png")).unwrap()).unwrap()
    };
    assert_eq!(made(&run, "a"), made(&back, "b"));
    // The default networks are none that pytorch-CycleGAN has.
    let finished = crate::support::finished_run();
    fail(
        mammo(["weights", "export", "--run"]).arg(finished).arg("--out").arg(dir.path().join("none")),
        &["preset zhu"],
    );
    assert!(!dir.path().join("none").exists());
}
