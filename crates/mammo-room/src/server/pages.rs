//! Pages, and signing in and out.

use super::guard::{COOKIE, failed, token, who};
use super::{Shared, guard};
use crate::store::{self, Role, SignIn};
use axum::extract::rejection::FormRejection;
use axum::extract::{Extension, Form, Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use serde::Deserialize;
use std::time::Instant;

/// Every file that the browser gets, from inside the binary.
const ASSETS: [(&str, &str, &str); 9] = [
    ("style.css", "text/css; charset=utf-8", include_str!("../../assets/style.css")),
    ("texts.js", "text/javascript; charset=utf-8", include_str!("../../assets/texts.js")),
    ("png.js", "text/javascript; charset=utf-8", include_str!("../../assets/png.js")),
    ("viewer.js", "text/javascript; charset=utf-8", include_str!("../../assets/viewer.js")),
    ("questions.js", "text/javascript; charset=utf-8", include_str!("../../assets/questions.js")),
    ("clock.js", "text/javascript; charset=utf-8", include_str!("../../assets/clock.js")),
    ("room.js", "text/javascript; charset=utf-8", include_str!("../../assets/room.js")),
    ("sign-in.js", "text/javascript; charset=utf-8", include_str!("../../assets/sign-in.js")),
    ("coordinator.js", "text/javascript; charset=utf-8", include_str!("../../assets/coordinator.js")),
];

const SIGN_IN: &str = include_str!("../../assets/sign-in.html");
const ROOM: &str = include_str!("../../assets/room.html");
const COORDINATOR: &str = include_str!("../../assets/coordinator.html");

/// `GET /assets/NAME`.
pub(super) async fn asset(Path(name): Path<String>) -> Response {
    match ASSETS.iter().find(|asset| asset.0 == name) {
        Some((_, kind, text)) => ([(header::CONTENT_TYPE, *kind)], *text).into_response(),
        None => nothing().await,
    }
}

/// Everything else.
pub(super) async fn nothing() -> Response {
    (StatusCode::NOT_FOUND, "there is nothing here\n").into_response()
}

/// `GET /`: the reading page, or the way to it.
pub(super) async fn room(State(room): State<Shared>, headers: HeaderMap) -> Response {
    match who(&room, &headers).await {
        Ok(Some((who, _))) if who.account.role == Role::Coordinator => {
            Redirect::to("/coordinator").into_response()
        }
        Ok(Some(_)) => Html(ROOM).into_response(),
        Ok(None) => Redirect::to("/sign-in").into_response(),
        Err(response) => response,
    }
}

/// `GET /coordinator`.
pub(super) async fn coordinator(State(room): State<Shared>, headers: HeaderMap) -> Response {
    match who(&room, &headers).await {
        Ok(Some((who, _))) if who.account.role == Role::Coordinator => Html(COORDINATOR).into_response(),
        Ok(Some(_)) => (StatusCode::FORBIDDEN, "this is for the coordinator\n").into_response(),
        Ok(None) => Redirect::to("/sign-in").into_response(),
        Err(response) => response,
    }
}

/// `GET /sign-in`.
pub(super) async fn sign_in_page() -> Response {
    Html(SIGN_IN).into_response()
}

#[derive(Deserialize)]
pub(super) struct Credentials {
    name: String,
    code: String,
}

/// `POST /sign-in`: a wrong name and a wrong code look and last the same.
pub(super) async fn sign_in(
    State(room): State<Shared>,
    credentials: Result<Form<Credentials>, FormRejection>,
) -> Response {
    let Ok(Form(Credentials { name, code })) = credentials else {
        return (StatusCode::BAD_REQUEST, "give a name and a code\n").into_response();
    };
    if name.len() > 300 || code.len() > 300 {
        return Redirect::to("/sign-in?wrong").into_response();
    }
    if room.throttle.wait(&name, Instant::now()).is_some() {
        return (StatusCode::SEE_OTHER, [(header::LOCATION, "/sign-in?wait")]).into_response();
    }
    let asked = name.clone();
    let account = match room.store.run(move |db| store::account_by_name(db, &asked)).await {
        Ok(account) => account,
        Err(error) => return failed(&room, &error),
    };
    let nobody = room.nobody.clone();
    let Ok(_permit) = room.checks.acquire().await else { return nothing().await };
    let checked = tokio::task::spawn_blocking(move || {
        // An unknown name takes the time that a wrong code takes.
        let hash = account.as_ref().map_or(nobody.as_str(), |account| &account.code_hash);
        let opens = store::opens(hash, &code);
        account.filter(|_| opens)
    });
    let Ok(opened) = checked.await else { return nothing().await };
    room.throttle.note(&name, opened.is_some(), Instant::now());
    let Some(account) = opened else {
        return Redirect::to("/sign-in?wrong").into_response();
    };
    match room.store.run(move |db| store::sign_in(db, &account, store::now_ms())).await {
        Ok(token) => {
            let secure = if room.settings.behind_tls { "; Secure" } else { "" };
            let cookie = format!("{COOKIE}={token}; Path=/; HttpOnly; SameSite=Strict{secure}");
            (StatusCode::SEE_OTHER, [(header::LOCATION, "/"), (header::SET_COOKIE, cookie.as_str())])
                .into_response()
        }
        Err(error) => failed(&room, &error),
    }
}

/// `POST /sign-out`.
pub(super) async fn sign_out(
    State(room): State<Shared>,
    Extension(_who): Extension<(SignIn, String)>,
    headers: HeaderMap,
) -> Response {
    let Some(token) = token(&headers).map(str::to_owned) else { return nothing().await };
    if let Err(error) = room.store.run(move |db| store::sign_out(db, &token)).await {
        return failed(&room, &error);
    }
    let cookie = format!("{}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0", guard::COOKIE);
    (StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]).into_response()
}

#[cfg(test)]
mod tests {
    use super::ASSETS;

    /// Relative luminance of a colour, by WCAG 2.2.
    fn luminance(hex: &str) -> f64 {
        let channel = |i: usize| {
            let value = f64::from(u8::from_str_radix(&hex[i..i + 2], 16).unwrap()) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * channel(0) + 0.7152 * channel(2) + 0.0722 * channel(4)
    }

    fn contrast(a: &str, b: &str) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn colours_have_the_contrast_that_the_style_promises() {
        assert!((contrast("000000", "ffffff") - 21.0).abs() < 1e-9);
        let style = ASSETS[0].2;
        let colour = |name: &str| {
            let at = style.find(&format!("--{name}: #")).unwrap() + name.len() + 5;
            &style[at..at + 6]
        };
        for ground in ["ground", "card"] {
            for ink in ["ink", "soft", "warn", "accent"] {
                assert!(contrast(colour(ink), colour(ground)) >= 7.0, "{ink} on {ground}");
            }
            assert!(contrast(colour("line"), colour(ground)) >= 3.0, "line on {ground}");
        }
        assert!(contrast(colour("accent-ink"), colour("accent")) >= 7.0);
    }

    #[test]
    fn nothing_is_loaded_from_elsewhere() {
        let pages = [super::SIGN_IN, super::ROOM, super::COORDINATOR];
        for text in ASSETS.iter().map(|asset| asset.2).chain(pages) {
            assert!(!text.contains("http:") && !text.contains("https:") && !text.contains("//cdn"));
            assert!(!text.contains("<script>") && !text.contains("style=\"") && !text.contains("onclick"));
        }
    }
}
