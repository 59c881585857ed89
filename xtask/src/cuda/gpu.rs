//! What the machine at hand has of a GPU.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Compute capabilities of the GPUs at hand, times ten.
pub(super) fn capabilities() -> Vec<u32> {
    query("compute_cap").map(|text| text.lines().filter_map(capability).collect()).unwrap_or_default()
}

/// `9.0` as 90.
fn capability(text: &str) -> Option<u32> {
    let (major, minor) = text.trim().split_once('.')?;
    Some(major.parse::<u32>().ok()? * 10 + minor.parse::<u32>().ok()?)
}

/// One property of every GPU, a line each; what `nvidia-smi` says instead where it has none, `None` where it is missing.
fn query(property: &str) -> Result<String, Option<String>> {
    let mut command = Command::new("nvidia-smi");
    command.arg(format!("--query-gpu={property}")).arg("--format=csv,noheader");
    let output = command.output().map_err(|_| None)?;
    let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if output.status.success() && !said.is_empty() { Ok(said) } else { Err(Some(said)) }
}

/// What was found on the way to a GPU.
struct Signs {
    /// As [`query`] answers.
    gpus: Result<String, Option<String>>,
    /// Whether the kernel shows one: the device of Linux, or that of Windows' subsystem for it.
    device: bool,
    /// The driver's library.
    driver: Option<PathBuf>,
}

/// Why programs cannot compute on a GPU here, in one sentence; nothing where they can.
pub(super) fn why_none() -> Option<String> {
    let device = ["/dev/nvidia0", "/dev/dxg"].iter().any(|path| Path::new(path).exists());
    why(&Signs { gpus: query("name"), device, driver: driver_library() })
}

fn why(signs: &Signs) -> Option<String> {
    match &signs.gpus {
        Err(None) if !signs.device => {
            return Some("there is no GPU: neither nvidia-smi nor /dev/nvidia0 is here".to_owned());
        }
        Err(Some(said)) => {
            let said = said.lines().next().unwrap_or("nothing");
            return Some(format!("nvidia-smi finds no GPU, it says: {said}"));
        }
        // A container can have the device and the library without the program.
        Ok(_) | Err(None) => {}
    }
    signs.driver.is_none().then(|| {
        "there is a GPU but its driver's library, libcuda.so.1, is not where programs look: install the driver, or start \
         the container with it (--gpus all)"
            .to_owned()
    })
}

/// libcuda.so.1 where the dynamic linker finds it.
fn driver_library() -> Option<PathBuf> {
    let searched = std::env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
    let file =
        std::env::split_paths(&searched).map(|dir| dir.join("libcuda.so.1")).find(|path| path.exists());
    file.or_else(|| {
        let cache = ["ldconfig", "/sbin/ldconfig"]
            .iter()
            .find_map(|program| Command::new(program).arg("-p").output().ok())?;
        cached(&String::from_utf8_lossy(&cache.stdout), "libcuda.so.1")
    })
}

/// Where a library lies, by what `ldconfig -p` prints.
fn cached(listing: &str, library: &str) -> Option<PathBuf> {
    let line = listing.lines().find(|line| line.split_whitespace().next() == Some(library))?;
    Some(PathBuf::from(line.split_once("=>")?.1.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capabilities_are_read_as_ten_times_themselves() {
        assert_eq!(capability("9.0"), Some(90));
        assert_eq!(capability(" 12.1 "), Some(121));
        assert_eq!(capability("[N/A]"), None);
    }

    #[test]
    fn what_is_missing_is_named() {
        let driver = || Some(PathBuf::from("libcuda.so.1"));
        let signs = |gpus, device, driver| Signs { gpus, device, driver };
        assert!(why(&signs(Err(None), false, None)).unwrap().contains("no GPU"));
        let said = "NVIDIA-SMI has failed\nmore".to_owned();
        assert!(why(&signs(Err(Some(said)), true, driver())).unwrap().ends_with("has failed"));
        assert!(why(&signs(Ok("NVIDIA H100".to_owned()), true, None)).unwrap().contains("libcuda.so.1"));
        assert_eq!(why(&signs(Ok("NVIDIA H100".to_owned()), false, driver())), None);
        assert_eq!(why(&signs(Err(None), true, driver())), None);
    }

    #[test]
    fn the_linkers_cache_is_read() {
        let listing = "2 libs found in cache `/etc/ld.so.cache'\n\tlibcuda.so.1 (libc6,x86-64) => /lib/x/libcuda.so.1\n\
                       \tlibcuda.so (libc6,x86-64) => /lib/x/libcuda.so\n";
        assert_eq!(cached(listing, "libcuda.so.1"), Some(PathBuf::from("/lib/x/libcuda.so.1")));
        assert_eq!(cached(listing, "libcudnn.so.9"), None);
    }
}
