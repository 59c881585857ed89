//! Says which kernels of PTX files hold instructions that the emulator does not know.
//!
//! `cargo run --example check_ptx -- FILE.ptx …`

use cuda_emulator::ptx::{compile::compile, module::Module};
use std::collections::HashMap;

fn main() -> std::io::Result<()> {
    for path in std::env::args().skip(1) {
        let module = match Module::parse(&std::fs::read_to_string(&path)?) {
            Ok(m) => m,
            Err(e) => {
                println!("{path}: {e}");
                continue;
            }
        };
        let addresses: HashMap<String, u64> = module.variables.keys().map(|n| (n.clone(), 0)).collect();
        let mut kernels: Vec<_> = module.functions.values().filter(|f| f.is_entry).map(|f| &f.name).collect();
        kernels.sort();
        let mut bad = 0;
        for name in &kernels {
            let problems: Vec<String> = match compile(&module, name, &addresses) {
                Ok(p) => p.functions.iter().flat_map(|f| f.messages.clone()).collect(),
                Err(e) => vec![e],
            };
            bad += usize::from(!problems.is_empty());
            for p in problems {
                println!("{path}: {name}: {p}");
            }
        }
        println!("{path}: {} kernels, {bad} with unknown instructions", kernels.len());
    }
    Ok(())
}
