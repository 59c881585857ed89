//! The page of a series.

use super::config::SeriesConfig;
use super::results::{Results, scale_of};
use crate::run::RunFolder;
use mammo_report::{Block, Report, Section, Table};

/// Writes `report.html`.
pub(super) fn write(folder: &RunFolder) -> anyhow::Result<()> {
    let config: SeriesConfig = folder.config()?;
    let results: Results = mammo_files::read_json(&folder.path("series.json"))?;
    let is_mass = config.experiment == "reproduce-mass";
    let title = if is_mass {
        "One feature at a time: images called cancer by their mass, and by their BI-RADS category"
    } else {
        "Several runs side by side"
    };
    let mut report = Report::new(title, format!("mammo {}", config.version));
    report.subtitle = format!(
        "{} runs: {} by {} seed{}.",
        config.members.len(),
        if results.cells.len() == 1 {
            "one setting".to_owned()
        } else {
            format!("{} settings", results.cells.len())
        },
        results.seeds.len(),
        if results.seeds.len() == 1 { "" } else { "s" }
    );
    report.simulated_readers = results.simulated;
    if is_mass {
        report.summary = claim(&results);
    }
    report.sections = vec![figures(&results), runs(&config)];
    report.limits = vec![
        "Spreads are those of the seeds given, each with data, split, weights and order of its own; they say nothing about other \
         settings."
            .to_owned(),
        "A difference's interval takes the two settings' patients as different people, though some may be the same: it is rather \
         too wide than too narrow."
            .to_owned(),
    ];
    Ok(mammo_report::write(&folder.report(), &report)?)
}

/// What the replication report says, and what was found.
fn claim(results: &Results) -> Vec<String> {
    let mut lines = vec![
        "The replication report says that translating one feature, the mass, works better than all that BI-RADS 3 and above \
         stands for."
            .to_owned(),
    ];
    for row in results
        .figures
        .iter()
        .filter(|row| row.name.starts_with("removal") || row.name.starts_with("observer"))
    {
        if let (Some(difference), [mass, birads]) = (&row.difference, row.cells.as_slice()) {
            let scale = scale_of(&row.name);
            let sure = difference.interval_95.is_some_and(|(low, high)| low > 0.0 || high < 0.0);
            lines.push(format!(
                "{}: {} by mass, {} by BI-RADS; difference {}{}.",
                row.title,
                mass.text(scale),
                birads.text(scale),
                difference.text(scale),
                if sure { "" } else { ", which may be chance" }
            ));
        }
    }
    lines
}

fn figures(results: &Results) -> Section {
    let mut section = Section::new("figures", "Figures");
    for (of_readers, caption) in [
        (
            false,
            "Held-out images: mean over the seeds, standard deviation (range); of a single seed the 95 % interval over patients",
        ),
        (
            true,
            "AUC of the last readout, mean of the readers: mean over the seeds, standard deviation (range)",
        ),
    ] {
        let mut titles = vec!["Figure".to_owned()];
        titles.extend(
            results.cells.iter().map(|c| if c.is_empty() { "All seeds".to_owned() } else { c.clone() }),
        );
        let with_difference = results.cells.len() == 2;
        if with_difference {
            titles.push("Difference (95 % interval)".to_owned());
        }
        let mut table = Table::new(caption, titles);
        table.simulated = of_readers && results.simulated;
        for row in results.figures.iter().filter(|row| row.of_readers == of_readers) {
            let scale = scale_of(&row.name);
            let mut cells = vec![row.title.clone()];
            cells.extend(row.cells.iter().map(|spread| spread.text(scale)));
            if with_difference {
                cells.push(row.difference.as_ref().map_or_else(String::new, |d| d.text(scale)));
            }
            table.row(cells);
        }
        section = section.with(Block::Table(table));
    }
    section
}

fn runs(config: &SeriesConfig) -> Section {
    let mut table =
        Table::new("The runs, each with a page of its own in its folder", ["Folder", "Settings", "Seed"]);
    for member in &config.members {
        table.row([member.folder(), member.cell.clone(), member.seed.to_string()]);
    }
    Section::new("runs", "Runs").with(Block::Table(table))
}
