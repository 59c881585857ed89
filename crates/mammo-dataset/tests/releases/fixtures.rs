//! Files in the form of the releases. DICOM files are written byte by byte, because the crate's own writer marks what it
//! writes as made, and these stand for pictures of patients.

use mammo_dataset::{ImageRecord, Scan};
use std::fmt::Write as _;
use std::{fs, path::Path};

pub(crate) const W: usize = 64;
pub(crate) const H: usize = 80;

/// A breast-like half disc at the chest wall of a side, different for every `seed`.
pub(crate) fn pixels(right: bool, seed: u64) -> Vec<u16> {
    (0..W * H)
        .map(|i| {
            let (x, y) = (i % W, i / W);
            let x = if right { W - 1 - x } else { x };
            let is_breast = (x as f32 / 40.0).hypot((y as f32 - 40.0) / 35.0) < 1.0;
            if is_breast { 1000 + ((x * 7 + y * 13) as u64 * (seed + 3) % 400) as u16 } else { 0 }
        })
        .collect()
}

/// What a DICOM file says besides its pixels.
#[derive(Default)]
pub(crate) struct Said<'a> {
    pub(crate) laterality: Option<&'a str>,
    pub(crate) view: Option<&'a str>,
    /// A code in View Code Sequence.
    pub(crate) view_code: Option<&'a str>,
    pub(crate) patient_name: Option<&'a str>,
}

/// One DICOM file: Explicit VR Little Endian, 16 bits, 14 stored.
pub(crate) fn dicom(width: usize, height: usize, pixels: &[u16], said: &Said<'_>) -> Vec<u8> {
    fn padded(text: &str, with: u8) -> Vec<u8> {
        let mut bytes = text.as_bytes().to_vec();
        if bytes.len() % 2 == 1 {
            bytes.push(with);
        }
        bytes
    }
    fn put(out: &mut Vec<u8>, tag: (u16, u16), vr: &str, value: &[u8]) {
        out.extend(tag.0.to_le_bytes());
        out.extend(tag.1.to_le_bytes());
        out.extend(vr.as_bytes());
        if ["OB", "OW", "SQ"].contains(&vr) {
            out.extend([0, 0]);
            out.extend((value.len() as u32).to_le_bytes());
        } else {
            out.extend((value.len() as u16).to_le_bytes());
        }
        out.extend(value);
    }
    let mut meta = Vec::new();
    put(&mut meta, (2, 1), "OB", &[0, 1]);
    put(&mut meta, (2, 2), "UI", &padded("1.2.840.10008.5.1.4.1.1.1.2", 0));
    put(&mut meta, (2, 3), "UI", &padded("2.25.1", 0));
    put(&mut meta, (2, 0x10), "UI", &padded("1.2.840.10008.1.2.1", 0));
    let mut out = vec![0; 128];
    out.extend(b"DICM");
    put(&mut out, (2, 0), "UL", &(meta.len() as u32).to_le_bytes());
    out.extend(meta);
    put(&mut out, (8, 0x60), "CS", b"MG");
    if let Some(name) = said.patient_name {
        put(&mut out, (0x10, 0x10), "PN", &padded(name, b' '));
        put(&mut out, (0x10, 0x30), "DA", b"19510203");
    }
    if let Some(view) = said.view {
        put(&mut out, (0x18, 0x5101), "CS", &padded(view, b' '));
    }
    if let Some(side) = said.laterality {
        put(&mut out, (0x20, 0x62), "CS", &padded(side, b' '));
    }
    put(&mut out, (0x28, 2), "US", &1u16.to_le_bytes());
    put(&mut out, (0x28, 4), "CS", b"MONOCHROME2 ");
    for (element, value) in [(0x10, height), (0x11, width), (0x100, 16), (0x101, 14), (0x102, 13), (0x103, 0)]
    {
        put(&mut out, (0x28, element), "US", &(value as u16).to_le_bytes());
    }
    if let Some(code) = said.view_code {
        let mut item = Vec::new();
        put(&mut item, (8, 0x100), "SH", &padded(code, b' '));
        let mut items = vec![0xfe, 0xff, 0x00, 0xe0];
        items.extend((item.len() as u32).to_le_bytes());
        items.extend(item);
        put(&mut out, (0x54, 0x220), "SQ", &items);
    }
    let values: Vec<u8> = pixels.iter().flat_map(|v| v.to_le_bytes()).collect();
    put(&mut out, (0x7fe0, 0x10), "OW", &values);
    out
}

/// Writes a file and the folders above it.
pub(crate) fn write(path: &Path, bytes: impl AsRef<[u8]>) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

/// Writes a DICOM mammogram.
pub(crate) fn mammogram(path: &Path, right: bool, seed: u64, said: &Said<'_>) {
    write(path, dicom(W, H, &pixels(right, seed), said));
}

/// Writes a TIFF of 16 or 8 bits.
pub(crate) fn tiff(path: &Path, right: bool, seed: u64, bits: u8) {
    let pixels = pixels(right, seed);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let (w, h) = (W as u32, H as u32);
    if bits == 16 {
        image::ImageBuffer::<image::Luma<u16>, _>::from_raw(w, h, pixels).unwrap().save(path).unwrap();
    } else {
        // A film: its air is not black.
        let grey = pixels.iter().map(|v| if *v == 0 { 9 } else { (v / 16 + 40) as u8 }).collect::<Vec<_>>();
        image::GrayImage::from_raw(w, h, grey).unwrap().save(path).unwrap();
    }
}

/// The record of an image.
pub(crate) fn record<'a>(scan: &'a Scan, id: &str) -> &'a ImageRecord {
    scan.release
        .records
        .iter()
        .find(|r| r.image_id.as_str() == id)
        .unwrap_or_else(|| panic!("no {id}: {scan:?}"))
}

/// How many notes of a kind there are.
pub(crate) fn notes(scan: &Scan, kind: mammo_dataset::NoteKind) -> usize {
    scan.release.notes.iter().filter(|note| note.kind == kind).count()
}

/// A small INbreast: `people` of four views each, every third with cancer, in the layout and spelling of the release.
pub(crate) fn inbreast(root: &Path, people: usize) {
    let mut csv =
        String::from("Patient ID;Patient age;Laterality;View;Acquisition date;File Name;ACR;Bi-Rads\r\n");
    for person in 0..people {
        for (at, (side, view)) in [("L", "CC"), ("L", "ML"), ("R", "CC"), ("R", "ML")].into_iter().enumerate()
        {
            let id = 20_000_000 + person * 10 + at;
            let name = format!("{id}_{person:016x}_MG_{side}_{view}_ANON.dcm");
            let said = Said { patient_name: Some("SECRET^NAME"), ..Said::default() };
            mammogram(&root.join("AllDICOMs").join(name), side == "R", id as u64, &said);
            let birads = if person % 3 == 0 && side == "L" { "5" } else { "2" };
            let view = if view == "ML" { "MLO" } else { view };
            write!(csv, "removed;removed;{side};{view};201001;{id};2;{birads}\r\n").unwrap();
        }
    }
    write(&root.join("INbreast.csv"), csv);
    fs::create_dir_all(root.join("AllXML")).unwrap();
}
