//! Spreadsheets (xls and xlsx) as rows of texts. What the reader of spreadsheets would take memory for is looked at first:
//! it believes the lengths that a file declares, and follows chains of sectors that may lead back to their start.

use calamine::{Data, DataRef, Reader, Xls, Xlsx};
use std::io::Cursor;

/// Largest spreadsheet that is read; the released ones have some hundred kilobytes.
const LIMIT_BYTES: usize = 2 << 20;
/// Most cells, empty ones included, between the first and the last one of a sheet.
const LIMIT_CELLS: u64 = 1 << 20;
/// Most columns of a sheet; the released ones have 17.
const LIMIT_COLUMNS: u32 = 256;

const END_OF_CHAIN: u32 = 0xffff_fffe;
const FIRST_RESERVED: u32 = 0xffff_fffa;

/// Rows of the sheet called `name`, else of the first one.
pub(crate) fn rows(bytes: &[u8], name: &str) -> Result<Vec<Vec<String>>, String> {
    if bytes.len() > LIMIT_BYTES {
        return Err(format!("{} bytes are more than any spreadsheet of labels has", bytes.len()));
    }
    let is_xls = bytes.starts_with(&[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1]);
    if is_xls {
        check_xls(bytes).ok_or("its structure contradicts itself")??;
    } else if !bytes.starts_with(b"PK") {
        return Err("it is neither xls nor xlsx".to_owned());
    }
    // The reader of spreadsheets indexes into what the file declares; a damaged file must not end the program.
    std::panic::catch_unwind(|| if is_xls { xls(bytes, name) } else { xlsx(bytes, name) })
        .unwrap_or_else(|_| Err("its structure contradicts itself".to_owned()))
}

fn sheet(names: &[String], name: &str) -> Result<String, String> {
    let found = names.iter().find(|known| known.as_str() == name).or(names.first());
    Ok(found.ok_or("it has no sheet")?.clone())
}

fn xls(bytes: &[u8], name: &str) -> Result<Vec<Vec<String>>, String> {
    let mut book = Xls::new(Cursor::new(bytes)).map_err(|e| e.to_string())?;
    let name = sheet(&book.sheet_names(), name)?;
    let range = book.worksheet_range(&name).map_err(|e| e.to_string())?;
    Ok(range.rows().map(|row| row.iter().map(text).collect()).collect())
}

/// Cell by cell, because a range would be as large as the farthest cell says.
fn xlsx(bytes: &[u8], name: &str) -> Result<Vec<Vec<String>>, String> {
    let mut book = Xlsx::new(Cursor::new(bytes)).map_err(|e| e.to_string())?;
    let name = sheet(&book.sheet_names(), name)?;
    let mut cells = book.worksheet_cells_reader(&name).map_err(|e| e.to_string())?;
    let mut rows: Vec<Vec<String>> = Vec::new();
    while let Some(cell) = cells.next_cell().map_err(|e| e.to_string())? {
        let (row, column) = cell.get_position();
        if u64::from(row) * u64::from(LIMIT_COLUMNS) >= LIMIT_CELLS || column >= LIMIT_COLUMNS {
            return Err("it has a cell far beyond any table of labels".to_owned());
        }
        let value: DataRef<'_> = cell.get_value().clone();
        let text = text(&Data::from(value));
        let (row, column) = (row as usize, column as usize);
        if text.is_empty() {
            continue;
        }
        if rows.len() <= row {
            rows.resize(row + 1, Vec::new());
        }
        if rows[row].len() <= column {
            rows[row].resize(column + 1, String::new());
        }
        rows[row][column] = text;
    }
    Ok(rows)
}

