use crate::{
    Question, Rating, RatingsError, StudyDesign,
    ratings_file::{COLUMNS, Table, fields, write_table},
};
use std::path::Path;

/// Writes the sheet that people fill in: `reader,case,question,rating` with empty ratings, each reader's cases in
/// that reader's own order (first one session, then the other), malignancy asked before tampering. It says nothing
/// about what is true.
///
/// # Errors
/// [`RatingsError`]; then `path` is as it was.
pub fn write_sheet(path: &Path, design: &StudyDesign, readers: &[&str]) -> Result<(), RatingsError> {
    let mut rows = Vec::new();
    for reader in readers {
        for case in design.reading_order(reader).concat() {
            for question in [Question::Malignancy, Question::Tampering] {
                rows.push([(*reader).to_owned(), case.case.clone(), question.to_string(), String::new()]);
            }
        }
    }
    write_table(path, &["reader", "case", "question", "rating"], rows.into_iter())
}

/// Reads a filled sheet and adds to each answer what the design knows about its case. The columns `reader, case,
/// question, rating` are needed; any other column of a ratings file may be left out or empty, and must agree with
/// the design where it is filled. The answers are those of people unless a column `simulated` says `true`, which goes with names that begin with
/// SIMULATED.
///
/// # Errors
/// [`RatingsError`] as [`crate::read_ratings`], and for a case that the study does not show.
pub fn complete_ratings(path: &Path, design: &StudyDesign) -> Result<Vec<Rating>, RatingsError> {
    let table = Table::read(path)?;
    table.need(&["reader", "case", "question", "rating"])?;
    let mut ratings = Vec::new();
    for row in table.rows() {
        let case = design
            .case(row.text("case"))
            .ok_or_else(|| row.wrong("case", "the name of a case of this study, such as C001"))?;
        let (reader, simulated) = (row.name("reader")?, row.text("simulated") == "true");
        // What a program said must not pass for what a person said, nor the other way round.
        if simulated != reader.starts_with("SIMULATED") {
            let said = "true for readers whose names begin with SIMULATED, and for no others";
            return Err(row.wrong("simulated", said));
        }
        let rating = case.rated(&reader, row.question()?, row.rating()?, simulated);
        let known = fields(&rating);
        for i in [2, 3, 4, 5, 6, 9] {
            let said = row.text(COLUMNS[i]);
            if !said.is_empty() && said != known[i] {
                return Err(row.wrong(COLUMNS[i], format!("{:?}, as the study's design has it", known[i])));
            }
        }
        ratings.push((row.line, rating));
    }
    table.no_duplicates(ratings.iter().map(|(line, r)| (*line, r)))?;
    Ok(ratings.into_iter().map(|(_, r)| r).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Arm, Exp1Plan, SourceImage};
    use mammo_core::{ImageId, Label, PatientId, Seed};

    fn design() -> StudyDesign {
        let sources: Vec<_> = (0..8)
            .map(|i| SourceImage {
                id: ImageId::new(format!("secret{i}")),
                patient: PatientId::new(format!("person{i}")),
                label: if i % 2 == 0 { Label::Healthy } else { Label::Cancer },
            })
            .collect();
        let plan = Exp1Plan { pairs: 4, modified_only: 2, original_only: 2 };
        StudyDesign::draw(plan, &sources, Seed(3)).unwrap()
    }

    #[test]
    fn a_filled_sheet_gets_its_truth_back() {
        let (dir, design) = (tempfile::tempdir().unwrap(), design());
        let path = dir.path().join("sheet.csv");
        write_sheet(&path, &design, &["Dr A", "Dr B"]).unwrap();
        let sheet = std::fs::read_to_string(&path).unwrap();
        for word in ["secret", "person", "healthy", "cancer", "modified", "original"] {
            assert!(!sheet.contains(word), "the sheet gives away {word}");
        }
        assert!(complete_ratings(&path, &design).unwrap_err().to_string().contains("line 2"));

        let filled: String = sheet
            .lines()
            .map(|l| if l.ends_with(',') { format!("{l}3\n") } else { format!("{l}\n") })
            .collect();
        std::fs::write(&path, &filled).unwrap();
        let ratings = complete_ratings(&path, &design).unwrap();
        assert_eq!(ratings.len(), 2 * 12 * 2);
        for r in &ratings {
            let case = design.case(&r.case).unwrap();
            assert_eq!((r.truth_label, r.arm, r.simulated), (case.label, case.arm, false));
            assert_eq!(r.truth_modified, case.arm == Arm::Modified);
            assert_eq!(r.pair.is_some(), case.paired);
        }

        std::fs::write(&path, filled.replace("C001", "C999")).unwrap();
        assert!(complete_ratings(&path, &design).unwrap_err().to_string().contains("C999"));
    }
}
