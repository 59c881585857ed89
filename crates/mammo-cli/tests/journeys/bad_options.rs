//! Words on the command line that mean nothing, and presets that make no run.

use crate::support::{fail, mammo, preset, refuse, scratch};
use std::fs;

#[test]
fn unknown_words_are_refused_with_those_that_exist() {
    for (options, parts) in [
        (
            ["--data", "ddsm:somewhere"],
            ["\"ddsm:somewhere\"", "phantom, inbreast:DIR, mini-mias:DIR or another"],
        ),
        (["--data", "inbreast:"], ["\"inbreast:\"", "inbreast:DIR"]),
        (["--labels", "suspicious"], ["suspicious", "birads_ge3"]),
        (["--views", "lateral"], ["lateral", "cc, mlo or all"]),
        (["--seed", "-1"], ["--seed", "-1"]),
        (["--preset", "gpu"], ["\"gpu\"", "cpu, cpu-becker, cpu-exp2, smoke"]),
        (["--device", "tpu"], ["\"tpu\"", "cpu or cuda:N"]),
        (["--device", "cuda:first"], ["\"cuda:first\"", "cpu or cuda:N"]),
        (["--frobnicate", "1"], ["--frobnicate", "--help"]),
    ] {
        let dir = scratch();
        let out = dir.path().join("run");
        refuse(mammo(["reproduce-exp1", "--out"]).arg(&out).args(options), &parts);
        assert!(!out.exists(), "{options:?} left a folder");
    }
    refuse(&mut mammo(["reproduce-exp1", "--quick", "--preset", "cpu"]), &["--quick", "--preset"]);
    refuse(&mut mammo(["reproduce-exp9"]), &["reproduce-exp9"]);
    refuse(&mut mammo(Vec::<&str>::new()), &["Usage"]);
}

#[test]
fn a_device_that_this_build_lacks_is_named() {
    let dir = scratch();
    let out = dir.path().join("run");
    fail(
        mammo(["reproduce-exp1", "--quick", "--device", "cuda:0", "--out"]).arg(&out),
        &["device cuda:0", "without CUDA", "device cpu"],
    );
    assert!(!out.exists());
}

#[test]
fn presets_that_make_no_run_are_refused_before_the_run_folder_is_made() {
    for (from, to, parts) in [
        ("height_px = 48", "height_px = 50", ["50", "divisible by 4"]),
        ("width_px = 48", "width_px = 32", ["48 x 32", "48"]),
        ("steps = 12", "steps = 0", ["steps", "at least 1"]),
        ("constant_steps = 6", "constant_steps = 60", ["constant_steps (60)", "steps (12)"]),
        ("learning_rate = 2e-4", "learning_rate = 7", ["learning_rate", "7"]),
        ("pool_size = 3", "pool_size = \"three\"", ["LINE", "expected usize"]),
        ("pool_size = 3", "pools = 3", ["unknown field", "pools"]),
        ("batch_size = 1", "batch_size =", ["LINE", "tiny.toml"]),
        ("test_fraction = 0.4", "test_fraction = 1.5", ["1.5", "fraction"]),
        ("patients = 10", "patients = 0", ["patients", "0"]),
        ("width_px = 80", "width_px = 8", ["width_px", "64"]),
        ("lesion_fraction = 0.9", "lesion_fraction = 9", ["lesion_fraction", "9"]),
        ("scale = [0.98, 1.13]", "scale = [1.13, 0.98]", ["scale", "1.13"]),
        ("pairs = 4", "pairs = 0", ["pairs", "0"]),
        ("ngf = 2", "ngf = 0", ["ngf", "at least 1"]),
    ] {
        let dir = scratch();
        let path = preset(dir.path(), |text| {
            assert!(text.contains(from), "{from}");
            text.replacen(from, to, 1)
        });
        let out = dir.path().join("run");
        let text = fs::read_to_string(&path).unwrap();
        let line = format!("line {}:", text[..text.find(to).unwrap()].lines().count() + 1);
        let parts = parts.map(|part| if part == "LINE" { line.as_str() } else { part });
        fail(mammo(["reproduce-exp1", "--out"]).arg(&out).arg("--preset").arg(&path), &parts);
        assert!(!out.exists(), "{to} left a folder");
    }
}

#[test]
fn preset_files_must_be_there() {
    let dir = scratch();
    let path = dir.path().join("mine.toml");
    fail(mammo(["reproduce-exp1", "--preset"]).arg(&path), &["mine.toml"]);
    fs::write(&path, [0xff, 0xfe]).unwrap();
    fail(mammo(["reproduce-exp1", "--preset"]).arg(&path), &["mine.toml"]);
}
