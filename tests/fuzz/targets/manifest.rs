//! Tables of one's own.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(
    // What the library catches is no finding: libfuzzer's hook would end the process before it is caught.
    init: std::panic::set_hook(Box::new(|_| {})),
    |data: &[u8]| {
        let _ = mammo_dataset::parse::manifest_jsonl(data);
        let _ = mammo_dataset::parse::manifest_csv(data);
    }
);
