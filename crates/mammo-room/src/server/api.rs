//! What the page asks and tells.

use super::guard::failed;
use super::{Shared, view};
use crate::store::{self, Recorded, Role, SignIn};
use crate::{GivenAnswer, ItemKind, RoomQuestion};
use axum::extract::rejection::JsonRejection;
use axum::extract::{Extension, Json, Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

type Who = Extension<(SignIn, String)>;

#[derive(Deserialize)]
pub(super) struct Asked {
    position: Option<usize>,
}

/// `GET /api/state`: where the reader stands.
pub(super) async fn state(
    State(room): State<Shared>,
    Extension((who, _)): Who,
    Query(asked): Query<Asked>,
) -> Response {
    state_of(&room, who, asked.position).await
}

async fn state_of(room: &Shared, who: SignIn, asked: Option<usize>) -> Response {
    let shared = room.clone();
    let now = store::now_ms();
    match room.store.run(move |db| view::state(db, &shared, &who, asked, now)).await {
        Ok(state) => Json(state).into_response(),
        Err(error) => failed(room, &error),
    }
}

/// `GET /api/image/POSITION/SIDE`: the picture of this step or of the next one, which the page loads ahead. No name of a
/// picture ever reaches the browser.
pub(super) async fn image(
    State(room): State<Shared>,
    Extension((who, _)): Who,
    Path((position, side)): Path<(usize, String)>,
) -> Response {
    if position > crate::answer::MOST_STEPS {
        return (StatusCode::NOT_FOUND, "there is no such picture now\n").into_response();
    }
    let go_back = room.study.go_back;
    let found = room
        .store
        .run(move |db| {
            let reader = who.account.number;
            let Some(step) = store::step(db, reader)? else {
                let item = if go_back { store::step_at(db, reader, position)? } else { None };
                return Ok(item.map(|step| step.item));
            };
            let open = position == step.position
                || position == step.position + 1
                || (go_back && position < step.position);
            let item = if open && who.checked { store::step_at(db, reader, position)? } else { None };
            Ok(item.map(|step| step.item))
        })
        .await;
    let id = match found {
        Ok(Some(item)) => match side.as_str() {
            "left" => Some(item.first),
            "right" => item.second,
            _ => None,
        },
        Ok(None) => None,
        Err(error) => return failed(&room, &error),
    };
    match id.and_then(|id| room.pictures.get(&id).cloned()) {
        Some(bytes) => ([(header::CONTENT_TYPE, "image/png")], bytes).into_response(),
        None => (StatusCode::NOT_FOUND, "there is no such picture now\n").into_response(),
    }
}

/// `POST /api/answer`: an answer; says where the reader stands then, and after training what was true.
pub(super) async fn answer(
    State(room): State<Shared>,
    Extension((who, _)): Who,
    given: Result<Json<GivenAnswer>, JsonRejection>,
) -> Response {
    let given = match given {
        Ok(Json(given)) => given,
        Err(rejection) => return (rejection.status(), "this is no answer\n").into_response(),
    };
    if let Err(error) = given.check((room.study.width_px, room.study.height_px)) {
        return (StatusCode::UNPROCESSABLE_ENTITY, format!("{error}\n")).into_response();
    }
    if who.account.role != Role::Reader || !who.checked {
        return (StatusCode::FORBIDDEN, "only a reader who checked the display answers\n").into_response();
    }
    let shared = room.clone();
    let now = store::now_ms();
    let done = room
        .store
        .run(move |db| {
            let account = &who.account;
            let earlier = store::step_at(db, account.number, given.position)?;
            if let Some(step) = &earlier
                && store::waiting_until_ms(db, account.number, step, shared.study.washout_days, now)?
                    .is_some()
            {
                return Ok((Recorded::NotYet, Value::Null));
            }
            let who_answers = (account.number, account.name.as_str());
            let recorded = store::record(db, who_answers, &given, shared.study.go_back, now)?;
            let feedback = earlier
                .filter(|s| s.item.kind == ItemKind::Training && given.question == RoomQuestion::Tampering)
                .and_then(|step| shared.study.feedback.get(&step.item.first).copied());
            let state = view::state(db, &shared, &who, None, now)?;
            Ok((recorded, json!({ "state": state, "feedback": feedback })))
        })
        .await;
    match done {
        Ok((Recorded::Stored | Recorded::Changed | Recorded::Known, body)) => Json(body).into_response(),
        Ok((Recorded::Closed, _)) => {
            (StatusCode::CONFLICT, "this was answered before and stays as it is\n").into_response()
        }
        Ok((Recorded::NotYet, _)) => (StatusCode::CONFLICT, "this is not asked now\n").into_response(),
        Err(error) => failed(&room, &error),
    }
}

/// Something beside the answers that the log keeps.
#[derive(Deserialize)]
#[serde(tag = "event", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Event {
    /// The display was looked at.
    DisplayCheck {
        screen_width_px: f64,
        screen_height_px: f64,
        device_pixel_ratio: f64,
        window_width_px: f64,
        window_height_px: f64,
        sees_dark: bool,
        sees_bright: bool,
    },
    /// Words about a step.
    Comment { position: usize, text: String },
    /// A break was begun or ended.
    Break { begins: bool },
}

