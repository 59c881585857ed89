//! Draws phantoms of all densities in both views, at full and at network size, to be judged by eye:
//! `cargo run --release -p mammo-phantom --example phantom_sheet -- SHEET.png [SEED]`.

use mammo_core::{AcrDensity, Fit, Laterality, Plane, Seed, ViewPosition};
use mammo_phantom::{LesionKind, LesionSpec, Phantom, PhantomSpec};
use mammo_png::{Mark, Sheet, SheetRow, Tile, write_canvas};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let path = args.next().ok_or("expected the path of a PNG file")?;
    let seed: u64 = args.next().map_or(Ok(1), |text| text.parse())?;
    let unit = |plane: &Plane| {
        let (_, high) = plane.min_max();
        plane.map(|v| (v / high / 0.95).min(1.0))
    };
    let kinds = [LesionKind::Smooth, LesionKind::Spiculated, LesionKind::Calcified, LesionKind::Cluster];
    let mut rows = Vec::new();
    for view in [ViewPosition::Cc, ViewPosition::Mlo] {
        let (mut large, mut small, mut twins) = (Vec::new(), Vec::new(), Vec::new());
        for density in 1..=4u8 {
            let spec = PhantomSpec {
                seed: Seed(seed).derive(&format!("{view}{density}")),
                width_px: 480,
                height_px: 624,
                view,
                laterality: Laterality::Left,
                density: AcrDensity::new(density)?,
                lesion: Some(LesionSpec {
                    kind: kinds[usize::from(density) - 1],
                    radius: 0.05,
                    contrast: 0.32,
                }),
            };
            let phantom = Phantom::new(&spec)?;
            let (with, without) = (phantom.render(true), phantom.render(false));
            let fit = Fit::plan((480, 624), (128, 128), false);
            large.push(Tile::Gray(unit(&with).resized(240, 312)));
            // Pixels doubled, to be seen.
            let at_network_size = |plane: &Plane| Tile::Gray(fit.apply(&unit(plane)).resized(256, 256));
            small.push(at_network_size(&with));
            twins.push(at_network_size(&without));
        }
        rows.push(SheetRow { label: format!("{view} DENSITY 1 TO 4"), tiles: large });
        rows.push(SheetRow { label: "AT 128 X 128, WITH AND WITHOUT".into(), tiles: small });
        rows.push(SheetRow { label: String::new(), tiles: twins });
    }
    let columns = ["SMOOTH", "SPICULATED", "CALCIFIED", "CLUSTER"].map(str::to_owned).to_vec();
    let sheet = Sheet { columns, rows, zoom: 1 };
    let mark = Mark::new("mammo-phantom", "contact sheet of procedural phantoms");
    write_canvas(std::path::Path::new(&path), &sheet.draw(), &mark)?;
    Ok(())
}
