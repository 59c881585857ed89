//! Types and lints of everything that the feature switches on.

use super::architecture::Architecture;
use super::build::{members_with_cuda, select};
use super::{Toolkit, cuda_target, stand_in};
use crate::cargo::{cargo, run};
use std::process::ExitCode;

/// With the toolkit that is found; with a stand-in for nvcc where there is none or `stand_in_alone` asks for it.
pub(crate) fn check(stand_in_alone: bool) -> Result<ExitCode, String> {
    let toolkit = if stand_in_alone { None } else { Toolkit::find_or_none()? };
    let members = members_with_cuda()?;
    // In the profile of the builds, so that kernels are compiled once for both.
    let mut clippy = cargo(&["clippy", "--release", "--all-targets"]);
    select(&mut clippy, &members);
    clippy.args(["--", "-D", "warnings"]);
    let said = if let Some(toolkit) = toolkit {
        let architecture = Architecture::chosen()?;
        toolkit.set(&mut clippy, architecture, &cuda_target());
        format!("kernels were compiled by {} for {}", toolkit.describe(), architecture.runs_on())
    } else {
        if !stand_in_alone {
            eprintln!("cuda check: no CUDA toolkit is found, so a stand-in takes the place of nvcc");
        }
        stand_in::set(&mut clippy, &stand_in::lay()?);
        "with a stand-in for nvcc: Rust code was checked, NO KERNEL WAS COMPILED and nothing linked"
            .to_owned()
    };
    run("cargo clippy", clippy)?;
    let names: Vec<&str> = members.iter().map(|member| member.name.as_str()).collect();
    eprintln!("cuda check: all well in {} ({said})", names.join(", "));
    Ok(ExitCode::SUCCESS)
}