/// Longest comment, in letters.
const COMMENT: usize = 2000;

/// `POST /api/event`.
pub(super) async fn event(
    State(room): State<Shared>,
    Extension((mut who, token)): Who,
    event: Result<Json<Event>, JsonRejection>,
) -> Response {
    let event = match event {
        Ok(Json(event)) => event,
        Err(rejection) => return (rejection.status(), "this is no event\n").into_response(),
    };
    let (name, payload) = match &event {
        Event::DisplayCheck {
            screen_width_px,
            screen_height_px,
            device_pixel_ratio,
            window_width_px,
            window_height_px,
            sees_dark,
            sees_bright,
        } => (
            "display check",
            json!({"screen_width_px": screen_width_px, "screen_height_px": screen_height_px,
                "device_pixel_ratio": device_pixel_ratio, "window_width_px": window_width_px,
                "window_height_px": window_height_px, "sees_dark": sees_dark, "sees_bright": sees_bright}),
        ),
        Event::Comment { text, .. } if text.trim().is_empty() || text.chars().count() > COMMENT => {
            return (StatusCode::UNPROCESSABLE_ENTITY, "a comment has 1 to 2000 letters\n").into_response();
        }
        Event::Comment { position, text } => ("comment", json!({"position": position, "text": text.trim()})),
        Event::Break { begins } => ("break", json!({"begins": begins})),
    };
    let checks = matches!(event, Event::DisplayCheck { .. });
    let (reader, now) = (who.account.name.clone(), store::now_ms());
    let stored = room
        .store
        .run(move |db| {
            if checks {
                store::mark_checked(db, &token)?;
            }
            store::append(db, now, &reader, name, &payload)
        })
        .await;
    if let Err(error) = stored {
        return failed(&room, &error);
    }
    who.checked |= checks;
    state_of(&room, who, None).await
}

/// `GET /api/progress`: how far all readers are, for the coordinator.
pub(super) async fn progress(State(room): State<Shared>, Extension((who, _)): Who) -> Response {
    if who.account.role != Role::Coordinator {
        return (StatusCode::FORBIDDEN, "this is for the coordinator\n").into_response();
    }
    let shared = room.clone();
    let read = room.store.run(move |db| Ok((store::progress(db)?, store::head(db)?))).await;
    match read {
        Ok((readers, head)) => {
            Json(json!({"title": shared.study.title, "csrf": who.csrf, "readers": readers, "log": head}))
                .into_response()
        }
        Err(error) => failed(&room, &error),
    }
}
