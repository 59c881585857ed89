use super::{
    args::{AgreementArgs, PointsArgs},
    print, read,
};
use mammo_readout::summary;

/// `mammo stats agreement`.
pub(super) fn agreement(args: &AgreementArgs) -> anyhow::Result<()> {
    let args = &args.study;
    let study = read(&args.file, args.format, &args.table)?.study;
    let found = summary::agreement(&study, args.level)?;
    if args.json { json("mammo-stats-agreement/1", &found) } else { print(&found.text()) }
}

/// `mammo stats points`.
pub(super) fn points(args: &PointsArgs) -> anyhow::Result<()> {
    let (points, args) = (args, &args.study);
    let mut study = read(&args.file, args.format, &args.table)?.study;
    if let Some(name) = &points.truth_name {
        study = study.with_truth_name(name);
    }
    let found = summary::operating_points(&study, &points.specificity, args.level)?;
    if args.json { json("mammo-stats-points/1", &found) } else { print(&found.text()) }
}

fn json(schema: &str, result: &impl serde::Serialize) -> anyhow::Result<()> {
    let document = serde_json::json!({ "schema": schema, "result": result });
    print(&(serde_json::to_string_pretty(&document)? + "\n"))
}
