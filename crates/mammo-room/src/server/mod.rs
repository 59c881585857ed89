//! The web server of the reading room. It reads `study.json`, the pictures and the database, and never the truth.

mod api;
mod guard;
mod pages;
mod throttle;
mod view;

use crate::store::{Store, open_existing};
use crate::{OpenStudy, RoomError, StudyFolder};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use std::collections::BTreeMap;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use throttle::Throttle;

/// How a reading room is run.
#[derive(Debug, Clone)]
pub struct RoomSettings {
    /// Minutes without a request after which a reader must sign in again.
    pub idle_min: u32,
    /// Hours after which a reader must sign in again in any case.
    pub life_h: u32,
    /// Whether readers reach the room through a proxy that speaks TLS; then cookies are for TLS alone.
    pub behind_tls: bool,
    /// Told what goes wrong; gets no answers and no names.
    pub on_error: fn(&str),
}

impl Default for RoomSettings {
    fn default() -> Self {
        Self { idle_min: 120, life_h: 12, behind_tls: false, on_error: |_| {} }
    }
}

/// What all requests share.
struct Room {
    study: OpenStudy,
    /// The pictures as they are sent, in memory: they are small, and every one takes the same time to send.
    pictures: BTreeMap<String, axum::body::Bytes>,
    store: Store,
    settings: RoomSettings,
    throttle: Throttle,
    /// Codes that are checked at a time; each takes 19 MiB.
    checks: tokio::sync::Semaphore,
    /// Checked against when a name is unknown, so that both take as long.
    nobody: String,
}

type Shared = Arc<Room>;

fn router(room: Shared) -> Router {
    let inside = Router::new()
        .route("/api/state", get(api::state))
        .route("/api/image/{position}/{side}", get(api::image))
        .route("/api/answer", post(api::answer))
        .route("/api/event", post(api::event))
        .route("/api/progress", get(api::progress))
        .route("/sign-out", post(pages::sign_out))
        .layer(from_fn_with_state(room.clone(), guard::signed_in));
    Router::new()
        .merge(inside)
        .route("/", get(pages::room))
        .route("/sign-in", get(pages::sign_in_page).post(pages::sign_in))
        .route("/coordinator", get(pages::coordinator))
        .route("/assets/{name}", get(pages::asset))
        .fallback(pages::nothing)
        .layer(from_fn_with_state(room.clone(), guard::same_origin))
        .layer(DefaultBodyLimit::max(16 * 1024))
        .layer(axum::middleware::from_fn(guard::headers))
        .with_state(room)
}

/// A reading room that has its port but answers nobody yet.
pub struct Bound {
    listener: tokio::net::TcpListener,
    room: Shared,
}

impl Bound {
    /// Opens the study (without its truth) and takes the address; port 0 for any free one.
    ///
    /// # Errors
    /// [`RoomError::Study`] when the study is not whole or has no readers, [`RoomError::Io`] when the address is taken.
    pub async fn bind(
        folder: &StudyFolder,
        address: SocketAddr,
        settings: RoomSettings,
    ) -> Result<Self, RoomError> {
        let study = folder.open()?;
        // The log must be sound before more is added to it.
        crate::store::verify(&open_existing(&folder.database())?, &folder.database())?;
        let mut pictures = BTreeMap::new();
        for id in study.images.keys() {
            pictures.insert(id.clone(), fs_err::read(folder.picture(id))?.into());
        }
        let store = Store::open(&folder.database())?;
        let listener = tokio::net::TcpListener::bind(address).await.map_err(|error| {
            std::io::Error::new(error.kind(), format!("{address}: {error}; choose another address by --bind"))
        })?;
        let room = Room {
            study,
            pictures,
            store,
            settings,
            throttle: Throttle::default(),
            checks: tokio::sync::Semaphore::new(2),
            nobody: crate::store::hash_nobody()?,
        };
        Ok(Self { listener, room: Arc::new(room) })
    }

    /// The address, with the port that was given.
    ///
    /// # Errors
    /// [`RoomError::Io`].
    pub fn address(&self) -> Result<SocketAddr, RoomError> {
        Ok(self.listener.local_addr()?)
    }

    /// Serves until `stop` is done, then finishes what is under way.
    ///
    /// # Errors
    /// [`RoomError::Io`].
    pub async fn serve(self, stop: impl Future<Output = ()> + Send + 'static) -> Result<(), RoomError> {
        axum::serve(self.listener, router(self.room)).with_graceful_shutdown(stop).await?;
        Ok(())
    }
}
