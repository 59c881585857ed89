use super::*;
use mammo_core::{Assessment, Finding, ImageId, PatientId, Shape};
use mammo_dicom::{SyntheticImage, write_synthetic};

const W: usize = 200;
const H: usize = 260;

/// A half disc with texture at the chest wall, with or without a disc of 40 pixels' width in it.
fn pixels(laterality: Laterality, lesion: bool) -> Vec<u16> {
    (0..W * H)
        .map(|i| {
            let (x, y) = (i % W, i / W);
            let x = if laterality == Laterality::Right { W - 1 - x } else { x };
            if (x as f32).hypot(y as f32 - 130.0) > 110.0 {
                0
            } else if lesion && (x as f32 - 50.0).hypot(y as f32 - 100.0) < 20.0 {
                3900
            } else {
                2000 + ((x * 7 + y * 13) % 400) as u16
            }
        })
        .collect()
}

fn write(path: &Path, laterality: Laterality, pixels: &[u16], width: usize) {
    let image = SyntheticImage {
        pixels,
        width,
        height: pixels.len() / width,
        bits_stored: 12,
        laterality,
        view: None,
        patient_id: "p",
        series_description: "test",
        derivation: "test",
        uid_seed: "1",
        spacing_mm: None,
    };
    write_synthetic(path, &image).unwrap();
}

fn record(laterality: Laterality) -> ImageRecord {
    let x = if laterality == Laterality::Right { W as f32 - 50.5 } else { 50.5 };
    ImageRecord {
        dataset: crate::Dataset::Inbreast,
        medium: Medium::Digital,
        size_px: (W, H),
        image_id: ImageId::new("1"),
        patient_id: PatientId::new("p"),
        path: "a.dcm".into(),
        laterality,
        view: None,
        assessment: Assessment::default(),
        density: None,
        rois: vec![Roi {
            finding: Finding::Mass,
            raw_name: "Mass".into(),
            shape: Shape::Circle { center: Point { x, y: 100.5 }, radius: 20.0 },
        }],
        synthetic: true,
    }
}

fn size() -> ImageSize {
    "128x96".parse().unwrap()
}

#[test]
fn the_breast_is_left_the_air_is_black_and_the_lesion_is_in_its_region() {
    let dir = tempfile::tempdir().unwrap();
    for laterality in [Laterality::Left, Laterality::Right] {
        write(&dir.path().join("a.dcm"), laterality, &pixels(laterality, true), W);
        let prepared = prepare(dir.path(), &record(laterality), size()).unwrap();
        assert_eq!((prepared.plane.width(), prepared.plane.height()), (96, 128));
        assert!(prepared.breast.get(0, 64) && !prepared.breast.get(95, 64));
        let inside = Mask::from_shape(96, 128, &prepared.rois[0].shape);
        for (i, (&v, &breast)) in prepared.plane.data().iter().zip(prepared.breast.data()).enumerate() {
            assert!((0.0..=1.0).contains(&v));
            assert_eq!(v == 0.0, !breast, "pixel {i}");
            // The lesion is brighter than any tissue.
            if v > 0.8 {
                assert!(inside.dilated(1).data()[i], "{laterality}: bright pixel {i} outside of its region");
            }
        }
        assert!(inside.count() > 200);
        let there = prepared.to_prepared(Point { x: 17.0, y: 33.0 });
        let back = prepared.to_source(there);
        assert!((back.x - 17.0).abs() < 0.01 && (back.y - 33.0).abs() < 0.01);
    }
}

#[test]
fn twins_are_equal_outside_of_the_lesion() {
    let dir = tempfile::tempdir().unwrap();
    let record = record(Laterality::Right);
    write(&dir.path().join("a.dcm"), Laterality::Right, &pixels(Laterality::Right, true), W);
    let twin = dir.path().join("twin.dcm");
    write(&twin, Laterality::Right, &pixels(Laterality::Right, false), W);
    let prepared = prepare(dir.path(), &record, size()).unwrap();
    let other = prepare_twin(&twin, &record, &prepared).unwrap();
    let lesion = Mask::from_shape(96, 128, &prepared.rois[0].shape).dilated(2);
    let mut changed = 0;
    for (i, (&a, &b)) in prepared.plane.data().iter().zip(other.data()).enumerate() {
        assert!(a == b || lesion.data()[i], "pixel {i}: {a} {b}");
        changed += usize::from(a != b);
    }
    assert!(changed > 200);

    write(&twin, Laterality::Right, &[1; 400], 20);
    let message = prepare_twin(&twin, &record, &prepared).unwrap_err().to_string();
    assert!(message.contains("20 x 20 pixels, but its image has 200 x 260"), "{message}");
}

#[test]
fn a_picture_without_breast_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    write(&dir.path().join("a.dcm"), Laterality::Left, &[0; 400], 20);
    let message = prepare(dir.path(), &record(Laterality::Left), size()).unwrap_err().to_string();
    assert!(message.contains("a.dcm: no breast found"), "{message}");
}

#[test]
fn films_are_cut_to_the_breast_and_turned_by_what_they_show() {
    let dir = tempfile::tempdir().unwrap();
    let mut pgm = b"P5\n512 512\n255\n".to_vec();
    pgm.extend((0..512 * 512).map(|i| {
        let (x, y) = (i % 512, i / 512);
        if !(100..400).contains(&x) {
            0u8
        } else if ((x as f32 - 400.0) / 200.0).hypot((y as f32 - 256.0) / 220.0) < 1.0 {
            100 + ((x * 7 + y * 13) % 40) as u8
        } else if (110..150).contains(&x) && (20..60).contains(&y) {
            250
        } else {
            6 + ((x * 31 + y * 17) % 5) as u8
        }
    }));
    std::fs::write(dir.path().join("mdb001.pgm"), pgm).unwrap();
    let record = ImageRecord {
        dataset: crate::Dataset::MiniMias,
        medium: Medium::Film,
        size_px: (W, H),
        path: "mdb001.pgm".into(),
        laterality: Laterality::Right,
        rois: Vec::new(),
        ..record(Laterality::Right)
    };
    let prepared = prepare(dir.path(), &record, size()).unwrap();
    assert!(prepared.fit.mirrored);
    assert_eq!(prepared.crop.left_px + prepared.crop.width_px, 400);
    assert!(prepared.breast.get(0, 64));
    assert_eq!(prepared.plane.get(90, 10), 0.0, "the label and the film's background are black");
    assert!(prepared.plane.get(5, 64) > 0.4);
}
