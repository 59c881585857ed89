//! Pixels that are not stored as they are.

use super::*;
use crate::{fragments, jpeg, rle};
use dicom_core::value::{PixelFragmentSequence, Value};

const W: usize = 64;
const H: usize = 48;

fn picture() -> Vec<u16> {
    (0..W * H).map(|i| if i % W < 20 { 0 } else { (i * 37 % 4096) as u16 }).collect()
}

/// A file of `W` x `H` pixels and 12 bits with these fragments.
fn encapsulated(
    dir: &Path,
    uid: &str,
    fragments: &[Vec<u8>],
    more: impl FnOnce(&mut InMemDicomObject),
) -> PathBuf {
    altered(dir, uid, |object| {
        put_u16(object, tags::COLUMNS, W as u16);
        put_u16(object, tags::ROWS, H as u16);
        put_u16(object, tags::BITS_STORED, 12);
        put_u16(object, tags::HIGH_BIT, 11);
        let sequence = PixelFragmentSequence::new_fragments(fragments.to_vec());
        object.put(DataElement::new(tags::PIXEL_DATA, VR::OB, Value::PixelSequence(sequence)));
        more(object);
    })
}

fn in_parts(bytes: &[u8], len: usize) -> Vec<Vec<u8>> {
    bytes.chunks(len).map(|part| [part, &[0][..part.len() % 2]].concat()).collect()
}

#[test]
fn lossless_jpeg_in_one_fragment_and_in_many() {
    let dir = tempfile::tempdir().unwrap();
    let frame = jpeg::tests::lossless(W, H, 12, &picture(), 0);
    for uid in ["1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70"] {
        for len in [frame.len(), 1000, 64] {
            let path = encapsulated(dir.path(), uid, &in_parts(&frame, len), |_| ());
            assert_eq!(Mammogram::open(&path).unwrap().words(), picture(), "{uid} {len}");
        }
    }
}

/// An allocation guard of a library refuses more than 16 MiB when they are 64 times the first fragment: a frame as large as
/// that of a full-field mammogram, cut into pieces of 64 KiB.
#[test]
fn a_big_frame_in_small_fragments() {
    let dir = tempfile::tempdir().unwrap();
    let (w, h) = (3328, 2560);
    let values: Vec<u16> = (0..w * h).map(|i| if i % w < 3000 { 0 } else { (i % 251) as u16 }).collect();
    let frame = jpeg::tests::lossless(w, h, 12, &values, 0);
    let path = encapsulated(dir.path(), "1.2.840.10008.1.2.4.70", &in_parts(&frame, 1 << 16), |object| {
        put_u16(object, tags::COLUMNS, w as u16);
        put_u16(object, tags::ROWS, h as u16);
    });
    assert!(values == Mammogram::open(&path).unwrap().words());
}

#[test]
fn restart_intervals_of_lossless_jpeg_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let frame = jpeg::tests::lossless(W, H, 12, &picture(), W as u16);
    let path = encapsulated(dir.path(), "1.2.840.10008.1.2.4.70", &[frame], |_| ());
    let message = Mammogram::open(&path).unwrap_err().to_string();
    assert!(message.contains("restart intervals (marker FFDD) would be decoded wrongly"), "{message}");
}

#[test]
fn rle_and_uncompressed_fragments() {
    let dir = tempfile::tempdir().unwrap();
    let path = encapsulated(dir.path(), "1.2.840.10008.1.2.5", &[rle::tests::encode(&picture(), 2)], |_| ());
    assert_eq!(Mammogram::open(&path).unwrap().words(), picture());
    let raw: Vec<u8> = picture().iter().flat_map(|v| v.to_le_bytes()).collect();
    let path = encapsulated(dir.path(), "1.2.840.10008.1.2.1.98", &in_parts(&raw, 512), |_| ());
    assert_eq!(Mammogram::open(&path).unwrap().words(), picture());
}

