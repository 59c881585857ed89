//! Nothing that reaches a reader's machine tells what is true.

use crate::fixture::{Room, add, scratch, study};
use crate::http::{Got, Http};
use mammo_room::{ItemKind, StudyFolder, Truth, reading_order};
use std::fs;

/// Everything that one reader receives from signing in to the end: for each step the state, and both pictures.
struct Received {
    answers: Vec<(String, Got)>,
}

fn everything(http: &Http) -> Received {
    let mut answers = vec![("/".to_owned(), http.get("/")), ("/sign-in".to_owned(), http.get("/sign-in"))];
    http.check_display();
    loop {
        let got = http.get("/api/state");
        let state = got.json();
        answers.push(("/api/state".to_owned(), got));
        if state["phase"] != "read" {
            return Received { answers };
        }
        for list in [&state["step"]["pictures"], &state["next"]] {
            for path in list.as_array().unwrap() {
                let path = path.as_str().unwrap().to_owned();
                let got = http.get(&path);
                answers.push((path, got));
            }
        }
        let got = http.post("/api/answer", &Http::fitting(&state, 50));
        answers.push(("/api/answer".to_owned(), got));
    }
}

#[test]
fn a_readers_machine_gets_neither_names_nor_truth_and_every_picture_looks_the_same() {
    let dir = scratch();
    let study = study(dir.path(), 48, None);
    let code = add(&study, "ann");
    let folder = StudyFolder::new(&study);
    let truth = folder.truth().unwrap();
    // The seal is taken away: the room must not need it.
    fs::rename(study.join("truth"), dir.path().join("elsewhere")).unwrap();
    let room = Room::open(&study);
    let received = everything(&Http::sign_in(&room.url, "ann", &code));
    assert!(received.answers.iter().all(|(path, got)| got.status == 200 && path.len() < 40));

    let order = reading_order(&truth, "ann").unwrap();
    names_are_absent(&received, &truth);
    pictures_are_alike(&received);
    pictures_are_the_right_ones(&received, &folder, &order);
}

/// Names, labels, arms and seeds are in no body, header or address. Words of the page (which is one for all) and of the
/// feedback in training are not about an image of the study.
fn names_are_absent(received: &Received, truth: &Truth) {
    let mut secret: Vec<String> =
        vec!["original_only".into(), "truth".into(), "checkpoint".into(), "seed".into()];
    for case in truth.cases.iter().chain(&truth.training) {
        secret.extend([
            case.id.clone(),
            case.case.source.to_string(),
            case.case.patient.to_string(),
            case.case.case.clone(),
        ]);
    }
    for (path, got) in &received.answers {
        let heads: Vec<String> = got.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        let text = format!("{path}\n{}\n{}", heads.join("\n"), got.text());
        for word in &secret {
            assert!(!text.contains(word.as_str()), "{word} in what {path} sends");
        }
        if path == "/api/state" {
            for word in ["healthy", "cancer", "modified", "original", "arm", "label", "pair_of", "repeat"] {
                assert!(!got.text().contains(&format!("\"{word}\"")), "{word} in {}", got.text());
            }
        }
        if path == "/api/answer" {
            let body = got.json();
            let training = body["feedback"].is_object();
            assert!(training || !got.text().contains("cancer"), "{}", got.text());
        }
    }
    let feedback =
        received.answers.iter().filter(|(p, g)| p == "/api/answer" && g.json()["feedback"].is_object());
    assert_eq!(feedback.count(), truth.training.len(), "feedback in training and nowhere else");
}

/// All pictures have one length, one head before the pixels and one set of headers but for the clock's.
fn pictures_are_alike(received: &Received) {
    let pictures: Vec<_> =
        received.answers.iter().filter(|(path, _)| path.starts_with("/api/image")).collect();
    let stable = |got: &Got| got.headers.iter().filter(|h| h.0 != "date").cloned().collect::<Vec<_>>();
    let first = &pictures[0].1;
    let head = first.body.windows(4).position(|w| w == b"IDAT").unwrap() + 4;
    for (path, got) in &pictures {
        assert_eq!(got.body.len(), first.body.len(), "{path}");
        assert_eq!(got.body[..head], first.body[..head], "{path}");
        assert_eq!(stable(got), stable(first), "{path}");
        assert_eq!(got.header("cache-control"), "no-store");
    }
    for name in ["etag", "last-modified", "content-disposition"] {
        assert_eq!(first.header(name), "", "{name}");
    }
}

/// What is shown is what the order says, and the states of two steps with originals and fakes differ by nothing but
/// their numbers.
fn pictures_are_the_right_ones(received: &Received, folder: &StudyFolder, order: &[mammo_room::Item]) {
    for (path, got) in received.answers.iter().filter(|(path, _)| path.starts_with("/api/image")) {
        let parts: Vec<&str> = path.split('/').collect();
        let item = &order[parts[3].parse::<usize>().unwrap() - 1];
        let id = if parts[4] == "left" { &item.first } else { item.second.as_ref().unwrap() };
        assert_eq!(got.body, fs::read(folder.picture(id)).unwrap(), "{path}");
    }
    let shapes: std::collections::BTreeSet<String> = received
        .answers
        .iter()
        .filter(|(path, got)| path == "/api/state" && got.json()["step"]["kind"] == "single")
        .map(|(_, got)| {
            let mut state = got.json();
            let step = state["step"].as_object_mut().unwrap();
            for name in ["position", "number", "pictures", "session", "opens_sitting", "question"] {
                step.remove(name);
            }
            state["next"] = serde_json::Value::Null;
            state.to_string()
        })
        .collect();
    assert_eq!(shapes.len(), 1, "{shapes:?}");
    assert!(order.iter().any(|item| item.kind == ItemKind::Pair));
}

#[test]
fn pictures_of_later_steps_are_not_handed_out() {
    let dir = scratch();
    let study = study(dir.path(), 48, None);
    let code = add(&study, "ann");
    let room = Room::open(&study);
    let http = Http::sign_in(&room.url, "ann", &code);
    assert_eq!(http.get("/api/image/1/left").status, 404, "before the display check");
    http.check_display();
    for (path, status) in [
        ("/api/image/1/left", 200),
        ("/api/image/2/left", 200),
        ("/api/image/3/left", 404),
        ("/api/image/1/right", 404),
        ("/api/image/0/left", 404),
        ("/api/image/99999/left", 404),
        ("/api/image/18446744073709551615/left", 404),
        ("/api/image/-1/left", 400),
        ("/api/image/1/..%2f..%2ftruth", 404),
    ] {
        assert_eq!(http.get(path).status, status, "{path}");
    }
}
