//! SIMULATED readers who read as people do: by the same requests, one image after the other.

use super::args::SimulateArgs;
use crate::run::RunFolder;
use anyhow::{Context, bail};
use mammo_core::{Label, Plane};
use mammo_reader::{Answer, SIMULATED_READERS, SimulatedReader};
use mammo_room::client::Client;
use mammo_room::server::{Bound, RoomSettings};
use mammo_room::store::{self, Role};
use mammo_room::{Category, ItemKind, RoomQuestion, StudyFolder, reading_order};

/// `mammo study simulate`.
pub(super) fn run(args: &SimulateArgs) -> anyhow::Result<()> {
    let folder = StudyFolder::new(&args.study);
    let truth = folder.truth()?;
    let run = RunFolder::existing(&args.run)?;
    let config = run.config()?;
    let images = crate::experiment::images_of(&config, &run)?;
    let planes = |label: Label| images.training_planes(label);
    let (healthy, cancer) = (planes(Label::Healthy), planes(Label::Cancer));
    let (healthy, cancer): (Vec<&Plane>, Vec<&Plane>) = (healthy.iter().collect(), cancer.iter().collect());
    let readers = (1..=SIMULATED_READERS)
        .map(|number| SimulatedReader::fit(number, &healthy, &cancer, truth.seed.derive("readers")))
        .collect::<Result<Vec<_>, _>>()?;
    let mut codes = Vec::new();
    {
        let mut db = store::open(&folder.database())?;
        for reader in &readers {
            let order = reading_order(&truth, reader.name())?;
            codes.push(store::add_account(&mut db, reader.name(), Role::Reader, true, None, &order)?);
        }
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let url = if let Some(url) = &args.url {
        url.clone()
    } else {
        let any = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
        let bound = runtime.block_on(Bound::bind(&folder, any, RoomSettings::default()))?;
        let url = format!("http://{}", bound.address()?);
        runtime.spawn(bound.serve(std::future::pending()));
        url
    };
    for (reader, code) in readers.iter().zip(&codes) {
        let steps = read(reader, Client::sign_in(&url, reader.name(), code)?)?;
        eprintln!("{}: {steps} steps", reader.name());
    }
    Ok(())
}

/// Completes the study and says how many steps it had.
fn read(reader: &SimulatedReader, mut client: Client) -> anyhow::Result<usize> {
    if client.standing().phase == "check" {
        client.check_display()?;
    }
    let mut shown: Vec<Plane> = Vec::new();
    let mut position = 0;
    while let Some(asked) = client.standing().step.clone() {
        if asked.position != position {
            shown = asked.pictures.iter().map(|path| client.picture(path)).collect::<Result<_, _>>()?;
            position = asked.position;
        }
        let image = shown.first().context("a step without a picture")?;
        let index = position as u64;
        match asked.question {
            RoomQuestion::Malignancy => {
                let Answer { rating, .. } = reader.malignancy(image, index);
                client.answer(hundred(rating), Some(category(rating)), None)?;
            }
            RoomQuestion::Tampering => {
                let Answer { rating, .. } = reader.tampering(image, index);
                client.answer(hundred(rating), None, Some(rating))?;
            }
            RoomQuestion::Choice => {
                debug_assert_eq!(asked.kind, ItemKind::Pair);
                let right = shown.get(1).context("a pair without its right picture")?;
                let [left, right] = [(image, 0), (right, 1)]
                    .map(|(plane, side)| f64::from(reader.tampering(plane, 2 * index + side).rating));
                let (score, points) = match left.total_cmp(&right) {
                    std::cmp::Ordering::Less => (75.0, 4),
                    std::cmp::Ordering::Equal => (50.0, 3),
                    std::cmp::Ordering::Greater => (25.0, 2),
                };
                client.answer(score, None, Some(points))?;
            }
        }
    }
    if client.standing().phase != "done" {
        bail!("{} must wait for the next sitting; simulate a study without washout_days", reader.name());
    }
    Ok(position)
}

/// A rating of 1 to 5 on the scale of 0 to 100.
fn hundred(rating: u8) -> f64 {
    f64::from(rating - 1) * 25.0
}

fn category(rating: u8) -> Category {
    match rating {
        1 => Category::One,
        2 => Category::Two,
        3 => Category::Three,
        4 => Category::FourB,
        _ => Category::Five,
    }
}
