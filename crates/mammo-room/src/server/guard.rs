//! What stands before every request: headers, the origin, and who is signed in.

use super::Shared;
use crate::store::{self, SignIn};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// Name of the cookie.
pub(super) const COOKIE: &str = "mammo-room";

/// Nothing from elsewhere, nothing in frames, no script or style but the room's own files.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// The same headers for every answer, so that they tell nothing.
pub(super) async fn headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        // Not no-referrer: with it browsers send the form of the sign-in page with the origin "null".
        (header::REFERRER_POLICY, "same-origin"),
        (header::HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (header::HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Refuses changes that another site asks for.
pub(super) async fn same_origin(State(room): State<Shared>, request: Request, next: Next) -> Response {
    if request.method() == Method::POST && !from_here(request.headers(), room.settings.behind_tls) {
        return refuse(request, StatusCode::FORBIDDEN, "this request comes from another site\n").await;
    }
    next.run(request).await
}

fn from_here(headers: &HeaderMap, behind_tls: bool) -> bool {
    let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok());
    let scheme = if behind_tls { "https://" } else { "http://" };
    let host = text("host").unwrap_or_default();
    text("origin").is_none_or(|origin| origin.strip_prefix(scheme) == Some(host))
        && text("sec-fetch-site").is_none_or(|site| site != "cross-site")
}

/// The token in the cookie.
pub(super) fn token(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|v| v.to_str().ok());
    cookies
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(name, value)| (name == COOKIE).then_some(value))
        .filter(|token| token.len() == 64)
}

/// Who asks.
pub(super) async fn who(room: &Shared, headers: &HeaderMap) -> Result<Option<(SignIn, String)>, Response> {
    let Some(token) = token(headers).map(str::to_owned) else { return Ok(None) };
    let limits = (i64::from(room.settings.idle_min) * 60_000, i64::from(room.settings.life_h) * 3_600_000);
    let asked = token.clone();
    let found = room
        .store
        .run(move |db| store::find_sign_in(db, &asked, store::now_ms(), limits))
        .await
        .map_err(|error| failed(room, &error))?;
    Ok(found.map(|sign_in| (sign_in, token)))
}

/// Lets through who is signed in, and changes only with the token of the page.
pub(super) async fn signed_in(State(room): State<Shared>, mut request: Request, next: Next) -> Response {
    let found = match who(&room, request.headers()).await {
        Ok(Some(found)) => found,
        Ok(None) => return refuse(request, StatusCode::UNAUTHORIZED, "sign in first\n").await,
        Err(response) => return response,
    };
    if request.method() == Method::POST {
        let given =
            request.headers().get("x-csrf-token").is_some_and(|v| v.as_bytes() == found.0.csrf.as_bytes());
        if !given {
            return refuse(request, StatusCode::FORBIDDEN, "this request does not come from the page\n")
                .await;
        }
    }
    request.extensions_mut().insert(found);
    next.run(request).await
}

/// Says no after hearing the request out: a connection that is closed while its other end still speaks may lose the
/// answer.
async fn refuse(request: Request, status: StatusCode, why: &'static str) -> Response {
    // What is longer than any request of the page is not waited for.
    let _ = axum::body::to_bytes(request.into_body(), 64 * 1024).await;
    (status, why).into_response()
}

/// An error that is not the reader's fault.
pub(super) fn failed(room: &Shared, error: &crate::RoomError) -> Response {
    (room.settings.on_error)(&error.to_string());
    (StatusCode::INTERNAL_SERVER_ERROR, "this could not be stored or read; please tell the coordinator\n")
        .into_response()
}
