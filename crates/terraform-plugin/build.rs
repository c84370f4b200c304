//! Compiles `proto/*.proto` into Rust without `protoc`.

use std::error::Error;
use std::path::PathBuf;

/// The directory at the root of the repository.
const PROTO: &str = "../../proto";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={PROTO}");
    let mut files: Vec<PathBuf> = std::fs::read_dir(PROTO)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    files.retain(|file| {
        file.extension()
            .is_some_and(|extension| extension == "proto")
    });
    files.sort();

    // The clients are for tests. Without a transport they add nothing to the provider's binary.
    tonic_prost_build::configure()
        .build_transport(false)
        .generate_default_stubs(true)
        .compile_fds(protox::compile(files, [PROTO])?)?;
    Ok(())
}
