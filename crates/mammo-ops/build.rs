//! Compiles the CUDA kernels where the feature `cuda` is on: `kernels/kernels.cu` to PTX, which the driver of the machine
//! at hand finishes. Needs `nvcc`; `CUDA_COMPUTE_CAP` or the GPU at hand says for which architecture.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    #[cfg(feature = "cuda")]
    if let Err(error) = kernels() {
        println!("cargo::error=the CUDA kernels cannot be compiled: {error}");
    }
}

#[cfg(feature = "cuda")]
fn kernels() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=kernels");
    println!("cargo::rerun-if-env-changed=CUDA_COMPUTE_CAP");
    let headers =
        std::fs::read_dir("kernels")?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()?;
    cudaforge::KernelBuilder::new()
        .source_files(["kernels/kernels.cu"])
        .watch(headers)
        .arg("-std=c++17")
        .arg("-O3")
        .build_ptx()?;
    Ok(())
}
