//! Compiles every `proto/*.proto` into Rust, without `protoc`, and hands on the source address that
//! stands in the makefile.

use std::error::Error;
use std::path::PathBuf;

const PROTO: &str = "proto";
const MAKEFILE: &str = "GNUmakefile";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={PROTO}");
    println!("cargo::rerun-if-changed={MAKEFILE}");
    let makefile = std::fs::read_to_string(MAKEFILE)?;
    let address = makefile
        .lines()
        .find_map(|line| line.strip_prefix("SOURCE_ADDRESS := "))
        .ok_or("the makefile names no SOURCE_ADDRESS")?;
    println!("cargo::rustc-env=SOURCE_ADDRESS={address}");

    let mut files: Vec<PathBuf> = std::fs::read_dir(PROTO)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    files.retain(|file| {
        file.extension()
            .is_some_and(|extension| extension == "proto")
    });
    files.sort();

    // The clients are for tests; without a transport of their own they cost the product nothing.
    tonic_prost_build::configure()
        .build_transport(false)
        .generate_default_stubs(true)
        .compile_fds(protox::compile(files, [PROTO])?)?;
    Ok(())
}
