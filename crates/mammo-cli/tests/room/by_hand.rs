//! What a coordinator does on the command line.

use crate::fixture::{Room, SMALL, add, fail, mammo, run_folder, scratch, study, succeed, verify};
use crate::http::Http;
use std::fs;
use std::io::Write;
use std::process::Stdio;

#[test]
fn a_study_says_what_is_wrong_with_it() {
    let dir = scratch();
    let run = run_folder(dir.path(), 12);
    let design = |what: &str| {
        let mut command = mammo();
        command.args(["study", "design", "--seed", "1", "--run"]).arg(&run).args(["--design", what, "--out"]);
        command.arg(dir.path().join("new"));
        command
    };
    assert!(fail(&mut design("no-such-design")).contains("becker-exp1, becker-exp2"));
    assert!(fail(&mut design("becker-exp2")).contains("\"early\""));
    let plan = dir.path().join("plan.toml");
    fs::write(&plan, SMALL.replace("minimum_gap = 1", "minimum_gap = 50")).unwrap();
    assert!(fail(&mut design(plan.to_str().unwrap())).contains("minimum_gap"));
    assert!(!dir.path().join("new").exists(), "nothing half-made");

    let nowhere = dir.path().join("nowhere");
    assert!(fail(mammo().args(["study", "serve"]).arg(&nowhere)).contains("no study in this folder"));
    let study = study(&dir.path().join("b"), 20, Some(SMALL));
    assert!(fail(mammo().args(["study", "serve"]).arg(&study)).contains("reader add"));
    add(&study, "ann");
    assert!(fail(mammo().args(["study", "reader", "add"]).arg(&study).arg("ann")).contains("already"));
    let room = Room::open(&study);
    let taken = fail(mammo().args(["study", "serve"]).arg(&study).args(["--bind", room.address()]));
    assert!(taken.contains("--bind"), "{taken}");
    assert!(fail(mammo().args(["study", "analyse"]).arg(&study)).contains("nobody has answered"));
    drop(room);
    let first = fs::read_dir(study.join("images")).unwrap().next().unwrap().unwrap().path();
    let picture = first.with_extension("").with_extension("png");
    fs::write(&picture, b"x").unwrap();
    assert!(fail(mammo().args(["study", "serve"]).arg(&study)).contains("not the one that was designed"));
}

