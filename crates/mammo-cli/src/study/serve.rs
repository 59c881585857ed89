//! The reading room for browsers.

use super::args::ServeArgs;
use mammo_room::StudyFolder;
use mammo_room::server::{Bound, RoomSettings};

/// `mammo study serve`.
pub(super) fn run(args: &ServeArgs) -> anyhow::Result<()> {
    let settings = RoomSettings {
        idle_min: args.idle_min,
        behind_tls: args.behind_tls,
        on_error: |message| eprintln!("reading room: {message}"),
        ..RoomSettings::default()
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let bound = Bound::bind(&StudyFolder::new(&args.study), args.bind, settings).await?;
        let address = bound.address()?;
        if !address.ip().is_loopback() {
            eprintln!(
                "warning: {address} can be reached from other machines, and codes and answers travel unencrypted. Put a \
                 proxy that speaks TLS before the room (docs/reading-room.md) and give --behind-tls"
            );
        }
        eprintln!("the reading room is open; Ctrl-C closes it. Readers open:");
        super::say(&format!("http://{address}"))?;
        bound
            .serve(async {
                let _ = tokio::signal::ctrl_c().await;
            })
            .await?;
        eprintln!("closed; every answer is saved");
        Ok(())
    })
}