/// A cell as text; whole numbers without the `.0` that spreadsheets give them.
fn text(cell: &Data) -> String {
    match cell {
        Data::Float(v) if v.fract() == 0.0 && v.abs() < 1e15 => format!("{v:.0}"),
        Data::Empty | Data::Error(_) => String::new(),
        other => other.to_string().trim().to_owned(),
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

/// Walks the compound file (MS-CFB) and the records of the workbook (MS-XLS). `None` where something leads beyond the file.
fn check_xls(bytes: &[u8]) -> Option<Result<(), String>> {
    let size = match u16_at(bytes, 30)? {
        9 => 512,
        12 => 4096,
        _ => return None,
    };
    let count = (bytes.len() / size) as u32;
    let at = |offset| u32_at(bytes, offset);
    let (directories, fats, minis) = (at(40)?, at(44)?, at(64)?);
    // A file of this size needs no sectors for the list of allocation tables.
    if directories > count || fats > count || minis > count || at(68)? < FIRST_RESERVED {
        return None;
    }
    let sector = |id: u32| bytes.get((id as usize + 1) * size..).map(|rest| &rest[..size.min(rest.len())]);
    let words =
        |data: &[u8]| -> Vec<u32> { data.chunks_exact(4).filter_map(|word| u32_at(word, 0)).collect() };
    let mut fat = Vec::new();
    for entry in 0..109 {
        let id = at(76 + 4 * entry)?;
        if id < FIRST_RESERVED {
            fat.extend(words(sector(id)?));
        }
    }
    let data_of = |start: u32| -> Option<Vec<u8>> {
        let mut data = Vec::new();
        for id in chain(start, &fat)? {
            data.extend_from_slice(sector(id)?);
        }
        Some(data)
    };
    let directory = data_of(at(48)?)?;
    let mini_fat = if minis > 0 { words(&data_of(at(60)?)?) } else { Vec::new() };
    let mut mini_data = Vec::new();
    for (index, entry) in directory.chunks_exact(128).enumerate() {
        let (start, length) = (u32_at(entry, 116)?, u32_at(entry, 120)?);
        let upper = if size == 4096 { u32_at(entry, 124)? } else { 0 };
        if upper != 0 || length as usize > bytes.len() {
            return None;
        }
        // By name alone, as the reader does, whatever an entry says about its type.
        let name: Vec<u16> = entry[..64].chunks_exact(2).filter_map(|unit| u16_at(unit, 0)).collect();
        let name = String::from_utf16_lossy(&name).to_ascii_lowercase();
        let name = name.split('\0').next().unwrap_or_default();
        if name.contains("vba") {
            return Some(Err("it holds programs, which no spreadsheet of labels does".to_owned()));
        }
        let data = if index == 0 {
            mini_data = if minis > 0 || start < FIRST_RESERVED { data_of(start)? } else { Vec::new() };
            continue;
        } else if name != "workbook" && name != "book" {
            continue;
        } else if length < 4096 {
            let mut data = Vec::new();
            for id in chain(start, &mini_fat)? {
                data.extend_from_slice(mini_data.get(id as usize * 64..id as usize * 64 + 64)?);
            }
            data
        } else {
            data_of(start)?
        };
        if let Err(reason) = check_records(data.get(..length as usize).unwrap_or(&data)) {
            return Some(Err(reason));
        }
    }
    Some(Ok(()))
}

/// The sectors of a chain; `None` where it leads beyond the table or back to itself.
fn chain(start: u32, table: &[u32]) -> Option<Vec<u32>> {
    let (mut ids, mut id) = (Vec::new(), start);
    while id != END_OF_CHAIN {
        if ids.len() >= table.len() {
            return None;
        }
        ids.push(id);
        id = *table.get(id as usize)?;
    }
    Some(ids)
}

/// Most sheets that a workbook may list.
const LIMIT_SHEETS: usize = 64;

/// Refuses sheets that declare, or have cells, far beyond any table of labels. Sheets are read from where the list of sheets
/// says that they begin, which in a damaged file is anywhere.
fn check_records(stream: &[u8]) -> Result<(), String> {
    let mut sheets = Vec::new();
    check_from(stream, 0, &mut sheets)?;
    if sheets.len() > LIMIT_SHEETS {
        return Err("it lists more sheets than any spreadsheet of labels has".to_owned());
    }
    for start in sheets {
        check_from(stream, start, &mut Vec::new())?;
    }
    Ok(())
}

fn check_from(stream: &[u8], start: usize, sheets: &mut Vec<usize>) -> Result<(), String> {
    let far = || Err("it has a cell far beyond any table of labels".to_owned());
    let fits = |rows: u64, columns: u64| columns <= u64::from(LIMIT_COLUMNS) && rows * columns <= LIMIT_CELLS;
    let (mut rows, mut columns, mut at) = (0u64, 0u64, start);
    while let (Some(kind), Some(length)) = (u16_at(stream, at), u16_at(stream, at + 2)) {
        let body = stream.get(at + 4..at + 4 + usize::from(length)).unwrap_or_default();
        at += 4 + usize::from(length);
        let word = |offset| u16_at(body, offset).map_or(0, u64::from);
        match (kind, body.len()) {
            (0x0200, 14) => {
                let (first, last) = (u32_at(body, 0).unwrap_or(0), u32_at(body, 4).unwrap_or(0));
                if first > last || !fits(u64::from(last), word(10).max(1)) {
                    return far();
                }
            }
            (0x0200, 10) if word(0) > word(2) || !fits(word(2), word(6).max(1)) => return far(),
            (0x0006 | 0x00bd | 0x00d6 | 0x00fd | 0x0203 | 0x0204 | 0x0205 | 0x027e, 4..) => {
                let more = if kind == 0x00bd { body.len() as u64 / 6 } else { 0 };
                rows = rows.max(word(0) + 1);
                columns = columns.max(word(2) + 1 + more);
            }
            (0x0085, 4..) => sheets.extend(u32_at(body, 0).map(|start| start as usize)),
            // Each sheet is counted by itself.
            (0x000a, _) => (rows, columns) = (0, 0),
            _ => {}
        }
        if !fits(rows, columns) {
            return far();
        }
    }
    Ok(())
}
