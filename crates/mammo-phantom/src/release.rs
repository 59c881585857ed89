use fs_err as fs;
use mammo_core::{Finding, Plane, Roi, Seed, Shape, ViewPosition};
use mammo_dicom::{SyntheticImage, write_synthetic};
use rand::Rng;
use rayon::prelude::*;
use std::{
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
};

use crate::breast::{Phantom, PhantomSpec};
use crate::manifest::{Manifest, ManifestImage};
use crate::plan::{Planned, plan};
use crate::{PhantomConfig, PhantomError, roi_xml};

const MADE_BY: &str = concat!("mammo-phantom ", env!("CARGO_PKG_VERSION"));

const README: &str = "SYNTHETIC - NOT FOR DIAGNOSIS\r\n\r\n\
This folder has the layout of the INbreast release and holds no patient data. All images are procedural phantoms; every\r\n\
DICOM file says so in Synthetic Data (0008,001C), Image Type and its description. phantom.json tells the truth about each\r\n\
image, and Twins/ has every breast with a lesion once more without it.\r\n";

/// What a release came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReleaseSummary {
    /// Images.
    pub images: usize,
    /// Images with a lesion, each with a twin without.
    pub twins: usize,
}

/// Makes a release in `dir` with the layout, names and quirks of INbreast: `AllDICOMs`, `AllXML`, `INbreast.csv`, and
/// beside them `Twins` and `phantom.json`. The same configuration gives the same bytes on any number of threads.
/// `progress` hears (done, all) images.
///
/// # Errors
/// [`PhantomError`] for an unfit configuration, a folder that holds something else, and files that cannot be written. A
/// release that is not whole has no `phantom.json`.
pub fn write_release(
    dir: &Path,
    config: &PhantomConfig,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<ReleaseSummary, PhantomError> {
    config.check()?;
    if dir.exists() && !is_ours(dir)? {
        return Err(PhantomError::Occupied(dir.to_owned()));
    }
    for name in ["", "AllDICOMs", "AllXML", "Twins"] {
        mammo_files::create_dir(&dir.join(name))?;
    }
    let _ = fs::remove_file(dir.join("phantom.json"));
    mammo_files::write(&dir.join("README.txt"), README.as_bytes())?;
    // Copies of the real release carry such strays; readers must pass them over.
    mammo_files::write(&dir.join("AllDICOMs/desktop.ini"), b"[.ShellClassInfo]\r\n")?;

    let planned = plan(config);
    let done = AtomicUsize::new(0);
    let images = planned
        .par_iter()
        .map(|image| {
            let written = write_image(dir, config, image)?;
            progress(done.fetch_add(1, Ordering::Relaxed) + 1, planned.len());
            Ok(written)
        })
        .collect::<Result<Vec<ManifestImage>, PhantomError>>()?;
    write_table(dir, config.seed, &planned)?;
    let summary = ReleaseSummary {
        images: images.len(),
        twins: images.iter().filter(|image| image.twin_path.is_some()).count(),
    };
    let manifest = Manifest {
        synthetic: true,
        made_by: MADE_BY.to_owned(),
        config: config.clone(),
        table_sha256: mammo_files::sha256_file(&dir.join("INbreast.csv"))?,
        images,
    };
    mammo_files::write_json(&dir.join("phantom.json"), &manifest)?;
    Ok(summary)
}

/// Whether a folder is empty or a release of ours, whole or begun.
fn is_ours(dir: &Path) -> Result<bool, PhantomError> {
    if fs::read_dir(dir)?.next().is_none() {
        return Ok(true);
    }
    let readme = dir.join("README.txt");
    Ok(readme.is_file() && fs::read(readme)? == README.as_bytes())
}

fn write_image(dir: &Path, config: &PhantomConfig, image: &Planned) -> Result<ManifestImage, PhantomError> {
    let mut lesion = image.lesion;
    // A small breast may have no room for a large lesion; it shrinks until it fits.
    let phantom = loop {
        let spec = PhantomSpec {
            seed: image.seed,
            width_px: config.width_px,
            height_px: config.height_px,
            view: image.view,
            laterality: image.laterality,
            density: image.density,
            lesion,
        };
        match (Phantom::new(&spec), &mut lesion) {
            (Err(PhantomError::Config(_)), Some(lesion)) if lesion.radius > 0.01 => lesion.radius *= 0.8,
            (result, _) => break result?,
        }
    };
    let mut rendered = phantom.render(true);
    let mut rois = phantom.rois();
    if image.benign_calcification {
        rois.push(coarse_calcification(&mut rendered, image.seed));
    }
    // The release spells MLO as ML in its file names.
    let view = if image.view == ViewPosition::Mlo { "ML" } else { "CC" };
    let path =
        format!("AllDICOMs/{}_{}_MG_{}_{view}_ANON.dcm", image.file_id, image.patient, image.laterality);
    write_dicom(&dir.join(&path), &rendered, config, image, "procedural breast phantom")?;
    let twin_path = lesion.map(|_| format!("Twins/{}_TWIN.dcm", image.file_id));
    if let Some(twin) = &twin_path {
        let what = "procedural breast phantom, counterfactual twin without its lesion";
        write_dicom(&dir.join(twin), &phantom.render(false), config, image, what)?;
    }
    let outlines_path = (!rois.is_empty()).then(|| format!("AllXML/{}.xml", image.file_id));
    if let Some(outlines) = &outlines_path {
        roi_xml::write(&dir.join(outlines), &rois, config.spacing_mm)?;
    }
    let digest = |path: &String| mammo_files::sha256_file(&dir.join(path));
    Ok(ManifestImage {
        image_id: image.file_id.clone(),
        patient_id: image.patient.clone(),
        laterality: image.laterality,
        view: image.view,
        density: image.density,
        birads: image.birads,
        sha256: digest(&path)?,
        path,
        twin_sha256: twin_path.as_ref().map(digest).transpose()?,
        twin_path,
        outlines_sha256: outlines_path.as_ref().map(digest).transpose()?,
        outlines_path,
        lesion,
        rois,
    })
}

fn write_dicom(
    path: &Path,
    plane: &Plane,
    config: &PhantomConfig,
    image: &Planned,
    what: &str,
) -> Result<(), PhantomError> {
    let pixels: Vec<u16> = plane.data().iter().map(|&v| v as u16).collect();
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    write_synthetic(
        path,
        &SyntheticImage {
            pixels: &pixels,
            width: plane.width(),
            height: plane.height(),
            bits_stored: 14,
            laterality: image.laterality,
            view: Some(image.view),
            patient_id: &image.patient,
            series_description: "phantom mammogram",
            derivation: &format!("{what}, {MADE_BY}"),
            uid_seed: &format!("{MADE_BY}/{}/{name}", config.seed.0),
            spacing_mm: Some(config.spacing_mm),
        },
    )?;
    Ok(())
}

/// A few coarse calcifications somewhere in the breast, outlined and harmless.
fn coarse_calcification(image: &mut Plane, seed: Seed) -> Roi {
    let mut rng = seed.stream("phantom/benign");
    let scale = image.height() as f32 / 832.0;
    let (w, h) = (image.width(), image.height());
    let mut at = (w / 2, h / 2);
    for _ in 0..200 {
        let place = (rng.random_range(w / 10..w - w / 10), rng.random_range(h / 4..3 * h / 4));
        if image.get(place.0, place.1) > 2500.0 {
            at = place;
            break;
        }
    }
    let radius = (scale * rng.random_range(2.0..4.0f32)).max(1.0);
    let center = mammo_core::Point { x: at.0 as f32 + 0.5, y: at.1 as f32 + 0.5 };
    let reach = radius.ceil() as usize + 2;
    for y in at.1.saturating_sub(reach)..(at.1 + reach + 1).min(h) {
        for x in at.0.saturating_sub(reach)..(at.0 + reach + 1).min(w) {
            let r = (x as f32 + 0.5 - center.x).hypot(y as f32 + 0.5 - center.y);
            let v = image.get(x, y);
            if v > 0.0 {
                let share = (1.0 - (r / radius).powi(4)).clamp(0.0, 1.0);
                image.set(x, y, (v * (1.0 + 0.7 * share)).round().min(16_383.0));
            }
        }
    }
    Roi {
        finding: Finding::Calcification,
        raw_name: "Calcification".into(),
        shape: Shape::Circle { center, radius: radius + 2.0 * scale },
    }
}

/// `INbreast.csv` as released: semicolons, CRLF, two redacted columns, and one blank ACR cell.
fn write_table(dir: &Path, seed: Seed, planned: &[Planned]) -> Result<(), PhantomError> {
    let candidates: Vec<usize> =
        (0..planned.len()).filter(|&i| planned[i].view == ViewPosition::Mlo).collect();
    let blank = candidates[seed.stream("phantom/blank").random_range(0..candidates.len())];
    let mut lines =
        vec!["Patient ID;Patient age;Laterality;View;Acquisition date;File Name;ACR;Bi-Rads".to_owned()];
    for (i, image) in planned.iter().enumerate() {
        let acr = if i == blank { " ".repeat(193) } else { image.density.to_string() };
        let Planned { laterality, view, date, file_id, birads, .. } = image;
        lines.push(format!("removed;removed;{laterality};{view};{date};{file_id};{acr};{birads}"));
    }
    let text = lines.join("\r\n") + "\r\n";
    Ok(mammo_files::write(&dir.join("INbreast.csv"), text.as_bytes())?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{is_complete, read_manifest};

    fn config() -> PhantomConfig {
        PhantomConfig {
            patients: 5,
            width_px: 96,
            height_px: 128,
            lesion_fraction: 0.9,
            ..PhantomConfig::default()
        }
    }

    fn files(dir: &Path) -> std::collections::BTreeMap<std::path::PathBuf, Vec<u8>> {
        let mut found = std::collections::BTreeMap::new();
        for sub in ["", "AllDICOMs", "AllXML", "Twins"] {
            for entry in std::fs::read_dir(dir.join(sub)).unwrap() {
                let path = entry.unwrap().path();
                if path.is_file() {
                    let name = path.strip_prefix(dir).unwrap().to_owned();
                    found.insert(name, std::fs::read(&path).unwrap());
                }
            }
        }
        found
    }

    #[test]
    fn same_seed_same_bytes_on_any_number_of_threads() {
        let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let write = |dir: &Path, threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| write_release(dir, &config(), &|_, _| ())).unwrap()
        };
        assert_eq!(write(a.path(), 1), write(b.path(), 3));
        assert_eq!(files(a.path()), files(b.path()));
        assert!(is_complete(a.path(), &config()));
        assert!(!is_complete(a.path(), &PhantomConfig { patients: 6, ..config() }));
    }

    #[test]
    fn a_release_with_a_changed_or_missing_file_is_not_complete() {
        let dir = tempfile::tempdir().unwrap();
        write_release(dir.path(), &config(), &|_, _| ()).unwrap();
        let manifest = read_manifest(dir.path()).unwrap();
        let lesion = manifest.images.iter().find(|image| image.twin_path.is_some()).unwrap();
        let files = [Some(&lesion.path), lesion.twin_path.as_ref(), lesion.outlines_path.as_ref()];
        for name in files.into_iter().flatten().map(String::as_str).chain(["INbreast.csv"]) {
            let path = dir.path().join(name);
            let bytes = std::fs::read(&path).unwrap();
            let mut changed = bytes.clone();
            *changed.last_mut().unwrap() ^= 1;
            std::fs::write(&path, changed).unwrap();
            assert!(!is_complete(dir.path(), &config()), "{name} changed");
            std::fs::remove_file(&path).unwrap();
            assert!(!is_complete(dir.path(), &config()), "{name} missing");
            std::fs::write(&path, bytes).unwrap();
        }
        assert!(is_complete(dir.path(), &config()));
    }

    #[test]
    fn the_release_has_the_fields_quirks_and_says_it_is_synthetic() {
        let dir = tempfile::tempdir().unwrap();
        let summary = write_release(dir.path(), &config(), &|_, _| ()).unwrap();
        let manifest = read_manifest(dir.path()).unwrap();
        assert_eq!((manifest.images.len(), manifest.synthetic), (summary.images, true));
        for image in &manifest.images {
            assert_eq!(image.lesion.is_some(), image.twin_path.is_some());
            assert_eq!(image.view == ViewPosition::Mlo, image.path.contains("_ML_"));
            for path in std::iter::once(&image.path).chain(&image.twin_path) {
                assert!(mammo_dicom::read_header(&dir.path().join(path)).unwrap().synthetic);
            }
        }
        let table = std::fs::read_to_string(dir.path().join("INbreast.csv")).unwrap();
        assert_eq!(table.lines().filter(|line| line.contains(&" ".repeat(193))).count(), 1);
        assert!(table.contains(";MLO;") && !table.contains(";ML;"));
    }

    #[test]
    fn other_peoples_folders_are_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("thesis.doc"), "x").unwrap();
        let message = write_release(dir.path(), &config(), &|_, _| ()).unwrap_err().to_string();
        assert!(message.contains("other files"), "{message}");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
