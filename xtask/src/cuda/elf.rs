//! Which libraries a program is linked with, and which C library it needs at least: read from the program itself, so that
//! what a pack says about it is so.

use std::path::Path;

/// What a program asks of the machine that it runs on.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Needs {
    /// Names of the libraries, in the order in which they are loaded.
    pub(super) libraries: Vec<String>,
    /// The newest version of the GNU C library whose functions are called.
    pub(super) glibc: Option<(u32, u32)>,
}

/// Reads a program's needs.
pub(super) fn needs(path: &Path) -> Result<Needs, String> {
    let bytes = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    parse(&bytes).ok_or_else(|| format!("{}: is no 64-bit little-endian ELF program", path.display()))
}

// Of the ELF format's 64-bit layout (System V ABI, chapters 4 and 5).
const MAGIC: [u8; 6] = [0x7f, b'E', b'L', b'F', 2, 1];
const SECTION_OFFSET: usize = 0x28;
const SECTION_SIZE: usize = 0x3a;
const SECTIONS: usize = 0x3c;
const TYPE_DYNAMIC: u32 = 6;
const TAG_NEEDED: u64 = 1;

fn parse(bytes: &[u8]) -> Option<Needs> {
    let slice = |at: usize, length: usize| bytes.get(at..at.checked_add(length)?);
    let u16_at = |at: usize| Some(u16::from_le_bytes(slice(at, 2)?.try_into().ok()?) as usize);
    let u32_at = |at: usize| Some(u32::from_le_bytes(slice(at, 4)?.try_into().ok()?));
    let u64_at = |at: usize| Some(u64::from_le_bytes(slice(at, 8)?.try_into().ok()?));
    // Places in the file and lengths of its parts, so that sums of them stay in range.
    let place_at = |at: usize| usize::try_from(u64_at(at)?).ok().filter(|&place| place <= bytes.len());
    if slice(0, MAGIC.len())? != MAGIC {
        return None;
    }
    let (first, size, count) = (place_at(SECTION_OFFSET)?, u16_at(SECTION_SIZE)?, u16_at(SECTIONS)?);
    let section = |i: usize| first.checked_add(i.checked_mul(size)?);
    let is_dynamic = |&i: &usize| section(i).and_then(|at| u32_at(at + 4)) == Some(TYPE_DYNAMIC);
    let dynamic = section((0..count).find(is_dynamic)?)?;
    let (entries, length) = (place_at(dynamic + 0x18)?, place_at(dynamic + 0x20)?);
    let names = section(u32_at(dynamic + 0x28)? as usize)?;
    let names = slice(place_at(names + 0x18)?, place_at(names + 0x20)?)?;
    let name = |at: usize| {
        let name = names.get(at..)?.split(|&byte| byte == 0).next()?;
        Some(String::from_utf8_lossy(name).into_owned())
    };
    let mut libraries = Vec::new();
    for entry in (0..length / 16).map(|i| entries + 16 * i) {
        if u64_at(entry)? == TAG_NEEDED {
            libraries.push(name(place_at(entry + 8)?)?);
        }
    }
    let versions = names.split(|&byte| byte == 0).filter_map(|name| {
        let (major, minor) = std::str::from_utf8(name).ok()?.strip_prefix("GLIBC_")?.split_once('.')?;
        // Versions of three numbers are older than all of two that matter.
        Some((major.parse().ok()?, minor.parse().ok()?))
    });
    Some(Needs { libraries, glibc: versions.max() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_program_is_refused() {
        assert_eq!(parse(b"#!/bin/sh\n"), None);
        assert_eq!(parse(&MAGIC), None);
        // Places far outside of the file.
        let mut bytes = [0xff; 128];
        bytes[..MAGIC.len()].copy_from_slice(&MAGIC);
        assert_eq!(parse(&bytes), None);
    }

    #[cfg(all(
        target_os = "linux",
        target_env = "gnu",
        target_pointer_width = "64",
        target_endian = "little"
    ))]
    #[test]
    fn this_program_needs_the_c_library() {
        let needs = needs(&std::env::current_exe().unwrap()).unwrap();
        assert!(needs.libraries.iter().any(|name| name.starts_with("libc.so")), "{needs:?}");
        assert!(needs.glibc.is_some_and(|version| version >= (2, 2)), "{needs:?}");
    }
}
