//! Vectors that are not part of the repository: data that come with GPL packages. They lie in `../shared/vectors`, seen from
//! the root of the workspace.

use std::path::PathBuf;

#[allow(unreachable_pub)] // a module of tests
/// The text of a vector; none, with the reason printed, where the folder is absent.
pub fn vector(name: &str) -> Option<String> {
    let folder: PathBuf =
        [env!("CARGO_MANIFEST_DIR"), "..", "..", "..", "shared", "vectors"].iter().collect();
    match std::fs::read_to_string(folder.join(name)) {
        Ok(text) => Some(text),
        Err(error) => {
            eprintln!("skipped: ../shared/vectors/{name} cannot be read ({error})");
            None
        }
    }
}
