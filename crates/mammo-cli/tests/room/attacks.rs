//! What a curious or hostile visitor tries, and is refused.

use crate::fixture::{Room, SMALL, add, add_coordinator, scratch, study, verify};
use crate::http::Http;
use serde_json::json;

#[test]
fn strangers_get_nothing() {
    let dir = scratch();
    let study = study(dir.path(), 20, Some(SMALL));
    let code = add(&study, "ann");
    let room = Room::open(&study);
    let nobody = Http::new(&room.url);
    for path in ["/api/state", "/api/image/1/left", "/api/progress"] {
        assert_eq!(nobody.get(path).status, 401, "{path}");
    }
    for path in ["/", "/coordinator"] {
        let got = nobody.get(path);
        assert_eq!((got.status, got.header("location")), (303, "/sign-in"), "{path}");
    }
    assert_eq!(nobody.post("/api/answer", &json!({})).status, 401);

    // A forged, a cut and a foreign session.
    let ann = Http::sign_in(&room.url, "ann", &code);
    let mut forged = Http::new(&room.url);
    for token in [
        "mammo-room=",
        &format!("mammo-room={}", "0".repeat(64)),
        &ann.cookie[..40],
        "mammo-room=' OR 1=1 --",
    ] {
        forged.cookie = token.to_owned();
        assert_eq!(forged.get("/api/state").status, 401, "{token}");
    }

    // Signing out ends the session on the server, not only in the browser.
    assert_eq!(ann.post("/sign-out", &json!({})).status, 204);
    assert_eq!(ann.get("/api/state").status, 401);
}

#[test]
fn files_beyond_the_rooms_own_are_out_of_reach() {
    let dir = scratch();
    let study = study(dir.path(), 20, Some(SMALL));
    let code = add(&study, "ann");
    let room = Room::open(&study);
    let ann = Http::sign_in(&room.url, "ann", &code);
    for path in [
        "/assets/../study.json",
        "/assets/..%2fstudy.json",
        "/assets/%2e%2e%2ftruth%2ftruth.json",
        "/truth/truth.json",
        "/study.json",
        "/room.sqlite",
        "/images/",
        "/assets/",
        "//etc/passwd",
    ] {
        let got = ann.get(path);
        assert_eq!(got.status, 404, "{path}");
        assert!(got.body.len() < 100, "{path}");
    }
}

#[test]
fn readers_see_neither_each_other_nor_the_coordinators_page() {
    let dir = scratch();
    let study = study(dir.path(), 20, Some(SMALL));
    let (ann, ben, chief) = (add(&study, "ann"), add(&study, "ben"), add_coordinator(&study, "chief"));
    let room = Room::open(&study);
    let (ann, ben) = (Http::sign_in(&room.url, "ann", &ann), Http::sign_in(&room.url, "ben", &ben));
    let mut state = ann.check_display();
    for _ in 0..4 {
        state = ann.post("/api/answer", &Http::fitting(&state, 77)).json()["state"].clone();
    }
    let before = state["step"]["position"].clone();
    ben.check_display();
    for path in ["/coordinator", "/api/progress"] {
        let got = ben.get(path);
        assert_eq!(got.status, 403, "{path}");
        assert!(!got.text().contains("ann"));
    }
    // Ben's view knows nothing of ann, and his requests change nothing of hers.
    assert!(!ben.get("/api/state").text().contains("ann"));
    assert_eq!(ben.post_with("/api/answer", "{}", &[("x-csrf-token", &ann.csrf)]).status, 403);
    let mut mixed = Http::new(&room.url);
    (mixed.cookie, mixed.csrf) = (ben.cookie.clone(), ben.csrf.clone());
    let answer = json!({"reader": "ann", "position": 1, "question": "malignancy", "score": 1, "category": "1", "elapsed_ms": 1, "idle_ms": 0});
    assert_eq!(mixed.post("/api/answer", &answer).status, 422);
    assert_eq!(ann.get("/api/state").json()["step"]["position"], before);

    let chief = Http::sign_in(&room.url, "chief", &chief);
    let page = chief.get("/api/progress").json();
    assert_eq!(page["readers"].as_array().unwrap().len(), 2);
    for reader in page["readers"].as_array().unwrap() {
        let told: Vec<&str> = reader.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(told, ["done", "last_ms", "mean_s", "reader", "simulated", "total"]);
    }
    assert_eq!(chief.get("/coordinator").status, 200);
    assert_eq!(chief.get("/").header("location"), "/coordinator");
    // The coordinator reads nothing.
    assert_eq!(chief.get("/api/image/1/left").status, 404);
    assert_eq!(
        chief
            .post(
                "/api/answer",
                &Http::fitting(&json!({"step": {"position": 1, "question": "malignancy"}}), 3)
            )
            .status,
        403
    );
}

