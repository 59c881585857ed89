//! A reader without a browser: goes through the same requests as the page. For simulated readers and for load tests.

use crate::{Category, GivenAnswer, ItemKind, RoomError, RoomQuestion, View};
use mammo_core::Plane;
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Where the reader stands, as the room says.
#[derive(Debug, Clone, Deserialize)]
pub struct Standing {
    /// `check`, `read`, `wait`, `done` or `coordinate`.
    pub phase: String,
    /// What is asked, while reading.
    pub step: Option<Asked>,
    csrf: String,
    /// Pictures to load ahead.
    pub next: Vec<String>,
    /// Steps in all.
    pub total: usize,
}

/// What is asked.
#[derive(Debug, Clone, Deserialize)]
pub struct Asked {
    /// The step, from 1.
    pub position: usize,
    /// What is shown.
    pub kind: ItemKind,
    /// The question.
    pub question: RoomQuestion,
    /// Addresses of the pictures.
    pub pictures: Vec<String>,
}

/// Somebody who is signed in.
pub struct Client {
    agent: ureq::Agent,
    base: String,
    cookie: String,
    standing: Standing,
    /// How long each request took, with what it was for.
    pub times: Vec<(&'static str, Duration)>,
}

fn said(error: &ureq::Error) -> RoomError {
    RoomError::Room(error.to_string())
}

impl Client {
    /// Signs in at `base`, such as `http://127.0.0.1:8080`.
    ///
    /// # Errors
    /// [`RoomError::Room`] when nobody answers there, or the name or code is wrong.
    pub fn sign_in(base: &str, name: &str, code: &str) -> Result<Self, RoomError> {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .max_redirects(0)
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_mins(1)))
            .build()
            .into();
        let base = base.trim_end_matches('/').to_owned();
        let response = agent
            .post(format!("{base}/sign-in"))
            .send_form([("name", name), ("code", code)])
            .map_err(|error| said(&error))?;
        let cookie = response.headers().get("set-cookie").and_then(|v| v.to_str().ok());
        let Some(cookie) = cookie.and_then(|c| c.split(';').next()) else {
            return Err(RoomError::Room(format!("{name} cannot sign in; is the code right?")));
        };
        let cookie = cookie.to_owned();
        let standing =
            Standing { phase: String::new(), step: None, csrf: String::new(), next: Vec::new(), total: 0 };
        let mut client = Self { agent, base, cookie, standing, times: Vec::new() };
        let state = client.get("/api/state")?;
        client.standing = serde_json::from_slice(&state)?;
        Ok(client)
    }

    /// Where the reader stands.
    pub fn standing(&self) -> &Standing {
        &self.standing
    }

    /// Fetches anything of the room.
    ///
    /// # Errors
    /// [`RoomError::Room`] with the room's own words when it refuses.
    pub fn get(&mut self, path: &str) -> Result<Vec<u8>, RoomError> {
        let clock = Instant::now();
        let request = self.agent.get(format!("{}{path}", self.base)).header("cookie", &self.cookie);
        let mut response = request.call().map_err(|error| said(&error))?;
        let body =
            response.body_mut().with_config().limit(1 << 30).read_to_vec().map_err(|error| said(&error))?;
        let what = if path.starts_with("/api/image") { "image" } else { "page" };
        self.times.push((what, clock.elapsed()));
        if response.status() != 200 {
            return Err(RoomError::Room(String::from_utf8_lossy(&body).trim().to_owned()));
        }
        Ok(body)
    }

    fn post(&mut self, path: &str, value: &Value) -> Result<Value, RoomError> {
        let clock = Instant::now();
        let request = self
            .agent
            .post(format!("{}{path}", self.base))
            .header("cookie", &self.cookie)
            .header("x-csrf-token", &self.standing.csrf)
            .content_type("application/json");
        let mut response = request.send(value.to_string()).map_err(|error| said(&error))?;
        let body = response.body_mut().read_to_vec().map_err(|error| said(&error))?;
        self.times.push(("answer", clock.elapsed()));
        if response.status() != 200 {
            return Err(RoomError::Room(String::from_utf8_lossy(&body).trim().to_owned()));
        }
        Ok(serde_json::from_slice(&body)?)
    }

    /// Fetches a picture and decodes it to values in `[0, 1]`.
    ///
    /// # Errors
    /// As [`Self::get`]; [`RoomError::Picture`].
    pub fn picture(&mut self, path: &str) -> Result<Plane, RoomError> {
        Ok(mammo_png::decode_gray(&self.get(path)?)?)
    }

    /// Passes the display check, as a program that has no display.
    ///
    /// # Errors
    /// [`RoomError::Room`].
    pub fn check_display(&mut self) -> Result<(), RoomError> {
        let event = json!({"event": "display_check", "screen_width_px": 0, "screen_height_px": 0,
            "device_pixel_ratio": 1, "window_width_px": 0, "window_height_px": 0, "sees_dark": true, "sees_bright": true});
        self.standing = serde_json::from_value(self.post("/api/event", &event)?)?;
        Ok(())
    }

    /// Answers what is asked.
    ///
    /// # Errors
    /// [`RoomError::Room`] when nothing is asked, or the answer is refused.
    pub fn answer(
        &mut self,
        score: f64,
        category: Option<Category>,
        points: Option<u8>,
    ) -> Result<(), RoomError> {
        let Some(asked) = &self.standing.step else {
            return Err(RoomError::Room("nothing is asked".to_owned()));
        };
        let given = GivenAnswer {
            position: asked.position,
            question: asked.question,
            score,
            category,
            points,
            mark: None,
            elapsed_ms: 0.0,
            idle_ms: 0.0,
            paint_ms: 0.0,
            view: View::default(),
        };
        let body = self.post("/api/answer", &serde_json::to_value(given)?)?;
        self.standing = serde_json::from_value(body["state"].clone())?;
        Ok(())
    }
}
