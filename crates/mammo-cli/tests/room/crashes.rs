//! kill -9 in the middle of writing: every answer that the room said it has is there, and the log is whole.

use crate::fixture::{Room, SMALL, add, scratch, study, verify};
use crate::http::Http;
use mammo_room::store;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How often the room is killed; the benchmark of the room does it a hundred times.
const KILLS: u64 = 6;

#[test]
fn answers_survive_a_killed_room() {
    let dir = scratch();
    let plan = SMALL.replace("pairs = 3", "pairs = 12").replace("repeats = 2", "repeats = 20");
    let study = study(dir.path(), 40, Some(&plan));
    let readers: Vec<_> = ["ann", "ben", "cy"].map(|name| (name, add(&study, name))).into();
    let mut confirmed = [0usize; 3];
    for kill in 0..KILLS {
        let mut room = Room::open(&study);
        let stop = AtomicBool::new(false);
        // Signing in is slow by design; the room is killed while answers are written and not before.
        let ready = Barrier::new(readers.len() + 1);
        let counts: Vec<usize> = std::thread::scope(|scope| {
            let handles: Vec<_> = readers
                .iter()
                .map(|(name, code)| {
                    let (url, stop, ready) = (room.url.clone(), &stop, &ready);
                    scope.spawn(move || {
                        let http = Http::sign_in(&url, name, code);
                        let mut state = http.check_display();
                        ready.wait();
                        let mut confirmed = 0;
                        while state["phase"] == "read" && !stop.load(Ordering::Relaxed) {
                            let answer = Http::fitting(&state, 40);
                            match http.try_post("/api/answer", &answer) {
                                Some(got) if got.status == 200 => {
                                    confirmed += 1;
                                    state = got.json()["state"].clone();
                                }
                                _ => break,
                            }
                        }
                        confirmed
                    })
                })
                .collect();
            ready.wait();
            std::thread::sleep(Duration::from_millis(20 + 7 * kill));
            room.kill();
            stop.store(true, Ordering::Relaxed);
            handles.into_iter().map(|h| h.join().unwrap()).collect()
        });
        verify(&study);
        let db = store::open_existing(&study.join("room.sqlite")).unwrap();
        for (i, count) in counts.into_iter().enumerate() {
            confirmed[i] += count;
            let stored = store::answers(&db, i as i64 + 1).unwrap().len();
            // At most the one that was under way may be stored without the reader having heard.
            assert!(
                stored == confirmed[i] || stored == confirmed[i] + 1,
                "{stored} stored, {} confirmed",
                confirmed[i]
            );
            confirmed[i] = stored;
        }
    }
    assert!(confirmed.iter().sum::<usize>() > 0, "nothing was written before the kills");
}
