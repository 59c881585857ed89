//! JPEG Extended with 12 bits (ITU-T T.81, sequential DCT, Huffman codes), which no library in Rust decodes.

use super::markers::{DHT, DQT, DRI, SOS, Segment, segments};
use std::f32::consts::PI;

/// Where coefficient `k` of the scan stands in its block (figure A.6).
const ZIGZAG: [usize; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7,
    14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39,
    46, 53, 60, 61, 54, 47, 55, 62, 63,
];

/// For each sequence of 16 bits the length of the code that it begins with, 0 if none, and the code's symbol.
type Codes = Vec<(u8, u8)>;

#[derive(Default)]
struct Tables {
    quantization: [Option<[f32; 64]>; 4],
    /// By class (DC, AC) and number.
    codes: [[Option<Codes>; 4]; 2],
    restart_interval: usize,
    /// Quantization table of the component.
    component: usize,
}

/// Decodes a frame of one component and 12 bits.
pub(super) fn decode(jpeg: &[u8], columns: usize, rows: usize) -> Result<Vec<u16>, String> {
    let mut tables = Tables::default();
    for segment in segments(jpeg) {
        let Segment { marker, body, rest } = segment?;
        match marker {
            DQT => quantization(body, &mut tables)?,
            DHT => codes(body, &mut tables)?,
            DRI => {
                let [high, low] = *body else { return Err("the restart interval is damaged".into()) };
                tables.restart_interval = usize::from(u16::from_be_bytes([high, low]));
            }
            super::markers::EXTENDED => {
                tables.component = usize::from(*body.get(8).ok_or("the frame header is too short")? & 3);
            }
            // Some writers give a spectral range of 0 to 0; sequential scans always have all coefficients.
            SOS => {
                let selectors = *body.get(2).ok_or("the scan header is too short")?;
                return scan(rest, &tables, selectors, columns, rows);
            }
            _ => {}
        }
    }
    Err("there is no scan".into())
}

fn quantization(mut body: &[u8], tables: &mut Tables) -> Result<(), String> {
    while let [kind, rest @ ..] = body {
        let bytes = if kind >> 4 == 0 { 1 } else { 2 };
        let values = rest.get(..64 * bytes).ok_or("a quantization table is cut off")?;
        let mut table = [0f32; 64];
        for (k, value) in values.chunks_exact(bytes).enumerate() {
            table[ZIGZAG[k]] = value.iter().fold(0f32, |n, &b| 256.0 * n + f32::from(b));
        }
        tables.quantization[usize::from(kind & 3)] = Some(table);
        body = &rest[64 * bytes..];
    }
    Ok(())
}

fn codes(mut body: &[u8], tables: &mut Tables) -> Result<(), String> {
    while let [kind, rest @ ..] = body {
        let counts = rest.get(..16).ok_or("a table of codes is cut off")?;
        let total: usize = counts.iter().map(|&n| usize::from(n)).sum();
        let mut symbols = rest.get(16..16 + total).ok_or("a table of codes is cut off")?.iter();
        let mut codes = vec![(0u8, 0u8); 1 << 16];
        let mut from = 0usize;
        for (length, &count) in (1u8..).zip(counts) {
            for &symbol in symbols.by_ref().take(usize::from(count)) {
                let to = from + (1 << (16 - length));
                codes.get_mut(from..to).ok_or("a table of codes has too many codes")?.fill((length, symbol));
                from = to;
            }
        }
        tables.codes[usize::from(kind >> 4 & 1)][usize::from(kind & 3)] = Some(codes);
        body = &rest[16 + total..];
    }
    Ok(())
}

/// Bits of the entropy-coded data. Behind the end, or behind a marker, there are zeros for a while.
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
    held: u64,
    count: u32,
    /// Zero bits that were made up.
    made_up: u32,
}