#[test]
fn jpeg_of_8_and_12_bits() {
    let dir = tempfile::tempdir().unwrap();
    let blocks: Vec<u16> = (0..48).map(|i| i * 85).collect();
    let frame = jpeg::tests::flat(0xc1, 12, (W, H), &blocks, 0);
    let path = encapsulated(dir.path(), "1.2.840.10008.1.2.4.51", &[frame], |_| ());
    let mammogram = Mammogram::open(&path).unwrap();
    assert_eq!((mammogram.words()[0], mammogram.words()[8], mammogram.words()[W * H - 1]), (0, 85, 3995));
    let blocks: Vec<u16> = (0..48).map(|i| i * 5).collect();
    let frame = jpeg::tests::flat(0xc0, 8, (W, H), &blocks, 0);
    let path = encapsulated(dir.path(), "1.2.840.10008.1.2.4.50", &[frame], |object| {
        put_u16(object, tags::BITS_ALLOCATED, 8);
        put_u16(object, tags::BITS_STORED, 8);
        put_u16(object, tags::HIGH_BIT, 7);
    });
    assert_eq!(Mammogram::open(&path).unwrap().words()[W * H - 1], 235);
}

#[test]
fn only_the_first_of_several_frames_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let frames = [rle::tests::encode(&picture(), 2), rle::tests::encode(&vec![9; W * H], 2)];
    let path = encapsulated(dir.path(), "1.2.840.10008.1.2.5", &frames, |object| {
        put_text(object, tags::NUMBER_OF_FRAMES, VR::IS, "2");
    });
    let mammogram = Mammogram::open(&path).unwrap();
    assert_eq!((mammogram.header().frames, mammogram.words()), (2, picture().as_slice()));
}

/// The data set of a file, deflated.
fn deflated(path: &Path) -> Vec<u8> {
    use std::io::Write;
    let marked = with_syntax(path, "1.2.840.10008.1.2.1.99");
    let bytes = std::fs::read(marked).unwrap();
    let start = crate::layout::meta(&bytes, 132, bytes.len()).unwrap().end;
    let mut encoder =
        flate2::write::DeflateEncoder::new(bytes[..start].to_vec(), flate2::Compression::fast());
    encoder.write_all(&bytes[start..]).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn deflated_data_sets() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = deflated(&written(dir.path(), &image()));
    let path = dir.path().join("d.dcm");
    std::fs::write(&path, &bytes).unwrap();
    assert_eq!(Mammogram::open(&path).unwrap().words(), PIXELS);
    assert!(read_header(&path).unwrap().synthetic);
    // The last bytes hold the end mark alone.
    for len in 0..bytes.len() - 8 {
        assert!(Mammogram::from_bytes(&bytes[..len], &path).is_err(), "cut at {len} of {}", bytes.len());
    }
}

/// 50 MB of zeros that deflate to 50 kB, behind a header of six pixels: no more is unpacked than six pixels take.
#[test]
fn a_deflated_bomb_takes_no_memory() {
    use std::io::Write;
    let dir = tempfile::tempdir().unwrap();
    let marked = with_syntax(&written(dir.path(), &image()), "1.2.840.10008.1.2.1.99");
    let bytes = std::fs::read(marked).unwrap();
    let start = crate::layout::meta(&bytes, 132, bytes.len()).unwrap().end;
    let mut encoder =
        flate2::write::DeflateEncoder::new(bytes[..start].to_vec(), flate2::Compression::fast());
    encoder.write_all(&bytes[start..]).unwrap();
    for _ in 0..50 {
        encoder.write_all(&vec![0; 1 << 20]).unwrap();
    }
    let bomb = encoder.finish().unwrap();
    assert_eq!(Mammogram::from_bytes(&bomb, Path::new("bomb.dcm")).unwrap().words(), PIXELS);
    assert_eq!(crate::deflate::head(&bomb[start..]).len(), 4 << 20);
}

#[test]
fn damaged_compressed_files_never_panic() {
    let dir = tempfile::tempdir().unwrap();
    let small = picture();
    for (uid, frame) in [
        ("1.2.840.10008.1.2.4.70", jpeg::tests::lossless(W, H, 12, &small, 0)),
        ("1.2.840.10008.1.2.5", rle::tests::encode(&small, 2)),
    ] {
        let path = encapsulated(dir.path(), uid, &in_parts(&frame, 500), |_| ());
        let whole = std::fs::read(&path).unwrap();
        for at in (132..whole.len()).step_by(41) {
            let mut bytes = whole.clone();
            bytes[at] ^= 0xff;
            if let Ok(mammogram) = Mammogram::from_bytes(&bytes, &path) {
                let header = mammogram.header();
                assert_eq!(mammogram.words().len(), header.columns_px * header.rows_px);
            }
            assert!(Mammogram::from_bytes(&whole[..at], &path).is_err(), "{uid} cut at {at}");
        }
    }
    assert!(fragments::first_frame(&[], 0, 1).is_err());
}
