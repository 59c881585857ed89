//! What is held out reaches no network: neither the images that are judged nor those that watch.

use crate::support::{copy, preset, scratch, succeed, tiny_by};
use std::fs;
use std::path::{Path, PathBuf};

/// The networks that a run on this release ends with, to the bit, and the image of each part that its manifest names last.
fn networks(release: &Path, preset: &Path, out: &Path) -> (Vec<u8>, [PathBuf; 3]) {
    succeed(tiny_by(preset, out).arg("--data").arg(format!("inbreast:{}", release.display())));
    let lines: Vec<serde_json::Value> = mammo_files::read_json_lines(&out.join("manifest.jsonl")).unwrap();
    let last_of = |part: &str| {
        let line = lines.iter().rfind(|line| line["part"] == part).unwrap_or_else(|| panic!("no {part}"));
        release.join(line["path"].as_str().unwrap())
    };
    let state = fs::read(out.join("checkpoints/step-0000012/state.safetensors")).unwrap();
    (state, ["train", "validation", "test"].map(last_of))
}

/// Turns over some bits in the middle of the breast; the pixels are the last thing in the file.
fn draw_over(image: &Path) {
    let mut bytes = fs::read(image).unwrap();
    let end = bytes.len();
    for low_byte in bytes[end - 12_000..end - 6_000].iter_mut().step_by(2) {
        *low_byte ^= 0xff;
    }
    fs::write(image, bytes).unwrap();
}

#[test]
fn no_network_depends_on_an_image_that_is_held_out() {
    let dir = scratch();
    let preset = preset(dir.path(), |text| {
        let more = text
            .replace("patients = 10", "patients = 20")
            .replace("lesion_fraction = 0.9", "lesion_fraction = 0.7");
        format!("validation_fraction = 0.3\n{more}")
    });
    let made = dir.path().join("made");
    succeed(&mut tiny_by(&preset, &made));
    let (original, release) = (made.join("release"), dir.path().join("release"));
    copy(&original, &release);
    let (networks_before, images) = networks(&release, &preset, &dir.path().join("before"));
    for (image, part) in images.iter().zip(["train", "validation", "test"]) {
        draw_over(image);
        let (networks_after, _) = networks(&release, &preset, &dir.path().join(part));
        assert_eq!(
            networks_after != networks_before,
            part == "train",
            "an image of the part {part} was changed"
        );
        fs::copy(original.join(image.strip_prefix(&release).unwrap()), image).unwrap();
    }
}
