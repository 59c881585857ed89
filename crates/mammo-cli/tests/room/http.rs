//! Raw requests: everything that a reader's machine sends and receives.

use serde_json::{Value, json};

/// One answer of the server.
pub(crate) struct Got {
    pub(crate) status: u16,
    /// Names and values, in alphabetical order.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Got {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.text()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|h| h.0 == name).map_or("", |h| &h.1)
    }
}

/// A browser without a window.
pub(crate) struct Http {
    agent: ureq::Agent,
    pub(crate) url: String,
    pub(crate) cookie: String,
    pub(crate) csrf: String,
}

impl Http {
    pub(crate) fn new(url: &str) -> Self {
        let agent = ureq::Agent::config_builder()
            .max_idle_connections(0)
            .max_redirects(0)
            .http_status_as_error(false)
            .build()
            .into();
        Self { agent, url: url.to_owned(), cookie: String::new(), csrf: String::new() }
    }

    /// Signs in and reads where the reader stands.
    pub(crate) fn sign_in(url: &str, name: &str, code: &str) -> Self {
        let mut http = Self::new(url);
        let got = http.form(name, code);
        assert_eq!((got.status, got.header("location")), (303, "/"), "{name} cannot sign in");
        http.cookie = String::from(got.header("set-cookie").split(';').next().unwrap());
        let state = http.get("/api/state").json();
        http.csrf = String::from(state["csrf"].as_str().unwrap());
        http
    }

    /// A change that may get no answer because the room is gone.
    pub(crate) fn try_post(&self, path: &str, body: &Value) -> Option<Got> {
        let request = self.agent.post(format!("{}{path}", self.url)).header("cookie", &self.cookie);
        let request = request.header("x-csrf-token", &self.csrf).header("content-type", "application/json");
        let mut response = request.send(body.to_string()).ok()?;
        let body = response.body_mut().read_to_vec().ok()?;
        Some(Got { status: response.status().as_u16(), headers: Vec::new(), body })
    }

    /// What signing in answers.
    pub(crate) fn form(&self, name: &str, code: &str) -> Got {
        let request = self.agent.post(format!("{}/sign-in", self.url));
        take(request.send_form([("name", name), ("code", code)]))
    }

    pub(crate) fn get(&self, path: &str) -> Got {
        take(self.agent.get(format!("{}{path}", self.url)).header("cookie", &self.cookie).call())
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Got {
        self.post_with(path, &body.to_string(), &[])
    }

    /// A request with other headers: the given ones replace those of the page.
    pub(crate) fn post_with(&self, path: &str, body: &str, headers: &[(&str, &str)]) -> Got {
        let mut all = vec![
            ("cookie", self.cookie.as_str()),
            ("x-csrf-token", &self.csrf),
            ("content-type", "application/json"),
        ];
        all.retain(|(name, _)| !headers.iter().any(|h| h.0 == *name));
        all.extend(headers.iter().filter(|h| !h.1.is_empty()).copied());
        let request = self.agent.post(format!("{}{path}", self.url));
        let request = all.iter().fold(request, |r, (name, value)| r.header(*name, *value));
        take(request.send(body))
    }

    pub(crate) fn check_display(&self) -> Value {
        let event = json!({"event": "display_check", "screen_width_px": 1, "screen_height_px": 1, "device_pixel_ratio": 1,
            "window_width_px": 1, "window_height_px": 1, "sees_dark": true, "sees_bright": true});
        let got = self.post("/api/event", &event);
        assert_eq!(got.status, 200, "{}", got.text());
        got.json()
    }

    /// An answer that fits the step of `state`.
    pub(crate) fn fitting(state: &Value, score: u32) -> Value {
        let step = &state["step"];
        let mut answer = json!({"position": step["position"], "question": step["question"], "score": score,
            "elapsed_ms": 1000, "idle_ms": 0});
        if step["question"] == "malignancy" {
            answer["category"] = json!(if score > 50 { "4c" } else { "2" });
        } else {
            answer["points"] = json!(1 + score / 25);
        }
        answer
    }

    /// Answers everything; gives the answers.
    pub(crate) fn read_all(&self, mut score: impl FnMut(&Value) -> u32) -> Vec<Value> {
        let mut state = self.check_display();
        let mut given = Vec::new();
        while state["phase"] == "read" {
            let answer = Self::fitting(&state, score(&state));
            let got = self.post("/api/answer", &answer);
            assert_eq!(got.status, 200, "{}", got.text());
            given.push(answer);
            state = got.json()["state"].clone();
        }
        assert_eq!(state["phase"], "done");
        given
    }
}

fn take(result: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Got {
    let mut response = result.expect("the room answers");
    let mut headers: Vec<_> = response
        .headers()
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().to_owned()))
        .collect();
    headers.sort();
    let status = response.status().as_u16();
    Got { status, headers, body: response.body_mut().read_to_vec().expect("a body") }
}
