//! The page on the paper is what the program prints, and its intervals are those of an independent recomputation.

use mammo_readout::summary::paper;

#[test]
fn the_page_is_the_output() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/statistics/what-the-study-can-show.md");
    let page = std::fs::read_to_string(path).unwrap();
    assert_eq!(page, paper().unwrap().markdown(), "write the page again with `mammo stats paper`");
}

/// Standard errors to four and limits to three decimals of an independent program; the AUC of 1, whose limit came from
/// another method there, apart.
#[test]
fn intervals_agree_with_an_independent_recomputation() {
    let text = include_str!("data/becker_auc_uncertainty.json");
    let expected: Vec<serde_json::Value> = serde_json::from_str(text).unwrap();
    let study = paper().unwrap();
    let num = |v: &serde_json::Value| v.as_f64().unwrap();
    let mut compared = 0;
    for row in study.rows.iter().filter(|r| r.auc < 1.0) {
        let same = |e: &&serde_json::Value| {
            num(&e["exp"]) == f64::from(row.experiment)
                && num(&e["auc"]) == row.auc
                && num(&e["n_pos"]) == row.n_pos as f64
        };
        let e = expected.iter().find(same).unwrap();
        assert!((row.se - num(&e["se_hm"])).abs() < 5.1e-5, "{row:?}");
        assert!((row.ci_low - num(&e["ci_logit"][0])).abs() < 5.1e-4, "{row:?}");
        assert!((row.ci_high - num(&e["ci_logit"][1])).abs() < 5.1e-4, "{row:?}");
        compared += 1;
    }
    assert_eq!(compared, 20);
}