#[test]
fn a_password_of_ones_own_comes_by_standard_input() {
    let dir = scratch();
    let study = study(dir.path(), 20, Some(SMALL));
    let mut command = mammo();
    command.args(["study", "reader", "add"]).arg(&study).args(["ann", "--password-stdin"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"correct horse battery\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && output.stdout.is_empty());
    let room = Room::open(&study);
    Http::sign_in(&room.url, "ann", "correct horse battery");
    let database = fs::read(study.join("room.sqlite")).unwrap();
    assert!(!database.windows(7).any(|w| w == b"correct"), "the password is not stored");
}

#[test]
fn a_log_that_somebody_changed_is_not_served() {
    let dir = scratch();
    let study = study(dir.path(), 20, Some(SMALL));
    let code = add(&study, "ann");
    {
        let room = Room::open(&study);
        let ann = Http::sign_in(&room.url, "ann", &code);
        let state = ann.check_display();
        assert_eq!(ann.post("/api/answer", &Http::fitting(&state, 10)).status, 200);
    }
    verify(&study);
    let db = mammo_room::store::open_existing(&study.join("room.sqlite")).unwrap();
    db.execute("UPDATE answers SET answer = replace(answer, '10', '90')", []).unwrap();
    drop(db);
    assert!(fail(mammo().args(["study", "verify"]).arg(&study)).contains("not the one in the log"));
    assert!(fail(mammo().args(["study", "serve"]).arg(&study)).contains("not the one in the log"));
}

#[test]
fn two_sittings_lie_as_many_days_apart_as_the_plan_says() {
    let dir = scratch();
    let plan = SMALL
        .replace("sessions = 1", "sessions = 2\nwashout_days = 28")
        .replace("training_cases = 2", "training_cases = 0");
    let study = study(dir.path(), 20, Some(&plan));
    let code = add(&study, "ann");
    let room = Room::open(&study);
    let ann = Http::sign_in(&room.url, "ann", &code);
    let mut state = ann.check_display();
    while state["phase"] == "read" {
        state = ann.post("/api/answer", &Http::fitting(&state, 10)).json()["state"].clone();
    }
    assert_eq!(state["phase"], "wait");
    let days = (state["wait_until_ms"].as_i64().unwrap() - mammo_room::store::now_ms()) as f64 / 86_400_000.0;
    assert!((27.9..=28.0).contains(&days), "{days}");
    let early = serde_json::json!({"step": {"position": 5, "question": "malignancy"}});
    assert_eq!(ann.post("/api/answer", &Http::fitting(&early, 10)).status, 409);
}

#[test]
fn going_back_is_for_studies_that_allow_it_and_both_answers_stay_in_the_log() {
    let dir = scratch();
    let study = study(
        dir.path(),
        20,
        Some(&SMALL.replace("training_cases = 2", "training_cases = 0\ngo_back = true")),
    );
    let code = add(&study, "ann");
    let room = Room::open(&study);
    let ann = Http::sign_in(&room.url, "ann", &code);
    let state = ann.check_display();
    let first = Http::fitting(&state, 10);
    let state = ann.post("/api/answer", &first).json()["state"].clone();
    ann.post("/api/answer", &Http::fitting(&state, 20));
    let back = ann.get("/api/state?position=1").json();
    assert_eq!(
        (back["step"]["position"].as_u64(), back["step"]["answers"].as_array().unwrap().len()),
        (Some(1), 2)
    );
    let mut changed = first;
    changed["score"] = serde_json::json!(60);
    assert_eq!(ann.post("/api/answer", &changed).status, 200);
    verify(&study);
    let db = mammo_room::store::open_existing(&study.join("room.sqlite")).unwrap();
    let logged: i64 = db
        .query_row("SELECT count(*) FROM log WHERE event IN ('answer', 'answer changed')", [], |row| {
            row.get(0)
        })
        .unwrap();
    assert_eq!(logged, 3);
    assert_eq!(mammo_room::store::answers(&db, 1).unwrap()[0].0.score, 60.0);
}

#[test]
fn a_finished_study_is_exported_and_analysed() {
    let dir = scratch();
    let study = study(
        dir.path(),
        60,
        Some(&SMALL.replace("pairs = 3", "pairs = 12").replace("_only = 1", "_only = 6")),
    );
    let codes = ["ann", "ben"].map(|name| (name, add(&study, name)));
    let truth = mammo_room::StudyFolder::new(&study).truth().unwrap();
    let room = Room::open(&study);
    for (i, (name, code)) in codes.iter().enumerate() {
        let order = mammo_room::reading_order(&truth, name).unwrap();
        let http = Http::sign_in(&room.url, name, code);
        http.read_all(|state| {
            // Sees every alteration, and calls cancer what was meant to look like it; now and then not.
            let position = state["step"]["position"].as_u64().unwrap() as usize;
            let case = &truth.case(&order[position - 1].first).unwrap().case;
            let altered = case.arm == mammo_reader::Arm::Modified;
            let yes = match state["step"]["question"].as_str().unwrap() {
                "malignancy" => case.intended_label() == mammo_core::Label::Cancer,
                "tampering" => altered,
                _ => !altered,
            };
            let spread = (position * 13 + i * 7) as u32 % 40;
            if yes { 60 + spread } else { spread + 10 * u32::from(position.is_multiple_of(5)) }
        });
    }
    let out = dir.path().join("export");
    succeed(mammo().args(["study", "export"]).arg(&study).arg("--out").arg(&out));
    for name in [
        "ratings.csv",
        "answers.csv",
        "malignancy.csv",
        "malignancy.imrmc",
        "malignancy.xlsx",
        "tampering.csv",
        "tampering.imrmc",
        "tampering.xlsx",
    ] {
        assert!(out.join(name).is_file(), "{name}");
    }
    let ratings = mammo_reader::read_ratings(&out.join("ratings.csv")).unwrap();
    assert_eq!(
        ratings.len(),
        2 * 2 * 36,
        "two readers, two questions, 36 images; no training, no second looks"
    );
    for file in ["tampering.imrmc", "tampering.xlsx", "malignancy.imrmc"] {
        let mut analyse = mammo();
        analyse.args(["stats", "analyse", "--json", "--method", "gallas"]).arg(out.join(file));
        let text = succeed(&mut analyse);
        assert!(text.contains("\"schema\""), "{file}");
    }
    let page = dir.path().join("page.html");
    let text = succeed(mammo().args(["study", "analyse"]).arg(&study).arg("--report").arg(&page));
    for words in ["ann", "Table 2", "pairs side by side", "weighted kappa", "Gallas", "Obuchowski"] {
        assert!(text.contains(words), "{words} in {text}");
    }
    let html = fs::read_to_string(page).unwrap();
    assert!(html.contains("Side by side") && html.contains("Not for diagnosis"));
    let json: serde_json::Value =
        serde_json::from_str(&succeed(mammo().args(["study", "analyse", "--json"]).arg(&study))).unwrap();
    assert_eq!(json["simulated"], false);
    let auc = json["analysis"]["readers"][0]["tampering"]["detection"]["estimate"]["auc"].as_f64().unwrap();
    assert!(auc > 0.95, "{auc}");
    // All pairs: the right one is named.
    assert_eq!(json["side_by_side"][0]["right"], 12);
}

#[test]
fn experiment_2_has_its_checkpoints_apart() {
    let dir = scratch();
    let (late, early) = (run_folder(dir.path(), 100), run_folder(&dir.path().join("early"), 100));
    let study = dir.path().join("study");
    let mut design = mammo();
    design.args(["study", "design", "--design", "becker-exp2", "--seed", "2", "--run"]).arg(&late);
    succeed(design.arg("--early").arg(&early).arg("--out").arg(&study));
    let code = add(&study, "ann");
    let truth = mammo_room::StudyFolder::new(&study).truth().unwrap();
    assert_eq!(truth.cases.len(), 72);
    let order = mammo_room::reading_order(&truth, "ann").unwrap();
    let room = Room::open(&study);
    Http::sign_in(&room.url, "ann", &code).read_all(|state| {
        // Sees what is late, and guesses what is early.
        let position = state["step"]["position"].as_u64().unwrap() as usize;
        let case = truth.case(&order[position - 1].first).unwrap();
        let altered = case.case.arm == mammo_reader::Arm::Modified;
        if case.checkpoint == "late" && altered { 90 } else { (position * 7) as u32 % 60 }
    });
    let text = succeed(mammo().args(["study", "analyse"]).arg(&study));
    assert!(text.contains("by checkpoint") && text.contains("Table 3"), "{text}");
    let json: serde_json::Value =
        serde_json::from_str(&succeed(mammo().args(["study", "analyse", "--json"]).arg(&study))).unwrap();
    let auc = |i: usize| {
        let part = &json["by_checkpoint"][i];
        let auc = &part["analysis"]["readers"][0]["tampering"]["detection"]["estimate"]["auc"];
        (part["checkpoint"].as_str().unwrap().to_owned(), auc.as_f64().unwrap())
    };
    assert_eq!(auc(1), ("late".to_owned(), 1.0));
    assert!(auc(0).0 == "early" && auc(0).1 < 0.95, "{:?}", auc(0));

    // Another run's early images are not this run's.
    let other = run_folder(&dir.path().join("other"), 98);
    let mut design = mammo();
    design.args(["study", "design", "--design", "becker-exp2", "--seed", "2", "--run"]).arg(&late);
    design.arg("--early").arg(&other).arg("--out").arg(dir.path().join("second"));
    assert!(fail(&mut design).contains("same data"));
}

#[test]
fn an_address_that_others_reach_is_warned_about() {
    let dir = scratch();
    let study = study(dir.path(), 20, Some(SMALL));
    add(&study, "ann");
    for (address, warned) in [("0.0.0.0:0", true), ("127.0.0.1:0", false)] {
        let mut command = mammo();
        command.args(["study", "serve"]).arg(&study).args(["--bind", address]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stdout.take().unwrap()), &mut line)
            .unwrap();
        child.kill().unwrap();
        let stderr = String::from_utf8(child.wait_with_output().unwrap().stderr).unwrap();
        assert_eq!(stderr.contains("TLS"), warned, "{address}: {stderr}");
    }
}
