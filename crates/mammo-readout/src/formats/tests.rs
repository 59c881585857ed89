use super::*;
use crate::mrmc::{Case, Reading};
use proptest::prelude::*;

fn complete() -> Study {
    let mut rows = Vec::new();
    for (r, reader) in ["Ann B", "2"].into_iter().enumerate() {
        for (t, treatment) in ["film", "screen 1"].into_iter().enumerate() {
            for case in 0..6 {
                rows.push(Reading {
                    reader: reader.into(),
                    treatment: treatment.into(),
                    case: if case < 3 { format!("n{case}") } else { case.to_string() },
                    positive: case >= 3,
                    rating: f64::from(case) * 0.1 - r as f64 + 0.3 * t as f64,
                });
            }
        }
    }
    Study::from_readings(rows).unwrap()
}

fn with_gap() -> Study {
    let rows: Vec<Reading> = complete().readings().collect();
    Study::from_readings(rows.into_iter().enumerate().filter(|(i, _)| *i != 7).map(|(_, r)| r)).unwrap()
}

/// Readings in one order, so that studies can be compared whatever order their names were met in.
fn sorted(study: &Study) -> Vec<(String, String, String, bool, String)> {
    let mut rows: Vec<_> =
        study.readings().map(|r| (r.reader, r.treatment, r.case, r.positive, r.rating.to_string())).collect();
    rows.sort();
    rows
}

#[test]
fn studies_survive_the_round_trip_of_each_format() {
    for study in [complete(), with_gap()] {
        let csv = write_long_csv(&study.clone().into()).unwrap();
        let back = read_long_csv(&csv, "x.csv", &ReadOptions::default()).unwrap();
        assert_eq!(sorted(&back.study), sorted(&study));
        assert_eq!(sorted(&read_imrmc(&write_imrmc(&study).unwrap(), "x").unwrap()), sorted(&study));
    }
    let lrc = write_lrc(&complete()).unwrap();
    assert_eq!(sorted(&read_lrc(&lrc, "x.lrc").unwrap()), sorted(&complete()));
    assert!(write_lrc(&with_gap()).unwrap_err().to_string().contains("missing"));
}

#[cfg(feature = "xlsx")]
#[test]
fn workbooks_survive_the_round_trip() {
    let dir = std::env::temp_dir().join(format!("mammo-readout-xlsx-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    for (name, study) in [("a.xlsx", complete()), ("b.xlsx", with_gap())] {
        let path = dir.join(name);
        write(&study.clone().into(), &path, Format::Xlsx).unwrap();
        let back = read(&path, Format::Xlsx, &ReadOptions::default()).unwrap();
        assert_eq!(sorted(&back.study), sorted(&study));
        let bytes = std::fs::read(&path).unwrap();
        write(&study.into(), &path, Format::Xlsx).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), bytes);
    }
    std::fs::remove_dir_all(&dir).unwrap();
}

#[test]
fn further_columns_are_kept_and_rows_can_be_picked() {
    let text =
        "who,arm,img,cancer,score,seconds,site\n1,a,x,1,3.5,12,north\n1,a,y,0,2,7,south\n2,a,x,1,4,3,north\n";
    let options = ReadOptions {
        columns: ["who", "arm", "img", "cancer", "score"].map(str::to_owned),
        filter: vec![("site".into(), "north".into())],
        cluster: None,
    };
    let data = read_long_csv(text, "f", &options).unwrap();
    assert_eq!((data.study.readers().len(), data.study.cases().len()), (2, 1));
    assert_eq!(data.extra.names, ["seconds", "site"]);
    let out = write_long_csv(&data).unwrap();
    assert!(out.contains("reader,treatment,case,truth,rating,seconds,site\n1,a,x,1,3.5,12,north\n"));
    assert_eq!(data.study.truth_name(), "cancer");
}

