//! DICOM files, compressed ones too.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(
    // What the library catches is no finding: libfuzzer's hook would end the process before it is caught.
    init: std::panic::set_hook(Box::new(|_| {})),
    |data: &[u8]| {
        let path = std::path::Path::new("fuzzed.dcm");
        if let Ok(mammogram) = mammo_dicom::Mammogram::from_bytes(data, path) {
            let header = mammogram.header();
            assert_eq!(mammogram.words().len(), header.columns_px * header.rows_px);
            let _ = (mammogram.display_plane(), mammogram.look(mammo_dicom::Look::File));
        }
    }
);
