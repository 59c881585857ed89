//! What the page needs to know: where the reader stands. Nothing in it depends on what is true.

use super::Shared;
use crate::store::{self, SignIn, Step};
use crate::{GivenAnswer, ItemKind, RoomError, RoomQuestion};
use rusqlite::Connection;
use serde::Serialize;

/// Where a reader stands.
#[derive(Serialize)]
pub(super) struct State {
    title: String,
    reader: String,
    role: &'static str,
    simulated: bool,
    csrf: String,
    /// `check` the display, `read`, `wait` for the next sitting, or `done`.
    phase: &'static str,
    wait_until_ms: Option<i64>,
    step: Option<Shown>,
    /// Pictures to load ahead.
    next: Vec<String>,
    total: usize,
    sessions: usize,
    go_back: bool,
    idle_after_s: u32,
    break_every: usize,
    width_px: usize,
    height_px: usize,
}

/// A step as the page shows it.
#[derive(Serialize)]
struct Shown {
    position: usize,
    session: usize,
    kind: ItemKind,
    question: RoomQuestion,
    opens_sitting: bool,
    /// Number of the image among those of its kind, and how many there are.
    number: usize,
    of_kind: usize,
    pictures: Vec<String>,
    /// What was answered before, where answers may be changed.
    answers: Vec<GivenAnswer>,
}

fn pictures(position: usize, kind: ItemKind) -> Vec<String> {
    let sides: &[&str] = if kind == ItemKind::Pair { &["left", "right"] } else { &["left"] };
    sides.iter().map(|side| format!("/api/image/{position}/{side}")).collect()
}

/// Where `sign_in` stands; at `asked` instead of the next step where the study allows going back to it.
pub(super) fn state(
    db: &Connection,
    room: &Shared,
    sign_in: &SignIn,
    asked: Option<usize>,
    now_ms: i64,
) -> Result<State, RoomError> {
    let account = &sign_in.account;
    let next = store::step(db, account.number)?;
    let reader = account.role == store::Role::Reader;
    let back = asked.filter(|&position| {
        position > 0 && room.study.go_back && next.as_ref().is_none_or(|step| position < step.position)
    });
    let step = match back {
        Some(position) => store::step_at(db, account.number, position)?,
        None => next,
    };
    let until = match &step {
        Some(step) => store::waiting_until_ms(db, account.number, step, room.study.washout_days, now_ms)?,
        None => None,
    };
    let phase = match (&step, until) {
        _ if !reader => "coordinate",
        (None, _) => "done",
        _ if !sign_in.checked => "check",
        (_, Some(_)) => "wait",
        _ => "read",
    };
    let all = store::items(db, account.number)?;
    let (shown, ahead) = match &step {
        Some(step) if phase == "read" => {
            let following = all.get(step.position).map(|item| pictures(step.position + 1, item.kind));
            (Some(shown(db, account.number, step, &all, back.is_some())?), following.unwrap_or_default())
        }
        _ => (None, Vec::new()),
    };
    Ok(State {
        title: room.study.title.clone(),
        reader: account.name.clone(),
        role: if reader { "reader" } else { "coordinator" },
        simulated: account.simulated,
        csrf: sign_in.csrf.clone(),
        phase,
        wait_until_ms: until,
        step: shown,
        next: ahead,
        total: all.len(),
        sessions: room.study.sessions,
        go_back: room.study.go_back,
        idle_after_s: room.study.idle_after_s,
        break_every: room.study.break_every,
        width_px: room.study.width_px,
        height_px: room.study.height_px,
    })
}

fn shown(
    db: &Connection,
    reader: i64,
    step: &Step,
    all: &[crate::Item],
    back: bool,
) -> Result<Shown, RoomError> {
    let same = |item: &&crate::Item| item.kind == step.item.kind;
    let answers = if back {
        let given = store::answers(db, reader)?.into_iter().map(|(given, _)| given);
        given.filter(|given| given.position == step.position).collect()
    } else {
        Vec::new()
    };
    Ok(Shown {
        position: step.position,
        session: step.item.session,
        kind: step.item.kind,
        question: step.question,
        opens_sitting: step.opens_sitting,
        number: all[..step.position].iter().filter(same).count(),
        of_kind: all.iter().filter(same).count(),
        pictures: pictures(step.position, step.item.kind),
        answers,
    })
}