impl<'a> Bits<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, held: 0, count: 0, made_up: 0 }
    }

    /// Fills up to at least 32 bits.
    fn fill(&mut self) {
        while self.count <= 48 {
            let byte = match self.bytes.get(self.at..) {
                Some([0xff, 0, ..]) => {
                    self.at += 2;
                    0xff
                }
                Some([0xff, ..] | []) | None => {
                    self.made_up += 8;
                    0
                }
                Some([byte, ..]) => {
                    self.at += 1;
                    *byte
                }
            };
            self.held = self.held << 8 | u64::from(byte);
            self.count += 8;
        }
    }

    fn take(&mut self, bits: u8) -> Result<u32, String> {
        let bits = u32::from(bits);
        self.count -= bits;
        if self.count < self.made_up {
            return Err("the scan ends before the picture does".into());
        }
        Ok((self.held >> self.count) as u32 & ((1 << bits) - 1))
    }

    fn symbol(&mut self, codes: &Codes) -> Result<u8, String> {
        self.fill();
        let (length, symbol) = codes[(self.held >> (self.count - 16)) as usize & 0xffff];
        if length == 0 {
            return Err("a code that no table has".into());
        }
        self.take(length)?;
        Ok(symbol)
    }

    /// A signed number of so many bits (section F.2.2.1).
    fn number(&mut self, bits: u8) -> Result<i32, String> {
        if bits == 0 {
            return Ok(0);
        }
        let value = self.take(bits)?.cast_signed();
        Ok(if value < 1 << (bits - 1) { value - (1 << bits) + 1 } else { value })
    }

    /// Goes on behind the restart marker.
    fn restart(&mut self) -> Result<(), String> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let marker = rest.windows(2).position(|pair| pair[0] == 0xff && (0xd0..=0xd7).contains(&pair[1]));
        let marker = marker.ok_or("a restart marker is missing")?;
        *self = Self { at: self.at + marker + 2, ..Self::new(self.bytes) };
        Ok(())
    }
}

fn scan(
    data: &[u8],
    tables: &Tables,
    selectors: u8,
    columns: usize,
    rows: usize,
) -> Result<Vec<u16>, String> {
    let missing = || "a table that the scan uses is missing".to_owned();
    let quantization = tables.quantization[tables.component].as_ref().ok_or_else(missing)?;
    let dc = tables.codes[0][usize::from(selectors >> 4 & 3)].as_ref().ok_or_else(missing)?;
    let ac = tables.codes[1][usize::from(selectors & 3)].as_ref().ok_or_else(missing)?;
    let cosines = cosines();
    let mut bits = Bits::new(data);
    let mut values = vec![0u16; columns * rows];
    let (mut previous, mut done) = (0i32, 0);
    for top in (0..rows).step_by(8) {
        for left in (0..columns).step_by(8) {
            if tables.restart_interval > 0 && done > 0 && done % tables.restart_interval == 0 {
                bits.restart()?;
                previous = 0;
            }
            done += 1;
            let mut block = [0f32; 64];
            let length = bits.symbol(dc)?;
            if length > 15 {
                return Err("a difference of more than 15 bits".into());
            }
            previous = previous.wrapping_add(bits.number(length)?);
            block[0] = previous as f32 * quantization[0];
            let mut k = 1;
            while k < 64 {
                let symbol = bits.symbol(ac)?;
                let (run, length) = (usize::from(symbol >> 4), symbol & 15);
                if length == 0 && run < 15 {
                    break; // the rest is zero
                }
                k += run;
                let number = bits.number(length)?;
                let place = *ZIGZAG.get(k).ok_or("a coefficient outside of its block")?;
                block[place] = number as f32 * quantization[place];
                k += 1;
            }
            let pixels = inverse(&block, &cosines);
            let width = (columns - left).min(8);
            for (y, row) in pixels.chunks_exact(8).enumerate().take((rows - top).min(8)) {
                let start = (top + y) * columns + left;
                for (value, &pixel) in values[start..start + width].iter_mut().zip(row) {
                    *value = (pixel + 2048.0).round().clamp(0.0, 4095.0) as u16;
                }
            }
        }
    }
    Ok(values)
}

/// `C(u)/2 cos((2x+1)u pi/16)` by frequency and place.
fn cosines() -> [[f32; 8]; 8] {
    std::array::from_fn(|u| {
        let scale = if u == 0 { 0.5f32.sqrt() } else { 1.0 } / 2.0;
        std::array::from_fn(|x| scale * ((2 * x + 1) as f32 * u as f32 * PI / 16.0).cos())
    })
}

/// The inverse cosine transform (section A.3.3), rows first.
fn inverse(block: &[f32; 64], cosines: &[[f32; 8]; 8]) -> [f32; 64] {
    let mut half = [0f32; 64];
    for (v, frequencies) in block.chunks_exact(8).enumerate() {
        if frequencies.iter().all(|&f| f == 0.0) {
            continue;
        }
        for (f, cosine) in frequencies.iter().zip(cosines) {
            for (h, c) in half[8 * v..8 * v + 8].iter_mut().zip(cosine) {
                *h += f * c;
            }
        }
    }
    let mut pixels = [0f32; 64];
    for (frequencies, cosine) in half.chunks_exact(8).zip(cosines) {
        for (row, c) in pixels.chunks_exact_mut(8).zip(cosine) {
            for (p, f) in row.iter_mut().zip(frequencies) {
                *p += f * c;
            }
        }
    }
    pixels
}
