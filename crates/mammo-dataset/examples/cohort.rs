//! Prints a cohort in numbers, to compare a copy of a release with `data-manifests/`:
//! `cargo run -p mammo-dataset --example cohort -- mini-mias:DIR mass_roi all`

use mammo_core::{LabelRule, Seed};
use mammo_dataset::{Cohort, CohortSummary, Source, ViewFilter, read_release};
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [source, rule, views] = args.as_slice() else { return Err("give SOURCE RULE VIEWS".into()) };
    let (rule, views): (LabelRule, ViewFilter) = (rule.parse()?, views.parse()?);
    let release = read_release(&source.parse::<Source>()?)?;
    let cohort = Cohort::select(&release, rule, views)?;
    let split = cohort.split(0.15, Seed(1))?;
    println!("{}", serde_json::to_string_pretty(&CohortSummary::new(&release, &cohort, &split))?);
    Ok(())
}
