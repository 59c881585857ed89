//! What comes out: marked pictures, and beside each a side-car with digests.

use super::{original::Original, place};
use crate::run::MADE_BY;
use anyhow::bail;
use clap::ValueEnum;
use mammo_core::{Laterality, Plane, ViewPosition};
use mammo_dicom::{Derivation, SyntheticImage, write_derived};
use mammo_png::{Mark, SideCar, encode_gray16};
use mammo_train::Checkpoint;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Bits of a pixel in DICOM files, as in those of digital mammography.
const BITS_STORED: u16 = 12;

/// What is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// 16-bit grey PNG
    Png,
    /// DICOM
    Dicom,
    /// Both
    Both,
}

impl Format {
    fn has_png(self) -> bool {
        self != Self::Dicom
    }

    pub(super) fn has_dicom(self) -> bool {
        self != Self::Png
    }
}

/// What stands beside a picture: the side-car that every made picture has, and what it was made from.
#[derive(Serialize)]
struct ResultCar<'a> {
    #[serde(flatten)]
    picture: SideCar,
    /// SHA-256 of the file that was read.
    source_sha256: &'a str,
    /// Digest of the file that a picture of a prepared set was prepared from.
    #[serde(skip_serializing_if = "Option::is_none")]
    prepared_from: Option<&'a str>,
    /// SHA-256 of the networks' weights.
    checkpoint_sha256: &'a str,
    laterality: Option<Laterality>,
    view: Option<ViewPosition>,
    /// Whether left and right of the picture are exchanged against the source.
    mirrored: bool,
}

/// Where results go, and what is the same for all of them.
pub(super) struct Results<'a> {
    pub(super) folder: &'a Path,
    pub(super) format: Format,
    /// What was done to malignant features, in one word.
    pub(super) what: &'static str,
    pub(super) checkpoint: &'a Checkpoint,
}

impl Results<'_> {
    /// Refuses a folder that lies in a prepared set, and results that would take the place of a file that is read.
    pub(super) fn check_apart<'n>(
        &self,
        images: &[PathBuf],
        names: impl Iterator<Item = &'n String>,
    ) -> anyhow::Result<()> {
        let folder = place(self.folder);
        if self.folder.exists() && !self.folder.is_dir() {
            bail!("{}: this is a file and not a folder; choose another --out", self.folder.display());
        }
        let mut files = std::collections::BTreeSet::new();
        for image in images {
            let place = place(image);
            if image.is_dir() && folder.starts_with(&place) {
                bail!(
                    "{}: the folder lies in the prepared set {}, which nothing is written into; choose another --out",
                    self.folder.display(),
                    image.display()
                );
            }
            files.insert(place);
        }
        for name in names {
            for ending in ["png", "dcm"] {
                let path = self.path(name, ending);
                if path.exists() && files.contains(&place(&path)) {
                    bail!(
                        "{}: a result would take the place of this picture; choose another --out",
                        path.display()
                    );
                }
            }
        }
        Ok(())
    }

    /// Writes one result, each file whole or not at all, and gives the pictures.
    pub(super) fn write(
        &self,
        name: &str,
        original: &Original,
        made: &Plane,
    ) -> anyhow::Result<Vec<PathBuf>> {
        let side = match original.laterality {
            None if self.format.has_dicom() => bail!(
                "{}: the picture does not say which breast it shows, and DICOM files must; give --side left or --side right",
                original.path.display()
            ),
            side => side,
        };
        let mark = Mark::new(MADE_BY, self.derivation(original));
        mammo_files::create_dir(self.folder)?;
        let mut written = Vec::new();
        if self.format.has_png() {
            let path = self.path(name, "png");
            let bytes = encode_gray16(made, &mark)?;
            mammo_files::write(&path, &bytes)?;
            self.write_side_car(&path, &mark, original, original.is_mirrored)?;
            written.push(path);
        }
        if let (Some(side), true) = (side, self.format.has_dicom()) {
            let path = self.path(name, "dcm");
            self.write_dicom(&path, &mark, original, made, side)?;
            self.write_side_car(&path, &mark, original, false)?;
            written.push(path);
        }
        Ok(written)
    }

    fn path(&self, name: &str, ending: &str) -> PathBuf {
        self.folder.join(format!("{name}_{}.{ending}", self.what))
    }

    /// How the picture was made, for both formats.
    fn derivation(&self, original: &Original) -> String {
        let prepared = original.prepared_from.as_ref();
        format!(
            "malignant features {} by a CycleGAN after {} steps; from a file of SHA-256 {}{}",
            self.what,
            self.checkpoint.step,
            original.sha256,
            prepared.map_or(String::new(), |digest| format!(", which was prepared from {digest}"))
        )
    }

    fn write_dicom(
        &self,
        path: &Path,
        mark: &Mark,
        original: &Original,
        made: &Plane,
        laterality: Laterality,
    ) -> anyhow::Result<()> {
        // Rows run as those of the source again, whatever its Patient Orientation says.
        let plane = if original.is_mirrored { made.mirrored() } else { made.clone() };
        let largest = f32::from((1u16 << BITS_STORED) - 1);
        let pixels: Vec<u16> =
            plane.data().iter().map(|v| (v.clamp(0.0, 1.0) * largest).round() as u16).collect();
        let image = SyntheticImage {
            pixels: &pixels,
            width: plane.width(),
            height: plane.height(),
            bits_stored: BITS_STORED,
            laterality,
            view: original.view,
            patient_id: &original.person,
            series_description: self.what,
            derivation: mark.description(),
            uid_seed: &format!(
                "translate/{}/{laterality}/{}/{}",
                original.sha256, self.what, self.checkpoint.tensors_sha256
            ),
            spacing_mm: original.spacing_mm,
        };
        let derivation = Derivation { source: original.dicom.as_ref(), is_resampled: original.is_resampled };
        Ok(write_derived(path, &image, &derivation)?)
    }

    fn write_side_car(
        &self,
        picture: &Path,
        mark: &Mark,
        original: &Original,
        mirrored: bool,
    ) -> anyhow::Result<()> {
        let car = ResultCar {
            picture: SideCar {
                synthetic: true,
                made_by: mark.made_by().to_owned(),
                description: mark.full_description(),
                sha256: mammo_files::sha256_file(picture)?,
            },
            source_sha256: &original.sha256,
            prepared_from: original.prepared_from.as_deref(),
            checkpoint_sha256: &self.checkpoint.tensors_sha256,
            laterality: original.laterality,
            view: original.view,
            mirrored,
        };
        Ok(mammo_files::write_json(&SideCar::path_of(picture), &car)?)
    }
}
