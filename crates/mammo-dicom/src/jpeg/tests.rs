use super::*;
use proptest::prelude::*;

fn segment(marker: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0xff, marker];
    bytes.extend(((body.len() + 2) as u16).to_be_bytes());
    bytes.extend(body);
    bytes
}

/// A table in which each of the numbers 0 to 16 is a symbol with a code of five bits: its own number.
fn codes(class: u8) -> Vec<u8> {
    let mut body = vec![class << 4, 0, 0, 0, 0, 17];
    body.extend([0; 11]);
    body.extend(0..=16);
    segment(markers::DHT, &body)
}

#[derive(Default)]
struct Writer(Vec<bool>);

impl Writer {
    fn put(&mut self, value: u32, bits: u32) {
        self.0.extend((0..bits).rev().map(|bit| value >> bit & 1 == 1));
    }

    /// The length of a number and its bits (T.81 section F.1.2.1).
    fn number(&mut self, value: i32) {
        let bits = 32 - value.unsigned_abs().leading_zeros();
        self.put(bits, 5);
        // In lossless frames 32768 is a length alone.
        if bits < 16 {
            self.put((if value < 0 { value - 1 } else { value }).cast_unsigned() & ((1 << bits) - 1), bits);
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let byte = |bits: &[bool]| (0..8).fold(0, |n, i| n << 1 | u8::from(*bits.get(i).unwrap_or(&true)));
        self.0.chunks(8).map(byte).flat_map(|b| if b == 0xff { vec![b, 0] } else { vec![b] }).collect()
    }
}

fn frame(process: u8, precision: u8, w: usize, h: usize) -> Vec<u8> {
    let ([h1, h0], [w1, w0]) = ((h as u16).to_be_bytes(), (w as u16).to_be_bytes());
    segment(process, &[precision, h1, h0, w1, w0, 1, 1, 0x11, 0])
}

/// A sequential frame whose blocks are flat, from their values.
pub(crate) fn flat(
    process: u8,
    precision: u8,
    (w, h): (usize, usize),
    blocks: &[u16],
    restart: u16,
) -> Vec<u8> {
    let mut jpeg = vec![0xff, 0xd8];
    let mut table = vec![0u8];
    table.extend([1; 64]);
    jpeg.extend(segment(markers::DQT, &table));
    if restart > 0 {
        jpeg.extend(segment(markers::DRI, &restart.to_be_bytes()));
    }
    jpeg.extend(frame(process, precision, w, h));
    jpeg.extend(codes(0));
    jpeg.extend(codes(1));
    jpeg.extend(segment(markers::SOS, &[1, 1, 0, 0, if restart > 0 { 0 } else { 63 }, 0]));
    let parts = blocks.chunks(if restart > 0 { usize::from(restart) } else { blocks.len() });
    let count = parts.len();
    for (number, part) in parts.enumerate() {
        let (mut bits, mut previous) = (Writer::default(), 0);
        for &value in part {
            let dc = 8 * (i32::from(value) - (1 << (precision - 1)));
            bits.number(dc - previous);
            bits.put(0, 5); // end of block
            previous = dc;
        }
        jpeg.extend(bits.bytes());
        if number + 1 < count {
            jpeg.extend([0xff, 0xd0 + (number % 8) as u8]);
        }
    }
    jpeg.extend([0xff, 0xd9]);
    jpeg
}

/// A lossless frame with first-order prediction, as full-field mammograms have them.
pub(crate) fn lossless(w: usize, h: usize, precision: u8, values: &[u16], restart: u16) -> Vec<u8> {
    let mut jpeg = vec![0xff, 0xd8];
    if restart > 0 {
        jpeg.extend(segment(markers::DRI, &restart.to_be_bytes()));
    }
    jpeg.extend(frame(markers::LOSSLESS, precision, w, h));
    jpeg.extend(codes(0));
    jpeg.extend(segment(markers::SOS, &[1, 1, 0, 1, 0, 0]));
    let mut bits = Writer::default();
    for (i, &value) in values.iter().enumerate() {
        let before = match (i % w, i / w) {
            (0, 0) => 1 << (precision - 1),
            (0, _) => i32::from(values[i - w]),
            _ => i32::from(values[i - 1]),
        };
        let difference = (i32::from(value) - before) as i16;
        bits.number(if difference == i16::MIN { 32768 } else { i32::from(difference) });
    }
    jpeg.extend(bits.bytes());
    jpeg.extend([0xff, 0xd9]);
    jpeg
}

/// What flat blocks of a picture of 20 x 11 pixels look like.
fn spread(blocks: &[u16]) -> Vec<u16> {
    (0..20 * 11).map(|i| blocks[i / 20 / 8 * 3 + i % 20 / 8]).collect()
}

#[test]
fn baseline_and_extended_of_8_bits() {
    let blocks = [0, 17, 255, 128, 3, 200];
    for process in [markers::BASELINE, markers::EXTENDED] {
        let jpeg = flat(process, 8, (20, 11), &blocks, 0);
        assert_eq!(decode(&jpeg, 20, 11).unwrap(), spread(&blocks));
    }
}

#[test]
fn extended_of_12_bits_with_and_without_restarts() {
    let blocks = [0, 17, 4095, 2048, 3000, 200];
    for restart in [0, 1, 2, 4] {
        let jpeg = flat(markers::EXTENDED, 12, (20, 11), &blocks, restart);
        assert_eq!(decode(&jpeg, 20, 11).unwrap(), spread(&blocks), "restart {restart}");
    }
}

#[test]
fn lossless_of_any_precision() {
    for (precision, mask) in [(8, 0xff), (12, 0xfff), (14, 0x3fff), (16, 0xffff)] {
        let values: Vec<u16> = (0..30 * 20u32).map(|i| (i * i * 7919 % 65536) as u16 & mask).collect();
        assert_eq!(decode(&lossless(30, 20, precision, &values, 0), 30, 20).unwrap(), values, "{precision}");
    }
}

#[test]
fn lossless_with_restarts_is_refused_and_what_only_looks_like_it_is_not() {
    let values = vec![5u16; 16];
    assert_eq!(decode(&lossless(4, 4, 12, &values, 4), 4, 4), Err(JpegError::RestartIntervals));
    // The marker's bytes inside of a comment mean nothing, and an interval of 0 is none.
    let plain = lossless(4, 4, 12, &values, 0);
    let comment = segment(0xfe, &[0xff, 0xdd, 0, 4, 0, 16]);
    let off = segment(markers::DRI, &[0, 0]);
    let jpeg = [&plain[..2], &comment, &off, &plain[2..]].concat();
    assert_eq!(decode(&jpeg, 4, 4).unwrap(), values);
}

#[test]
fn frames_that_contradict_the_header_take_no_memory() {
    let jpeg = flat(markers::EXTENDED, 12, (16, 16), &[1, 2, 3, 4], 0);
    let Err(JpegError::Broken(reason)) = decode(&jpeg, 16, 15) else { panic!() };
    assert_eq!(reason, "the frame has 16 x 16 pixels, the header says 16 x 15");
    let bomb = flat(markers::EXTENDED, 12, (65535, 65535), &[1], 0);
    let Err(JpegError::Broken(reason)) = decode(&bomb, 65535, 65535) else { panic!() };
    assert!(reason.contains("cannot hold 4294836225 pixels"), "{reason}");
    let Err(JpegError::Broken(reason)) = decode(&flat(markers::BASELINE, 12, (8, 8), &[1], 0), 8, 8) else {
        panic!()
    };
    assert!(reason.contains("process C0 with 12 bits"), "{reason}");
}

proptest! {
    #[test]
    fn damage_never_panics(at in 2usize..300, byte: u8, kind in 0usize..3, cut: bool) {
        let values: Vec<u16> = (0..64).map(|i| i * 61).collect();
        let mut jpeg = match kind {
            0 => flat(markers::EXTENDED, 12, (16, 16), &[1, 2000, 4000, 7], 2),
            1 => flat(markers::BASELINE, 8, (16, 16), &[1, 20, 200, 7], 0),
            _ => lossless(16, 4, 12, &values, 0),
        };
        let at = at % jpeg.len();
        if cut { jpeg.truncate(at) } else { jpeg[at] = byte }
        let _ = decode(&jpeg, 16, if kind == 2 { 4 } else { 16 });
    }
}
