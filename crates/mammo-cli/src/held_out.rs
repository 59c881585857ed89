//! The held-out images of a finished run and what its generators made of them.

use anyhow::{Context, bail};
use fs_err as fs;
use mammo_core::{ImageId, Label, PatientId, Plane};
use mammo_reader::SourceImage;
use mammo_room::Source;
use std::path::Path;

/// The held-out images of a run with their translations under the name of a checkpoint.
pub(crate) fn held_out(run: &Path, checkpoint: &str) -> anyhow::Result<Vec<Source>> {
    let manifest = run.join("manifest.jsonl");
    let mut sources = Vec::new();
    for (number, line) in fs::read_to_string(&manifest)?.lines().enumerate() {
        let record: serde_json::Value = serde_json::from_str(line)
            .with_context(|| format!("{}: line {} is no record", manifest.display(), number + 1))?;
        if record["part"] != "test" {
            continue;
        }
        let text = |field: &str| {
            record[field]
                .as_str()
                .map(str::to_owned)
                .with_context(|| format!("{}: line {} has no {field}", manifest.display(), number + 1))
        };
        let id = text("image_id")?;
        let label: Label = serde_json::from_value(record["label"].clone())?;
        let what = if label == Label::Healthy { "injected" } else { "removed" };
        let folder = run.join("translated");
        sources.push(Source {
            image: SourceImage {
                id: ImageId::new(id.clone()),
                patient: PatientId::new(text("patient_id")?),
                label,
            },
            original: picture(&folder.join(format!("{id}_original.png")))?,
            modified: [(checkpoint.to_owned(), picture(&folder.join(format!("{id}_{what}.png")))?)].into(),
        });
    }
    if sources.is_empty() {
        bail!("{}: the run has no held-out images", manifest.display());
    }
    Ok(sources)
}

fn picture(path: &Path) -> anyhow::Result<Plane> {
    let bytes = fs::read(path)
        .with_context(|| format!("{}: is it a run of this version? Make the run again", path.display()))?;
    mammo_png::decode_gray(&bytes).with_context(|| path.display().to_string())
}
