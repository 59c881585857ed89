//! `mammo seal` and `mammo check-marks`: what tampering cannot do unseen. The work is done by `mammo-seal`.

use crate::Ending;
use crate::output::print;
use crate::run::MADE_BY;
use clap::{Args as ClapArgs, Subcommand};
use fs_err as fs;
use mammo_seal::{MarkState, PublicKey, Seal, SealError, SecretKey, Verdict, check_marks, seal, verify};
use std::fmt::Write;
use std::path::PathBuf;

/// Exit codes of the checks.
const CODES: &str = "Exit codes: 0 as it should be; 1 findings, or the work failed; 2 the seal cannot be trusted, or wrong usage";

/// Subcommands of `seal`.
#[derive(Subcommand)]
pub(crate) enum SealCommand {
    /// Make a pair of keys: the secret one into a file, the public one to standard output
    Key(KeyArgs),
    /// Seal a folder as it is now, at acquisition; nothing in it is changed
    Sign(SignArgs),
    /// Compare a folder with its seal: what was changed, taken away or added
    #[command(after_help = CODES)]
    Verify(VerifyArgs),
}

/// Options of `seal key`.
#[derive(ClapArgs)]
pub(crate) struct KeyArgs {
    /// File for the secret key; it is never written over
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Options of `seal sign`.
#[derive(ClapArgs)]
pub(crate) struct SignArgs {
    /// The folder
    folder: PathBuf,

    /// The secret key
    #[arg(long, value_name = "FILE")]
    key: PathBuf,

    /// File for the seal, outside the folder
    #[arg(long, value_name = "FILE.json")]
    out: PathBuf,
}

/// Options of `seal verify`.
#[derive(ClapArgs)]
pub(crate) struct VerifyArgs {
    /// The folder
    folder: PathBuf,

    /// Its seal
    #[arg(long, value_name = "FILE.json")]
    seal: PathBuf,

    /// The public key, from where you trust it: 64 hexadecimal digits, or a file that holds them
    #[arg(long, value_name = "KEY|FILE")]
    public: String,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Options of `check-marks`.
#[derive(ClapArgs)]
pub(crate) struct CheckMarksArgs {
    /// The folder
    folder: PathBuf,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// `mammo seal ...`.
pub(crate) fn run(command: &SealCommand) -> anyhow::Result<Ending> {
    match command {
        SealCommand::Key(args) => {
            let key = SecretKey::generate()?;
            key.write_new(&args.out)?;
            eprintln!(
                "keep {} where images are acquired, and nowhere else; the public key:",
                args.out.display()
            );
            print(&format!("{}\n", key.public()))?;
            Ok(Ending::Done)
        }
        SealCommand::Sign(args) => sign(args),
        SealCommand::Verify(args) => check(args),
    }
}

fn sign(args: &SignArgs) -> anyhow::Result<Ending> {
    let key = SecretKey::read(&args.key)?;
    anyhow::ensure!(
        !args.out.exists(),
        "{}: there is a file already; choose another --out",
        args.out.display()
    );
    if let (Ok(folder), Some(Ok(parent))) = (
        fs::canonicalize(&args.folder),
        args.out.parent().map(|p| fs::canonicalize(if p.as_os_str().is_empty() { ".".as_ref() } else { p })),
    ) {
        anyhow::ensure!(
            !parent.starts_with(&folder),
            "{}: the seal would lie in the folder that it seals; choose another --out",
            args.out.display()
        );
    }
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let made = seal(&args.folder, &key, MADE_BY, i64::try_from(since.as_millis()).unwrap_or(i64::MAX))?;
    mammo_files::write_json(&args.out, &made)?;
    eprintln!("{} files sealed", made.files.len());
    print(&format!("{}\n", args.out.display()))?;
    Ok(Ending::Done)
}

fn check(args: &VerifyArgs) -> anyhow::Result<Ending> {
    let text = if PathBuf::from(&args.public).is_file() {
        fs::read_to_string(&args.public)?
    } else {
        args.public.clone()
    };
    let key: PublicKey = text.parse()?;
    let sealed: Seal = mammo_files::read_json(&args.seal)?;
    let found = match verify(&args.folder, &sealed, &key) {
        Err(error @ (SealError::Signature | SealError::Schema(_))) => {
            eprintln!("mammo: {}: {error}", args.seal.display());
            return Ok(Ending::Code(2));
        }
        found => found?,
    };
    let whole = found.is_whole();
    if args.json {
        let document =
            serde_json::json!({"schema": "mammo-seal-findings/1", "whole": whole, "findings": found});
        print(&(serde_json::to_string_pretty(&document)? + "\n"))?;
    } else {
        let mut text = String::new();
        for file in found.files.iter().filter(|file| file.verdict != Verdict::Same) {
            let what = match file.verdict {
                Verdict::Changed => "changed",
                Verdict::SamePixels => "changed, pixels the same",
                Verdict::Missing => "missing",
                Verdict::Added => "added",
                Verdict::Same => unreachable!("filtered above"),
            };
            writeln!(text, "{what:<26}{}", file.path)?;
        }
        writeln!(
            text,
            "{} files as sealed, {} changed, {} changed with the same pixels, {} missing, {} added",
            found.count(Verdict::Same),
            found.count(Verdict::Changed),
            found.count(Verdict::SamePixels),
            found.count(Verdict::Missing),
            found.count(Verdict::Added)
        )?;
        print(&text)?;
    }
    Ok(if whole { Ending::Done } else { Ending::Code(1) })
}

/// `mammo check-marks`.
pub(crate) fn marks(args: &CheckMarksArgs) -> anyhow::Result<Ending> {
    let found = check_marks(&args.folder)?;
    let count = |state| found.iter().filter(|f| f.state == state).count();
    let synthetic = count(MarkState::Marked) + count(MarkState::Lost);
    if args.json {
        let document = serde_json::json!({"schema": "mammo-marks/1", "pictures": found});
        print(&(serde_json::to_string_pretty(&document)? + "\n"))?;
    } else {
        let mut text = String::new();
        for finding in &found {
            let what = match finding.state {
                MarkState::Marked => "synthetic",
                MarkState::Lost => "synthetic, mark lost",
                MarkState::Unreadable => "not readable",
                MarkState::Unmarked => continue,
            };
            writeln!(text, "{what:<22}{}", finding.path)?;
        }
        writeln!(
            text,
            "{} pictures: {} marked as synthetic, {} whose mark was lost, {} unmarked (which proves nothing), {} not readable",
            found.len(),
            count(MarkState::Marked),
            count(MarkState::Lost),
            count(MarkState::Unmarked),
            count(MarkState::Unreadable)
        )?;
        print(&text)?;
    }
    Ok(if synthetic + count(MarkState::Unreadable) > 0 { Ending::Code(1) } else { Ending::Done })
}
