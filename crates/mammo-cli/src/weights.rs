//! `mammo weights`: networks to pytorch-CycleGAN and from it.

use crate::Ending;
use crate::preset::Preset;
use crate::run::RunFolder;
use anyhow::{Context, bail};
use clap::{Args as ClapArgs, Subcommand};
use mammo_train::CycleGan;
use std::path::PathBuf;

/// What to do with weights.
#[derive(Subcommand)]
pub(crate) enum WeightsCommand {
    /// Write the networks of a run under pytorch-CycleGAN's names, as safetensors; the run's networks must be those of the preset
    /// zhu
    Export(ExportArgs),
    /// Make a run folder of networks of pytorch-CycleGAN, for `mammo translate`
    Import(ImportArgs),
}

/// Options of `weights export`.
#[derive(ClapArgs)]
pub(crate) struct ExportArgs {
    /// A finished run
    #[arg(long, value_name = "DIR")]
    run: PathBuf,

    /// Folder for latest_net_G_A.safetensors (healthy to cancer), G_B, D_A and D_B
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// Options of `weights import`.
#[derive(ClapArgs)]
pub(crate) struct ImportArgs {
    /// Folder with latest_net_G_A.safetensors and latest_net_G_B.safetensors, of one grey channel; D_A and D_B if they are there
    #[arg(long, value_name = "DIR")]
    from: PathBuf,

    /// The preset that describes the networks, and the size of the images that they translate
    #[arg(long, default_value = "zhu", value_name = "NAME|FILE", value_parser = crate::preset::known)]
    preset: String,

    /// Folder for the networks
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// `mammo weights ...`.
pub(crate) fn run(command: &WeightsCommand) -> anyhow::Result<Ending> {
    match command {
        WeightsCommand::Export(args) => export(args),
        WeightsCommand::Import(args) => import(args),
    }
}

fn export(args: &ExportArgs) -> anyhow::Result<Ending> {
    RunFolder::existing(&args.run)?;
    let (model, _) = CycleGan::load_best(&args.run)?;
    for path in model.export_pytorch(&args.out).with_context(|| args.run.display().to_string())? {
        crate::output::print(&format!("{}\n", path.display()))?;
    }
    Ok(Ending::Done)
}

fn import(args: &ImportArgs) -> anyhow::Result<Ending> {
    let preset = Preset::find(&args.preset)?;
    if args.out.exists() && fs_err::read_dir(&args.out)?.next().is_some() {
        bail!("{}: the folder is not empty; choose another --out", args.out.display());
    }
    let model = CycleGan::import_pytorch(&args.from, &preset.train)?;
    mammo_files::create_dir(&args.out)?;
    let about = serde_json::json!({
        "experiment": "weights-import",
        "preset_name": args.preset,
        "preset": preset,
        "version": env!("CARGO_PKG_VERSION"),
    });
    mammo_files::write_json(&args.out.join("run.json"), &about)?;
    model.save(&args.out, &preset.train)?;
    mammo_files::write_json(&args.out.join("finished.json"), &serde_json::json!({ "sha256": {} }))?;
    crate::output::print(&format!("{}\n", args.out.display()))?;
    Ok(Ending::Done)
}
