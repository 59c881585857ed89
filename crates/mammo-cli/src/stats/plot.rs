use anyhow::Context;
use mammo_readout::{
    mrmc::Study,
    plot::{forest_plot, reader_plot, roc_plot},
};
use std::path::Path;

/// Writes the three plots of a study.
pub(super) fn write_all(study: &Study, folder: &Path, level: f64) -> anyhow::Result<()> {
    fs_err::create_dir_all(folder)?;
    for (name, svg) in [
        ("roc.svg", roc_plot(study, level)?),
        ("readers.svg", reader_plot(study)?),
        ("differences.svg", forest_plot(study, level)?),
    ] {
        fs_err::write(folder.join(name), svg).context("a plot cannot be written")?;
    }
    Ok(())
}
