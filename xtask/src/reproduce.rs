//! Experiments: build `mammo`, then become it, so that Ctrl-C and exit codes are its own.

use crate::cargo::build_mammo;
use std::process::{Command, ExitCode};

/// An experiment by the name of its command.
pub(crate) fn experiment(name: &str, args: Vec<String>) -> Result<ExitCode, String> {
    let mut command = Command::new(build_mammo()?);
    command.arg(name).args(args);
    become_it(command)
}

#[cfg(unix)]
fn become_it(mut command: Command) -> Result<ExitCode, String> {
    use std::os::unix::process::CommandExt;
    Err(format!("mammo cannot be started: {}", command.exec()))
}

#[cfg(not(unix))]
fn become_it(mut command: Command) -> Result<ExitCode, String> {
    let status = command.status().map_err(|error| format!("mammo cannot be started: {error}"))?;
    Ok(ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)))
}
