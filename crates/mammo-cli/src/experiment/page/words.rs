//! Numbers in words.

use mammo_forensics::{Estimate, Share};
use mammo_readout::AucEstimate;
use mammo_report::{estimate_text, number_text};

pub(crate) fn auc_text(estimate: &AucEstimate) -> String {
    estimate_text(estimate.auc, Some((estimate.ci_low, estimate.ci_high)), 2)
}

pub(crate) fn p_text(p: f64) -> String {
    if p < 0.001 { "< .001".to_owned() } else { number_text(p, 3) }
}

pub(super) fn p_sentence(p: f64) -> String {
    if p < 0.001 { "p < .001".to_owned() } else { format!("p = {}", number_text(p, 3)) }
}

pub(super) fn percent(estimate: Estimate) -> String {
    // Adding zero turns a rounded -0 into 0.
    let whole = |share: f64| (100.0 * share).round() + 0.0;
    let interval = estimate
        .interval_95
        .map_or(String::new(), |(low, high)| format!(" ({:.0} to {:.0})", whole(low), whole(high)));
    format!("{:.0} %{interval}", whole(estimate.median))
}

pub(super) fn share_text(share: Share) -> String {
    let whole = |share: f64| (100.0 * share).round() + 0.0;
    format!(
        "{:.0} % ({:.0} to {:.0}; {} images of {} patients)",
        whole(share.share),
        whole(share.interval_95.0),
        whole(share.interval_95.1),
        share.n_cases,
        share.n_patients
    )
}

pub(super) fn quartiles(values: &[f64]) -> String {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |q: f64| sorted[((sorted.len() - 1) as f64 * q).round() as usize];
    if sorted.is_empty() {
        return "none".to_owned();
    }
    format!("{:.1} ({:.1} to {:.1})", at(0.5), at(0.25), at(0.75))
}
