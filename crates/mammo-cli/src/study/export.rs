//! Ratings with their truth, for every analysis program.

use super::args::ExportArgs;
use anyhow::Context;
use mammo_core::Label;
use mammo_reader::{Arm, Question, Rating, write_ratings};
use mammo_readout::formats::{Dataset, Format, write};
use mammo_readout::mrmc::{Reading, Study};
use mammo_room::export::{Joined, answers_csv, join, ratings};
use mammo_room::{StudyFolder, Truth, store};

/// Everything that a study holds.
pub(super) struct Answered {
    pub(super) truth: Truth,
    pub(super) joined: Vec<Joined>,
    /// Reader, step, words.
    comments: Vec<(String, usize, String)>,
    /// The end of the log, which was checked.
    pub(super) head: store::LogHead,
}

/// Opens the seal and brings answers and truth together.
pub(super) fn open(folder: &StudyFolder) -> anyhow::Result<Answered> {
    let truth = folder.truth()?;
    let db = store::open_existing(&folder.database())?;
    let head = store::verify(&db, &folder.database())?;
    Ok(Answered { joined: join(&db, &truth)?, comments: store::comments(&db)?, truth, head })
}

/// `mammo study export`.
pub(super) fn run(args: &ExportArgs) -> anyhow::Result<()> {
    let Answered { joined, comments, .. } = open(&StudyFolder::new(&args.study))?;
    let ratings = ratings(&joined, args.scale.scale());
    anyhow::ensure!(!ratings.is_empty(), "{}: nobody has answered yet", args.study.display());
    mammo_files::create_dir(&args.out)?;
    mammo_files::write(&args.out.join("answers.csv"), &answers_csv(&joined, &comments)?)?;
    write_ratings(&args.out.join("ratings.csv"), &ratings)?;
    for (name, question) in [("malignancy", Question::Malignancy), ("tampering", Question::Tampering)] {
        let Some(study) = study(&ratings, question)? else { continue };
        let data = Dataset::from(study);
        for (ending, format) in [("csv", Format::Csv), ("imrmc", Format::Imrmc), ("xlsx", Format::Xlsx)] {
            let path = args.out.join(format!("{name}.{ending}"));
            // A format may not hold a study that is not finished; the others then still do.
            if let Err(error) = write(&data, &path, format) {
                eprintln!("note: {} is not written: {error}", path.display());
            }
        }
    }
    super::say(&args.out.display().to_string())
}

/// The ratings of one question as a multi-reader study; `None` where nobody was asked. Malignancy has the arms as
/// treatments and the sources as cases, with the label of the source as truth: twins are one case under two treatments.
/// Tampering has one treatment, the images as cases, and whether they were modified as truth.
pub(super) fn study(ratings: &[Rating], question: Question) -> anyhow::Result<Option<Study>> {
    let of = ratings.iter().filter(|r| r.question == question);
    let readings: Vec<Reading> = of
        .map(|r| match question {
            Question::Malignancy => Reading {
                reader: r.reader.clone(),
                treatment: r.arm.to_string(),
                case: r.cluster().to_owned(),
                positive: r.truth_label == Label::Cancer,
                rating: r.rating,
            },
            Question::Tampering => Reading {
                reader: r.reader.clone(),
                treatment: "all images".to_owned(),
                case: r.case.clone(),
                positive: r.arm == Arm::Modified,
                rating: r.rating,
            },
        })
        .collect();
    if readings.is_empty() {
        return Ok(None);
    }
    let name = match question {
        Question::Malignancy => "label of the source image",
        Question::Tampering => "image was modified",
    };
    let study = Study::from_readings(readings).context("the ratings as a multi-reader study")?;
    Ok(Some(study.with_truth_name(name)))
}
