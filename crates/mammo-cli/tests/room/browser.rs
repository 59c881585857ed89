//! A real browser: two readers complete a study of 60 images by keyboard, in orders of their own, one of them across a
//! kill -9 of the room. Skipped, with the reason, where Chromium and its driver are not installed.

use crate::fixture::{Room, SMALL, add, add_coordinator, scratch, study, verify};
use mammo_room::store;
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const ENTER: &str = "\u{e007}";

/// Chromium by its driver (W3C WebDriver).
struct Browser {
    driver: Child,
    agent: ureq::Agent,
    session: String,
    profile: tempfile::TempDir,
}

impl Browser {
    /// `None` where there is no driver.
    fn start(width: u32, height: u32) -> Option<Self> {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let lines = BufReader::new(driver.stdout.take()?).lines();
        let line = lines.map_while(Result::ok).find(|line| line.contains("successfully on port"))?;
        let port: String = line.chars().filter(char::is_ascii_digit).collect();
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let profile = scratch();
        let args = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--force-device-scale-factor=1",
        ];
        let mut args: Vec<String> = args.map(str::to_owned).into();
        args.push(format!("--user-data-dir={}", profile.path().display()));
        args.push(format!("--window-size={width},{height}"));
        let wanted = json!({"capabilities": {"alwaysMatch": {"browserName": "chrome", "goog:chromeOptions": {"args": args},
            "goog:loggingPrefs": {"browser": "ALL"}}}});
        let base = format!("http://127.0.0.1:{port}");
        let mut browser = Self { driver, agent, session: base, profile };
        let made = browser.call("/session", &wanted);
        let id = made["sessionId"].as_str()?.to_owned();
        browser.session = format!("{}/session/{id}", browser.session);
        // The window's size counts its frame; the page's shall be as asked.
        let inner = browser.run("return [outerWidth - innerWidth, outerHeight - innerHeight]");
        let extra = |i: usize| inner[i].as_u64().unwrap_or_default() as u32;
        browser.call("/window/rect", &json!({"width": width + extra(0), "height": height + extra(1)}));
        Some(browser)
    }

    fn call(&self, path: &str, body: &Value) -> Value {
        let request = self.agent.post(format!("{}{path}", self.session)).content_type("application/json");
        let mut response = request.send(body.to_string()).expect("the driver answers");
        let text = response.body_mut().read_to_string().expect("its answer");
        let value: Value = serde_json::from_str(&text).expect("JSON");
        value["value"].clone()
    }

    fn go(&self, url: &str) {
        self.call("/url", &json!({ "url": url }));
    }

    fn run(&self, script: &str) -> Value {
        self.call("/execute/sync", &json!({"script": script, "args": []}))
    }

    /// Presses keys one after the other.
    fn keys(&self, keys: &str) {
        let presses: Vec<Value> = keys
            .chars()
            .flat_map(|c| {
                [
                    json!({"type": "keyDown", "value": c.to_string()}),
                    json!({"type": "keyUp", "value": c.to_string()}),
                ]
            })
            .collect();
        self.call("/actions", &json!({"actions": [{"type": "key", "id": "keyboard", "actions": presses}]}));
    }

    /// Waits until `script` gives true.
    fn wait(&self, what: &str, script: &str) {
        let clock = Instant::now();
        while self.run(script) != true {
            assert!(
                clock.elapsed() < Duration::from_secs(20),
                "{what} does not come: {}\nconsole: {}",
                self.run("return document.body.innerText"),
                self.call("/se/log", &json!({"type": "browser"}))
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Keeps a picture of the page for people to look at.
    fn picture(&self, name: &str) {
        let request = self.agent.get(format!("{}/screenshot", self.session));
        let mut response = request.call().expect("the driver answers");
        let body: Value =
            serde_json::from_str(&response.body_mut().with_config().limit(1 << 26).read_to_string().unwrap())
                .unwrap();
        fs::write(pictures().join(name), base64(body["value"].as_str().unwrap())).unwrap();
    }

    fn sign_in(&self, url: &str, name: &str, code: &str) {
        self.go(&format!("{url}/sign-in"));
        self.wait("the field for the name", "return document.activeElement.id === 'name'");
        self.keys(&format!("{name}\t"));
        self.keys(&format!("{code}{ENTER}"));
    }

    /// Errors of the page's scripts and policies.
    fn complaints(&self) -> Vec<String> {
        let log = self.call("/se/log", &json!({"type": "browser"}));
        let lines = log.as_array().cloned().unwrap_or_default();
        lines
            .iter()
            .filter(|l| l["level"] == "SEVERE")
            .map(|l| l["message"].as_str().unwrap_or_default().to_owned())
            // A killed room, and the icon that no page has.
            .filter(|m| !m.contains("favicon") && !m.contains("ERR_CONNECTION") && !m.contains("ERR_EMPTY"))
            .collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.agent.delete(&self.session).call();
        let _ = self.driver.kill();
        let _ = self.driver.wait();
        let _ = &self.profile;
    }
}

fn pictures() -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("room-pictures");
    fs::create_dir_all(&dir).unwrap();
    dir
}

fn base64(text: &str) -> Vec<u8> {
    const SIGNS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let values: Vec<u32> =
        text.bytes().filter_map(|b| SIGNS.iter().position(|&s| s == b)).map(|v| v as u32).collect();
    values
        .chunks(4)
        .flat_map(|c| {
            let word = c.iter().enumerate().fold(0, |word, (i, v)| word | (v << (18 - 6 * i)));
            word.to_be_bytes()[1..c.len()].to_vec()
        })
        .collect()
}

/// What the reader at this step answers: the keys, and the score among them.
fn answer(reader: usize, position: u64, question: &str) -> (String, u64) {
    let score = (position * 17 + reader as u64 * 29) % 101;
    let first = if question == "malignancy" {
        ["1", "2", "3", "a", "b", "c", "5"][(position % 7) as usize]
    } else {
        ["1", "2", "3", "4", "5"][(position % 5) as usize]
    };
    (format!("{first}{score}{ENTER}"), score)
}

/// Reads until the end, or until `stop` steps were read; notes every answer, and how long images took to appear.
fn read(
    browser: &Browser,
    reader: usize,
    stop: u64,
    given: &mut Vec<(u64, String, u64)>,
    paints: &mut Vec<f64>,
) {
    let mut moved = Instant::now();
    loop {
        assert!(
            moved.elapsed() < Duration::from_mins(1),
            "the page stands still: {}",
            browser.run("return document.body.innerText")
        );
        let state = browser.run(
            "const d = document.body.dataset; return [d.phase, d.ready || '', d.position || '', d.question || '', \
             d.paint || '', document.body.classList.contains('words') && !!document.querySelector('#panel button')]",
        );
        let text = |i: usize| state[i].as_str().unwrap_or_default().to_owned();
        if text(0) == "done" {
            return;
        }
        if text(1) == "feedback" || state[5] == true {
            if text(0) == "check" {
                browser.keys("db");
                browser.picture(&format!("check-{reader}.png"));
            }
            browser.keys(ENTER);
            std::thread::sleep(Duration::from_millis(10));
            continue;
        }
        let (position, question) = (text(2).parse::<u64>().unwrap_or(0), text(3));
        if text(1) != format!("{position}/{question}") {
            std::thread::sleep(Duration::from_millis(3));
            continue;
        }
        if position > stop {
            return;
        }
        if question != "tampering" {
            paints.push(text(4).parse().unwrap_or(f64::NAN));
        }
        if [1, 6, 70].contains(&position) {
            browser.picture(&format!("step-{reader}-{position}-{question}.png"));
        }
        let (keys, score) = answer(reader, position, &question);
        browser.keys(&keys);
        given.push((position, question, score));
        moved = Instant::now();
    }
}

/// Says, past the test harness, why a test did nothing.
fn skipped() {
    let _ = writeln!(
        std::io::stderr(),
        "skipped: no Chromium starts by chromedriver here; install Debian's chromium and chromium-driver"
    );
}

#[test]
fn the_page_keeps_sixteen_bits_notices_idle_time_and_goes_back_where_it_may() {
    let dir = scratch();
    let plan = SMALL.replace("training_cases = 2", "training_cases = 0\ngo_back = true\nidle_after_s = 1");
    let study = study(dir.path(), 20, Some(&plan));
    let code = add(&study, "ann");
    let room = Room::open(&study);
    let Some(browser) = Browser::start(1280, 800) else { return skipped() };
    browser.sign_in(&room.url, "ann", &code);
    browser.wait("the display check", "return document.body.dataset.phase === 'check'");
    browser.keys(ENTER);
    browser.wait("the beginning", "return !!document.querySelector('#panel .words button')");
    browser.keys(ENTER);
    browser.wait("the first image", "return document.body.dataset.ready === '1/malignancy'");

    let decoded = browser.run(
        "return fetch('/api/image/1/left').then(r => r.arrayBuffer()).then(b => import('/assets/png.js').then(m => m.decode(b)))\
         .then(i => [i.width, i.height, i.data.reduce((a, b) => a + b, 0), new Set(i.data).size])",
    );
    let folder = mammo_room::StudyFolder::new(&study);
    let order = mammo_room::reading_order(&folder.truth().unwrap(), "ann").unwrap();
    let plane = mammo_png::decode_gray(&fs::read(folder.picture(&order[0].first)).unwrap()).unwrap();
    let levels: Vec<u64> = plane.data().iter().map(|v| (v * 65535.0).round() as u64).collect();
    let distinct = levels.iter().collect::<std::collections::BTreeSet<_>>().len();
    assert_eq!(decoded, json!([plane.width(), plane.height(), levels.iter().sum::<u64>(), distinct]));
    assert!(distinct > 256, "an image of more levels than eight bits hold");

    // A second without a hand is idle.
    std::thread::sleep(Duration::from_millis(1600));
    browser.keys(&answer(0, 1, "malignancy").0);
    browser.wait("the second question", "return document.body.dataset.ready === '1/tampering'");
    browser.keys(&answer(0, 1, "tampering").0);
    browser.wait("the second image", "return document.body.dataset.ready === '2/malignancy'");
    browser.keys("\u{e003}");
    browser.wait("the first image again", "return document.body.dataset.ready === '1/malignancy'");
    let before = browser.run(
        "return [document.getElementById('score').value, document.querySelector('input:checked').value]",
    );
    assert_eq!(before, json!([answer(0, 1, "malignancy").1.to_string(), "2"]));
    browser.keys("5");
    browser.run("document.getElementById('score').select()");
    browser.keys(&format!("99{ENTER}"));
    browser.wait("its second question", "return document.body.dataset.ready === '1/tampering'");
    browser.keys(ENTER);
    browser.wait("where she was", "return document.body.dataset.ready === '2/malignancy'");
    assert_eq!(browser.complaints(), Vec::<String>::new());
    verify(&study);
    let db = store::open_existing(&study.join("room.sqlite")).unwrap();
    let answers = store::answers(&db, 1).unwrap();
    assert_eq!((answers.len(), answers[0].0.score), (2, 99.0));
    let first: String = db
        .query_row("SELECT payload FROM log WHERE event = 'answer' ORDER BY seq LIMIT 1", [], |row| {
            row.get(0)
        })
        .unwrap();
    let first: Value = serde_json::from_str(&first).unwrap();
    assert!(
        first["idle_ms"].as_f64().unwrap() > 300.0 && first["elapsed_ms"].as_f64().unwrap() > 1500.0,
        "{first}"
    );

    browser.run("document.getElementById('sign-out').click()");
    browser.wait("the door", "return location.pathname === '/sign-in'");
}

#[test]
fn two_readers_complete_sixty_images_by_keyboard_one_across_a_killed_room() {
    let dir = scratch();
    let study = study(dir.path(), 48, None);
    let (ann, ben, chief) = (add(&study, "ann"), add(&study, "ben"), add_coordinator(&study, "chief"));
    let mut room = Room::open(&study);
    let Some(browser) = Browser::start(1280, 800) else {
        skipped();
        return;
    };
    let (mut by_ann, mut by_ben, mut paints) = (Vec::new(), Vec::new(), Vec::new());

    browser.go(&format!("{}/", room.url));
    browser.picture("sign-in.png");
    browser.sign_in(&room.url, "ann", "wrong");
    browser.wait("the refusal", "return document.body.innerText.includes('not right')");
    browser.sign_in(&room.url, "ann", &ann);
    browser.wait("the display check", "return document.body.dataset.phase === 'check'");
    read(&browser, 0, 30, &mut by_ann, &mut paints);

    // Work at the image before answering: all of it by keys, the mark by mouse.
    browser.keys("wis+++");
    browser.keys("m");
    let middle = browser.run("const b = document.querySelector('#stage canvas').getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2]");
    let (x, y) = (middle[0].as_f64().unwrap() as i64, middle[1].as_f64().unwrap() as i64);
    browser.call(
        "/actions",
        &json!({"actions": [{"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}, "actions": [
            {"type": "pointerMove", "duration": 0, "x": x, "y": y}, {"type": "pointerDown", "button": 0},
            {"type": "pointerUp", "button": 0}]}]}),
    );
    browser.picture("worked-on.png");
    browser.keys("?");
    browser.picture("keys.png");
    browser.keys("\u{e00c}");
    browser.keys("k");
    browser.keys("a comment");
    browser.picture("comment.png");
    browser.run("document.getElementById('comment-save').click()");
    std::thread::sleep(Duration::from_millis(200));
    browser.keys("r");

    // The room is killed under the open page; an answer given meanwhile is kept on the page and arrives later.
    let address = room.address().to_owned();
    room.kill();
    let (keys, score) = answer(0, 31, "malignancy");
    browser.keys(&keys);
    by_ann.push((31, "malignancy".to_owned(), score));
    browser.wait(
        "the notice",
        "return document.getElementById('status').textContent.includes('does not answer')",
    );
    browser.picture("room-gone.png");
    verify(&study);
    let room = Room::open_at(&study, &address);
    browser.wait("the answer's arrival", "return document.body.dataset.ready === '31/tampering'");

    // She goes on at another machine, and there to the end.
    let second = Browser::start(1280, 800).expect("as before");
    second.sign_in(&room.url, "ann", &ann);
    second.wait("the display check", "return document.body.dataset.phase === 'check'");
    read(&second, 0, 1000, &mut by_ann, &mut paints);
    second.picture("done.png");
    // Ben reads in portrait.
    let portrait = Browser::start(900, 1200).expect("as before");
    portrait.sign_in(&room.url, "ben", &ben);
    portrait.wait("the display check", "return document.body.dataset.phase === 'check'");
    read(&portrait, 1, 1000, &mut by_ben, &mut paints);
    portrait.picture("done-portrait.png");
    browser.go(&format!("{}/sign-in", room.url));
    browser.run("document.cookie = ''");
    let coordinator = Browser::start(1280, 800).expect("as before");
    coordinator.sign_in(&room.url, "chief", &chief);
    coordinator.wait("the list", "return document.querySelectorAll('#readers tr').length === 3");
    coordinator.picture("coordinator.png");
    for browser in [&second, &portrait, &coordinator] {
        assert_eq!(browser.complaints(), Vec::<String>::new());
    }

    verify(&study);
    let db = store::open_existing(&study.join("room.sqlite")).unwrap();
    for (number, given) in [(1, &by_ann), (2, &by_ben)] {
        assert_eq!(given.len(), 2 * (4 + 60) + 20, "training, single images, pairs");
        let stored: Vec<_> = store::answers(&db, number).unwrap();
        let stored_scores: Vec<_> = stored
            .iter()
            .map(|(a, _)| (a.position as u64, a.question.name().to_owned(), a.score as u64))
            .collect();
        assert_eq!(&stored_scores, given, "what was typed is what is stored");
    }
    let ordered = |number| store::items(&db, number).unwrap();
    assert_ne!(ordered(1), ordered(2));
    let worked = &store::answers(&db, 1).unwrap().into_iter().find(|(a, _)| a.position == 31).unwrap().0;
    assert!(worked.mark.is_some() && worked.view.smoothed_before, "{worked:?}");
    assert_eq!(store::comments(&db).unwrap(), [("ann".to_owned(), 31, "a comment".to_owned())]);
    paints.sort_by(f64::total_cmp);
    let _ = writeln!(
        std::io::stderr(),
        "image on screen after the key: median {:.0} ms, 95 % {:.0} ms, longest {:.0} ms",
        paints[paints.len() / 2],
        paints[paints.len() * 95 / 100],
        paints[paints.len() - 1]
    );
}
