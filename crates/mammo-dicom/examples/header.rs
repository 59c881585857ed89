//! Prints what the library reads from DICOM files: `cargo run -p mammo-dicom --example header -- FILE...`

use mammo_dicom::Mammogram;
use std::path::Path;

fn main() {
    for file in std::env::args().skip(1) {
        match Mammogram::open(Path::new(&file)) {
            Ok(mammogram) => {
                println!("{file}: {:#?}", mammogram.header());
                println!("values from {:?}", mammogram.display_plane().min_max());
            }
            Err(error) => println!("{error}"),
        }
    }
}
