//! Ratings by people in place of the simulated readers.

use crate::support::{copied_run, edit, fail, files, finished_run, same, scratch, stderr, succeed, tiny};
use std::fs;
use std::path::{Path, PathBuf};

/// Fills the sheet of a run as two people might who look at the images: any numbers from 1 to 5.
fn fill(sheet: &str) -> String {
    let rows = sheet.lines().filter(|line| !line.starts_with("reader 3"));
    rows.enumerate()
        .map(
            |(i, line)| {
                if line.ends_with(',') { format!("{line}{}\n", 1 + i * i % 5) } else { format!("{line}\n") }
            },
        )
        .collect()
}

/// A filled sheet beside the run.
fn filled(dir: &Path) -> PathBuf {
    let path = dir.join("filled.csv");
    fs::write(&path, fill(&fs::read_to_string(finished_run().join("readout/sheet.csv")).unwrap())).unwrap();
    path
}

#[test]
fn peoples_ratings_replace_the_simulated_ones() {
    let dir = scratch();
    let out = copied_run(dir.path());
    let output = succeed(tiny(&out).args(["--resume", "--ratings"]).arg(filled(dir.path())));
    assert!(!stderr(&output).contains("SIMULATED"), "{}", stderr(&output));

    let ratings = mammo_reader::read_ratings(&out.join("readout/ratings.csv")).unwrap();
    assert!(ratings.iter().all(|rating| !rating.simulated && rating.reader.starts_with("reader ")));
    let analysis: mammo_reader::Analysis =
        mammo_files::read_json(&out.join("readout/analysis.json")).unwrap();
    assert!(!analysis.simulated);
    assert_eq!(analysis.readers.len(), 2);
    let page = fs::read_to_string(out.join("report.html")).unwrap();
    let (_, page) = page.split_once("</style>").unwrap();
    let page = page.to_lowercase();
    assert!(page.contains("two readers told cancer from healthy"));
    // The observer that measures images is simulated whoever the readers are.
    for (at, word) in page.match_indices("simulated") {
        let rest = page[at + word.len()..].trim_start();
        assert!(
            ["observer", "malignancy observer"].iter().any(|what| rest.starts_with(what)),
            "the page calls people's ratings simulated: {}",
            rest.chars().take(80).collect::<String>()
        );
    }
}

/// Someone's work must not be overwritten by the empty sheet that a run writes.
#[test]
fn a_sheet_filled_in_where_it_lies_is_read_and_kept() {
    let dir = scratch();
    let out = copied_run(dir.path());
    let sheet = out.join("readout/sheet.csv");
    edit(&sheet, fill);
    let before = fs::read(&sheet).unwrap();
    succeed(tiny(&out).args(["--resume", "--ratings"]).arg(&sheet));
    assert_eq!(fs::read(&sheet).unwrap(), before);
}

#[test]
fn defective_ratings_are_refused_before_anything_changes() {
    let dir = scratch();
    let out = copied_run(dir.path());
    let before = files(&out);
    let good = fs::read_to_string(filled(dir.path())).unwrap();
    let first = good.lines().nth(1).unwrap();
    let case = first.split(',').nth(1).unwrap();
    let worse = |line: String| good.replacen(first, &line, 1);
    let one_reader_one_case = format!("reader,case,question,rating\nreader 1,{case},malignancy,3\n");
    let path = dir.path().join("ratings.csv");
    for (text, parts) in [
        (good.replacen("question", "what", 1), ["line 1", "column \"question\" is missing"]),
        (worse(first.replace(case, "C999")), ["line 2", "\"C999\""]),
        (worse(format!("{first}x")), ["line 2", "a number"]),
        (worse(first.replace("malignancy", "malign")), ["line 2", "malignancy or tampering"]),
        (worse(format!("{first}\n{first}")), ["line 3", "already rated"]),
        ("reader,case,question,rating\n".to_owned(), ["no ratings", "one line for each"]),
        (one_reader_one_case, ["reader 1", "malignancy"]),
        (good.replacen(first, "a,b", 1), ["line: 2", "fields"]),
    ] {
        fs::write(&path, text).unwrap();
        let sentence = fail(tiny(&out).args(["--resume", "--ratings"]).arg(&path), &parts);
        assert!(sentence.contains("ratings.csv"), "{sentence}");
    }
    fs::write(&path, [0xff, 0xfe, 0x00, 0x41]).unwrap();
    fail(tiny(&out).args(["--resume", "--ratings"]).arg(&path), &["ratings.csv"]);
    let nowhere = dir.path().join("nowhere.csv");
    fail(
        tiny(&out).args(["--resume", "--ratings"]).arg(&nowhere),
        &["nowhere.csv", "there are no such ratings"],
    );
    // Simulated ratings do not become people's by another name, nor by another word.
    let simulated = fs::read_to_string(out.join("readout/ratings.csv")).unwrap();
    for text in [simulated.replace("SIMULATED ", "Dr "), simulated.replace(",true", ",false")] {
        fs::write(&path, text).unwrap();
        fail(
            tiny(&out).args(["--resume", "--ratings"]).arg(&path),
            &["ratings.csv, line 2", "\"simulated\"", "SIMULATED"],
        );
    }
    same(&before, &files(&out));
}