#[test]
fn a_column_may_name_the_cluster_of_each_case() {
    let text = "reader,treatment,case,truth,rating,source\nr,t,a,1,3,x\nr,t,b,0,2,x\nr,u,a,1,4,x\n";
    let options = ReadOptions { cluster: Some("source".into()), ..ReadOptions::default() };
    let data = read_long_csv(text, "s.csv", &options).unwrap();
    assert_eq!((data.study.clusters(), data.extra.names.as_slice()), (Some(1), &["source".to_owned()][..]));
    let wrong = read_long_csv(&text.replace("4,x", "4,y"), "s.csv", &options).unwrap_err().to_string();
    assert!(
        wrong.starts_with("s.csv, line 4: case \"a\" has the cluster \"y\", before it was \"x\""),
        "{wrong}"
    );
    assert!(read_long_csv("reader,treatment,case,truth,rating\n", "s.csv", &options).is_err());
}

#[test]
fn errors_name_file_line_value_and_remedy() {
    let csv = |body: &str| {
        let text = format!("reader,treatment,case,truth,rating\n{body}");
        read_long_csv(&text, "s.csv", &ReadOptions::default()).unwrap_err().to_string()
    };
    for (body, expected) in [
        ("r,t,a,1,3\nr,t,b,0,NaN\n", "s.csv, line 3: the rating is \"NaN\"; give a finite number"),
        ("r,t,a,2,3\n", "s.csv, line 2: the truth is \"2\"; give 1"),
        ("r,t,a,1,3\nr,t,a,1,4\n", "s.csv, line 3: reader \"r\" rated case \"a\""),
        ("r,t,a,1,3\ns,t,a,0,4\n", "s.csv, line 3: case \"a\" is given both truths; a case has one truth"),
        ("r,,a,1,3\n", "s.csv, line 2: the treatment is empty; give its name"),
        ("r,t,a\n", "s.csv, line 2: the row has 3 fields, the header 5; give every row"),
        ("", "s.csv: there are no readings below the header; give one"),
    ] {
        let message = csv(body);
        assert!(message.starts_with(expected), "{message}");
    }
    let imrmc = |text: &str| read_imrmc(text, "s.imrmc").unwrap_err().to_string();
    assert!(imrmc("x\n").contains("BEGIN DATA"));
    assert!(
        imrmc("BEGIN DATA:\ntruth,a,truth,1\nr,b,m,1\n")
            .starts_with("s.imrmc, line 3: case \"b\" has no truth")
    );
    assert!(imrmc("BEGIN DATA:\ntruth,a,truth,1\nr,a,m\n").contains("line 3"));
    let lrc = |text: &str| read_lrc(text, "s.lrc").unwrap_err().to_string();
    assert!(lrc("t\nr\n\"a\" \"b\"\nL S\n").contains("line 4: the direction is \"S\""));
    assert!(lrc("t\nr\n\"a\" \"b\"\nL L\n1 2\n*\n").contains("ends too early"));
    assert!(Format::of_path(Path::new("x.sav")).unwrap_err().to_string().contains(".csv, .imrmc"));
}

proptest! {
    #[test]
    fn any_rating_reads_back_as_the_same_number(rating in -1e300f64..1e300, small in -1e-3f64..1e-3) {
        let case = |name: &str, positive| Case { name: name.into(), positive };
        let mut study = Study::declared(["r".to_owned()], ["t".to_owned()], [case("a", true), case("b", false)]).unwrap();
        study.read("r", "t", "a", rating).unwrap();
        study.read("r", "t", "b", small).unwrap();
        for back in [
            read_imrmc(&write_imrmc(&study).unwrap(), "x").unwrap(),
            read_lrc(&write_lrc(&study).unwrap(), "x").unwrap(),
            read_long_csv(&write_long_csv(&study.clone().into()).unwrap(), "x", &ReadOptions::default()).unwrap().study,
        ] {
            prop_assert_eq!(sorted(&back), sorted(&study));
        }
    }

    #[test]
    fn damaged_files_never_panic(cut in 0usize..200, noise in "[a-z0-9,*#\"\n ]{0,12}") {
        for text in [write_imrmc(&complete()).unwrap(), write_lrc(&complete()).unwrap(), write_long_csv(&complete().into()).unwrap()] {
            let at = cut.min(text.len());
            let damaged = format!("{}{noise}{}", &text[..at], &text[(at + 5).min(text.len())..]);
            let _ = read_imrmc(&damaged, "x");
            let _ = read_lrc(&damaged, "x");
            let _ = read_long_csv(&damaged, "x", &ReadOptions::default());
        }
    }
}
