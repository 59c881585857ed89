//! From a run to a study, SIMULATED readers through HTTP, and back into the run's report.

use crate::fixture::{mammo, scratch, succeed, verify};
use std::fs;

#[test]
fn simulated_readers_take_the_same_way_as_people_and_are_called_simulated() {
    let dir = scratch();
    let (run, study, out) = (dir.path().join("run"), dir.path().join("study"), dir.path().join("out"));
    succeed(mammo().args(["reproduce-exp1", "--quick", "--out"]).arg(&run));
    let plan = dir.path().join("plan.toml");
    let counts: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(run.join("readout/design.json")).unwrap()).unwrap();
    let count = |name: &str| counts["plan"][name].as_u64().unwrap();
    fs::write(
        &plan,
        format!(
            "title = 'Trial'\nminimum_gap = 2\nside_by_side = true\n[[part]]\npairs = {}\nmodified_only = {}\noriginal_only = {}\n",
            count("pairs"),
            count("modified_only"),
            count("original_only")
        ),
    )
    .unwrap();
    let mut design = mammo();
    design.args(["study", "design", "--run"]).arg(&run).arg("--design").arg(&plan).arg("--out").arg(&study);
    succeed(&mut design);
    succeed(mammo().args(["study", "simulate"]).arg(&study).arg("--run").arg(&run));
    verify(&study);
    let text = succeed(mammo().args(["study", "analyse"]).arg(&study));
    assert!(text.contains("SIMULATED reader 3") && text.contains("programs, not people"), "{text}");
    succeed(mammo().args(["study", "export", "--scale", "category"]).arg(&study).arg("--out").arg(&out));
    let ratings = mammo_reader::read_ratings(&out.join("ratings.csv")).unwrap();
    assert!(ratings.iter().all(|r| r.simulated && r.reader.starts_with("SIMULATED")));

    // The study is the run's own readout, so that its ratings go back into the run.
    let mut again = mammo();
    again
        .args(["reproduce-exp1", "--quick", "--resume", "--out"])
        .arg(&run)
        .arg("--ratings")
        .arg(out.join("ratings.csv"));
    succeed(&mut again);
    let taken = mammo_reader::read_ratings(&run.join("readout/ratings.csv")).unwrap();
    assert_eq!(taken, ratings);
    assert!(fs::read_to_string(run.join("report.html")).unwrap().contains("SIMULATED"));
}