#[test]
fn changes_need_the_page_and_come_from_its_own_origin() {
    let dir = scratch();
    let study = study(dir.path(), 20, Some(SMALL));
    let code = add(&study, "ann");
    let room = Room::open(&study);
    let ann = Http::sign_in(&room.url, "ann", &code);
    let state = ann.check_display();
    let answer = Http::fitting(&state, 10).to_string();
    for headers in [
        [("x-csrf-token", "")],
        [("x-csrf-token", "00000000000000000000000000000000")],
        [("origin", "http://evil.example")],
        [("origin", "null")],
        [("sec-fetch-site", "cross-site")],
    ] {
        assert_eq!(ann.post_with("/api/answer", &answer, &headers).status, 403, "{headers:?}");
    }
    assert_eq!(ann.post_with("/api/answer", &answer, &[("content-type", "text/plain")]).status, 415);
    assert_eq!(ann.post_with("/api/answer", &answer, &[("origin", &room.url)]).status, 200);

    let page = ann.get("/");
    let policy = page.header("content-security-policy");
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    assert_eq!((page.header("x-frame-options"), page.header("referrer-policy")), ("DENY", "same-origin"));
    let cookie = Http::new(&room.url).form("ann", &code).header("set-cookie").to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
}

#[test]
fn bad_bodies_are_refused_and_leave_no_trace() {
    let dir = scratch();
    let study = study(dir.path(), 20, Some(SMALL));
    let code = add(&study, "ann");
    let room = Room::open(&study);
    let ann = Http::sign_in(&room.url, "ann", &code);
    let state = ann.check_display();
    let before = verify(&study);
    let good = Http::fitting(&state, 10);
    let mut late = good.clone();
    late["position"] = json!(2);
    let mut tampering = good.clone();
    (tampering["question"], tampering["points"], tampering["category"]) =
        (json!("tampering"), json!(3), json!(null));
    let mut number = good.clone();
    number["score"] = json!("1'); DROP TABLE answers; --");
    let mut place = good.clone();
    place["mark"] = json!({"x": 5000, "y": 1});
    for (what, body, status) in [
        ("oversize", format!("{{\"position\": 1, \"x\": \"{}\"}}", "a".repeat(17_000)), 413),
        ("no JSON", "position=1".to_owned(), 400),
        ("no object", "[]".to_owned(), 422),
        ("a later step", late.to_string(), 409),
        ("the second question first", tampering.to_string(), 409),
        ("SQL", number.to_string(), 422),
        ("a mark outside", place.to_string(), 422),
        ("not a number", good.to_string().replace("10", "NaN"), 400),
        (
            "a position beyond numbers",
            good.to_string().replace("\"position\":1", "\"position\":18446744073709551615"),
            422,
        ),
        ("a negative position", good.to_string().replace("\"position\":1", "\"position\":-1"), 422),
    ] {
        let got = ann.post_with("/api/answer", &body, &[]);
        assert_eq!(got.status, status, "{what}: {}", got.text());
    }
    let words = json!({"event": "comment", "position": 1, "text": "x".repeat(3000)});
    assert_eq!(ann.post("/api/event", &words).status, 422);
    assert_eq!(verify(&study), before, "refused requests are in the log");

    // Text is text.
    let words = json!({"event": "comment", "position": 1, "text": "'); DROP TABLE log; -- <script>alert(1)</script>"});
    assert_eq!(ann.post("/api/event", &words).status, 200);
    assert_eq!(ann.post("/api/answer", &good).status, 200);
    assert_ne!(verify(&study), before);
    // The same answer again is no second answer; another one is refused.
    let known = verify(&study);
    assert_eq!(ann.post("/api/answer", &good).status, 200);
    let mut other = good;
    other["score"] = json!(90);
    assert_eq!(ann.post("/api/answer", &other).status, 409);
    assert_eq!(verify(&study), known);
}

#[test]
fn codes_cannot_be_guessed_at_speed_and_names_not_found_out() {
    let dir = scratch();
    let study = study(dir.path(), 20, Some(SMALL));
    let code = add(&study, "ann");
    add(&study, "ben");
    let room = Room::open(&study);
    let http = Http::new(&room.url);
    for name in ["ben", "nobody", "' OR '1'='1"] {
        assert_eq!(http.form(name, "wrong").header("location"), "/sign-in?wrong", "{name}");
    }
    for _ in 0..5 {
        assert_eq!(http.form("ann", "wrong").header("location"), "/sign-in?wrong");
    }
    assert_eq!(http.form("ann", &code).header("location"), "/sign-in?wait", "even the right code waits");
}
