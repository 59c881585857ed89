//! `mammo study`: a blinded reader study from a run to its analysis. The work is done by `mammo-room`.

mod analyse;
mod args;
mod design;
mod export;
mod page;
mod serve;
mod simulate;

use crate::Ending;
use anyhow::Context;
pub(crate) use args::StudyCommand;
use args::{AddArgs, ReaderCommand, StudyArgs};
use mammo_room::store::{self, Role};
use mammo_room::{StudyFolder, reading_order};
use std::fmt::Write;
use std::io::Read;

/// `mammo study ...`.
pub(crate) fn run(command: StudyCommand) -> anyhow::Result<Ending> {
    match command {
        StudyCommand::Design(args) => design::run(&args)?,
        StudyCommand::Reader(ReaderCommand::Add(args)) => add(&args)?,
        StudyCommand::Serve(args) => serve::run(&args)?,
        StudyCommand::Simulate(args) => simulate::run(&args)?,
        StudyCommand::Progress(args) => progress(&args)?,
        StudyCommand::Verify(args) => verify(&args)?,
        StudyCommand::Export(args) => export::run(&args)?,
        StudyCommand::Analyse(args) => analyse::run(&args)?,
    }
    Ok(Ending::Done)
}

/// One line, or several, to standard output.
fn say(text: &str) -> anyhow::Result<()> {
    crate::output::print(&format!("{text}\n"))
}

fn add(args: &AddArgs) -> anyhow::Result<()> {
    let folder = StudyFolder::new(&args.study);
    folder.read_open()?;
    let password = if args.password_stdin {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).context("the password cannot be read")?;
        Some(text.trim_end_matches(['\r', '\n']).to_owned())
    } else {
        None
    };
    let (role, items) = if args.coordinator {
        (Role::Coordinator, Vec::new())
    } else {
        (Role::Reader, reading_order(&folder.truth()?, &args.name)?)
    };
    let mut db = store::open(&folder.database())?;
    let code = store::add_account(&mut db, &args.name, role, false, password.as_deref(), &items)?;
    if password.is_none() {
        eprintln!("code of {} (shown this once; give it to nobody else):", args.name);
        say(&code)?;
    }
    Ok(())
}

fn progress(args: &StudyArgs) -> anyhow::Result<()> {
    let folder = StudyFolder::new(&args.study);
    let db = store::open_existing(&folder.database())?;
    let mut text = format!("{:<30} {:>9} {:>15}\n", "reader", "done", "seconds a step");
    for reader in store::progress(&db)? {
        let pace = reader.mean_s.map_or(String::new(), |s| format!("{s:.1}"));
        writeln!(text, "{:<30} {:>4}/{:<4} {:>15}", reader.reader, reader.done, reader.total, pace)?;
    }
    say(text.trim_end())
}

fn verify(args: &StudyArgs) -> anyhow::Result<()> {
    let folder = StudyFolder::new(&args.study);
    folder.open()?;
    let head = store::verify(&store::open_existing(&folder.database())?, &folder.database())?;
    eprintln!(
        "the log is whole, and answers, orders and pictures agree with it; its end, to be written down elsewhere:"
    );
    say(&format!("{} {}", head.entries, head.hash))
}
