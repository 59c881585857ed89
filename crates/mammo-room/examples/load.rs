//! Fifty readers at once, and a room that is killed a hundred times: `load MAMMO DIR READERS KILLS`, with the program
//! `mammo` and an empty folder. Prints one JSON object. `cargo xtask bench room` calls it.

use mammo_core::{ImageId, Label, PatientId, Plane, Seed};
use mammo_reader::SourceImage;
use mammo_room::client::Client;
use mammo_room::store::{self, Role};
use mammo_room::{Category, Plan, RoomError, RoomQuestion, Source, StudyFolder, draw, reading_order};
use std::error::Error;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Barrier;
use std::time::{Duration, Instant};

type Failed = Box<dyn Error + Send + Sync>;

/// Answers that one reader gave, and how long each request took.
type Reading = Result<(usize, Vec<(&'static str, Duration)>), Failed>;

fn main() -> Result<(), Failed> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [mammo, dir, readers, kills] = args.as_slice() else {
        return Err("usage: load MAMMO DIR READERS KILLS".into());
    };
    let (mammo, dir) = (Path::new(mammo), Path::new(dir));
    let (readers, kills): (usize, u64) = (readers.parse()?, kills.parse()?);
    let load = load(mammo, &dir.join("load"), readers)?;
    let crashes = crashes(mammo, &dir.join("crashes"), kills)?;
    println!("{}", serde_json::json!({ "load": load, "crashes": crashes }));
    Ok(())
}

/// Made images of `side` pixels: `n` patients, half of them healthy.
fn sources(n: usize, side: usize) -> Vec<Source> {
    (0..n)
        .map(|i| {
            let original =
                Plane::from_fn(side, side, |x, y| ((x * 31 + y * 17 + i * 7) % 255) as f32 / 254.0);
            Source {
                image: SourceImage {
                    id: ImageId::new(i.to_string()),
                    patient: PatientId::new(format!("p{i}")),
                    label: if i % 2 == 0 { Label::Healthy } else { Label::Cancer },
                },
                modified: [("late".to_owned(), original.map(|v| 1.0 - v))].into(),
                original,
            }
        })
        .collect()
}

/// A study with readers and their codes.
fn study(
    dir: &Path,
    plan: &Plan,
    sources: &[Source],
    readers: usize,
) -> Result<(StudyFolder, Vec<(String, String)>), Failed> {
    let truth = draw(plan, sources, Seed(1))?;
    let folder = StudyFolder::create(dir, &truth, sources, "load")?;
    let mut db = store::open(&folder.database())?;
    let mut codes = Vec::new();
    for i in 0..readers {
        let name = format!("SIMULATED load {i:02}");
        let order = reading_order(&truth, &name)?;
        let code = store::add_account(&mut db, &name, Role::Reader, true, None, &order)?;
        codes.push((name, code));
    }
    Ok((folder, codes))
}

/// A room in a process of its own; killed when dropped.
struct Room(Child, String);

impl Room {
    fn open(mammo: &Path, folder: &StudyFolder) -> Result<Self, Failed> {
        let mut command = Command::new(mammo);
        command.args(["study", "serve"]).arg(folder.root()).args(["--bind", "127.0.0.1:0"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().ok_or("no pipe")?).read_line(&mut line)?;
        if !line.starts_with("http") {
            return Err("the room does not open".into());
        }
        Ok(Self(child, line.trim().to_owned()))
    }

    fn kill(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.kill();
    }
}

fn give(client: &mut Client) -> Result<bool, RoomError> {
    let Some(asked) = client.standing().step.clone() else { return Ok(false) };
    match asked.question {
        RoomQuestion::Malignancy => client.answer(30.0, Some(Category::FourA), None)?,
        _ => client.answer(70.0, None, Some(4))?,
    }
    Ok(true)
}

/// All readers at once, without a pause between requests: every picture and every answer of experiment 1.
fn load(mammo: &Path, dir: &Path, readers: usize) -> Result<serde_json::Value, Failed> {
    let plan = Plan::named("becker-exp1").ok_or("no plan")?;
    let (folder, codes) = study(dir, &plan, &sources(60, 256), readers)?;
    let room = Room::open(mammo, &folder)?;
    let start = Barrier::new(readers + 1);
    let mut clock = Instant::now();
    let results: Vec<Reading> = std::thread::scope(|scope| {
        let handles: Vec<_> = codes
            .iter()
            .map(|(name, code)| {
                let (start, url) = (&start, &room.1);
                scope.spawn(move || -> Reading {
                    let signed_in = Client::sign_in(url, name, code);
                    // Signing in is slow by design; what follows is what readers wait for.
                    start.wait();
                    let mut client = signed_in?;
                    client.check_display()?;
                    client.times.clear();
                    let (mut given, mut position) = (0, 0);
                    while let Some(asked) = client.standing().step.clone() {
                        if asked.position != position {
                            for path in &asked.pictures {
                                client.get(path)?;
                            }
                            position = asked.position;
                        }
                        give(&mut client)?;
                        given += 1;
                    }
                    Ok((given, client.times))
                })
            })
            .collect();
        start.wait();
        clock = Instant::now();
        handles.into_iter().map(|h| h.join().unwrap_or_else(|_| Err("a reader broke".into()))).collect()
    });
    let seconds = clock.elapsed().as_secs_f64();
    let mut times: Vec<(&str, Duration)> = Vec::new();
    let mut given = 0;
    for result in results {
        let (answers, more) = result?;
        given += answers;
        times.extend(more);
    }
    drop(room);
    let stored = stored(&folder)?.iter().sum::<usize>();
    let head = store::verify(&store::open_existing(&folder.database())?, &folder.database())?;
    let percentile = |what: &str, share: f64| {
        let mut ms: Vec<f64> =
            times.iter().filter(|t| t.0 == what).map(|t| t.1.as_secs_f64() * 1000.0).collect();
        ms.sort_by(f64::total_cmp);
        ms.get(((ms.len().max(1) - 1) as f64 * share).round() as usize).copied()
    };
    Ok(serde_json::json!({
        "readers": readers, "answers_given": given, "answers_stored": stored, "seconds": seconds,
        "requests_per_s": times.len() as f64 / seconds, "log_entries": head.entries,
        "answer_p50_ms": percentile("answer", 0.5), "answer_p99_ms": percentile("answer", 0.99),
        "image_p50_ms": percentile("image", 0.5), "image_p99_ms": percentile("image", 0.99),
    }))
}

/// Answers in the database, reader by reader.
fn stored(folder: &StudyFolder) -> Result<Vec<usize>, Failed> {
    let db = store::open_existing(&folder.database())?;
    let readers: i64 = db.query_row("SELECT count(*) FROM readers", [], |row| row.get(0))?;
    Ok((1..=readers)
        .map(|reader| Ok(store::answers(&db, reader)?.len()))
        .collect::<Result<_, RoomError>>()?)
}

/// Eight readers write as fast as they can, and the room is killed, again and again.
fn crashes(mammo: &Path, dir: &Path, kills: u64) -> Result<serde_json::Value, Failed> {
    const READERS: usize = 8;
    let plan = Plan::from_toml(
        "title = 'crashes'\nsessions = 1\nminimum_gap = 1\n[[part]]\npairs = 1000\nmodified_only = 0\noriginal_only = 0\n",
    )?;
    let (folder, codes) = study(dir, &plan, &sources(1000, 8), READERS)?;
    let (mut before, mut lost, mut unheard, mut written) = (vec![0; READERS], 0, 0, 0);
    for kill in 0..kills {
        let mut room = Room::open(mammo, &folder)?;
        let url = room.1.clone();
        let ready = Barrier::new(READERS + 1);
        let confirmed: Vec<usize> = std::thread::scope(|scope| {
            let handles: Vec<_> = codes
                .iter()
                .map(|(name, code)| {
                    let (url, ready) = (&url, &ready);
                    scope.spawn(move || {
                        let client = Client::sign_in(url, name, code).and_then(|mut client| {
                            client.check_display()?;
                            Ok(client)
                        });
                        ready.wait();
                        let Ok(mut client) = client else { return 0 };
                        let mut confirmed = 0;
                        while matches!(give(&mut client), Ok(true)) {
                            confirmed += 1;
                        }
                        confirmed
                    })
                })
                .collect();
            ready.wait();
            // Between 3 and 30 ms after the first answer is under way.
            std::thread::sleep(Duration::from_micros(3000 + (kill * 7919) % 27_000));
            room.kill();
            handles.into_iter().map(|h| h.join().unwrap_or(0)).collect()
        });
        store::verify(&store::open_existing(&folder.database())?, &folder.database())?;
        let now = stored(&folder)?;
        for i in 0..READERS {
            let heard = before[i] + confirmed[i];
            lost += heard.saturating_sub(now[i]);
            unheard += now[i].saturating_sub(heard);
            written += now[i] - before[i];
        }
        before = now;
    }
    Ok(serde_json::json!({
        "kills": kills, "answers_stored": written, "answers_lost": lost,
        "stored_but_not_heard": unheard, "log_verified_each_time": true,
    }))
}
