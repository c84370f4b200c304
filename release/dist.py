#!/usr/bin/env python3
"""Builds the release archives in dist/, by the rules of the Terraform registry. `make dist` runs it.

Two runs on the same commit and toolchain write the same bytes. The archives have the time of the commit, and no
path of this machine is in the binaries.

Arguments: platforms such as linux_amd64. Without arguments, it builds every platform that this machine can link,
and checks the others.
"""

import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time
import zipfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
DIST = ROOT / "dist"
PROJECT = "terraform-provider-acr"

# zig links for each of these. Static binaries also start in images without glibc, such as Alpine.
LINKED_BY_ZIG = {
    "linux_amd64": "x86_64-unknown-linux-musl",
    "linux_arm64": "aarch64-unknown-linux-musl",
    "windows_amd64": "x86_64-pc-windows-gnu",
}
# Linking for macOS needs Apple's SDK, so only a Mac builds these.
LINKED_ON_MACOS = {
    "darwin_amd64": "x86_64-apple-darwin",
    "darwin_arm64": "aarch64-apple-darwin",
}
TARGETS = LINKED_BY_ZIG | LINKED_ON_MACOS


def main(platforms):
    unknown = set(platforms) - set(TARGETS)
    if unknown:
        sys.exit(f"Unknown platform: {', '.join(sorted(unknown))}. Known platforms: {', '.join(TARGETS)}.")
    version = project_version()
    environment = os.environ | {
        "SOURCE_DATE_EPOCH": output("git", "log", "-1", "--format=%ct"),
        "RUSTFLAGS": " ".join(without_paths()),
        "CARGO_INCREMENTAL": "0",
    }
    shutil.rmtree(DIST, ignore_errors=True)
    DIST.mkdir()
    outcomes = [build(platform, version, environment) for platform in platforms or TARGETS]
    software_bill_of_materials(version, environment)
    shutil.copyfile(ROOT / "terraform-registry-manifest.json", DIST / f"{PROJECT}_{version}_manifest.json")
    checksums(version)
    mirror(version)
    print("\n".join(outcomes))
    if not list(DIST.glob("*.zip")):
        sys.exit("No archive was built.")


def build(platform, version, environment):
    """Builds and packs a platform, or checks it if this machine can't link for it. Returns what was done."""
    target = TARGETS[platform]
    by_zig = platform in LINKED_BY_ZIG
    is_linked = by_zig or sys.platform == "darwin"
    # cargo-zigbuild only compiles C code here if nothing is linked.
    program = ["cargo"] if not by_zig and is_linked else ["cargo-zigbuild"]
    profile = ["build", "--release"] if is_linked else ["check"]
    package = ["--locked", "--package", PROJECT, "--bin", PROJECT, "--target", target]
    subprocess.run(["rustup", "target", "add", target], cwd=ROOT, check=True)
    subprocess.run(program + profile + package, cwd=ROOT, env=environment, check=True)
    if not is_linked:
        return f"{platform}: checked, not built, because linking for macOS needs Apple's SDK"
    suffix = ".exe" if platform.startswith("windows") else ""
    binary = target_directory() / target / "release" / f"{PROJECT}{suffix}"
    archive = DIST / f"{PROJECT}_{version}_{platform}.zip"
    pack(archive, {f"{PROJECT}_v{version}{suffix}": binary, "LICENSE": ROOT / "LICENSE"}, environment)
    return f"{platform}: built, {binary.stat().st_size:,} bytes, archive {archive.stat().st_size:,} bytes"


def pack(archive, files, environment):
    """Writes an archive whose bytes depend only on the files and on SOURCE_DATE_EPOCH."""
    moment = time.gmtime(int(environment["SOURCE_DATE_EPOCH"]))[:6]
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
        for name, path in files.items():
            entry = zipfile.ZipInfo(name, moment)
            entry.create_system = 3  # Unix, so that the permissions apply
            mode = 0o644 if name == "LICENSE" else 0o755
            entry.external_attr = (0o100000 | mode) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            packed.writestr(entry, path.read_bytes())


def software_bill_of_materials(version, environment):
    """Lists the crates in the binaries, in the CycloneDX format."""
    name = f"{PROJECT}_{version}_sbom.cdx"
    command = ["cargo-cyclonedx", "cyclonedx", "--format", "json", "--override-filename", name, "--no-build-deps"]
    subprocess.run(command, cwd=ROOT, env=environment, check=True)
    for listed in ROOT.glob(f"**/{name}.json"):
        # The tool writes one file for each crate of the workspace.
        if DIST in listed.parents:
            continue
        if listed.parent == ROOT:
            # The tool refers to crates of the workspace by their folder.
            text = listed.read_text().replace(f"file://{ROOT}", f"file:///{PROJECT}")
            (DIST / listed.name).write_text(text)
        listed.unlink()


def checksums(version):
    """Writes SHA256SUMS over everything in dist/."""
    files = sorted(path for path in DIST.iterdir() if path.is_file())
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files]
    (DIST / f"{PROJECT}_{version}_SHA256SUMS").write_text("".join(lines))


def mirror(version):
    """Lays out a filesystem mirror in dist/mirror, from which both hosts can install the provider."""
    namespace = source_address().split("/", 1)[1]
    for registry in ["registry.terraform.io", "registry.opentofu.org"]:
        folder = DIST / "mirror" / registry / namespace
        folder.mkdir(parents=True)
        for archive in DIST.glob(f"{PROJECT}_{version}_*.zip"):
            shutil.copyfile(archive, folder / archive.name)


def without_paths():
    """The compiler flags that keep paths of this machine out of the binaries. The last one that matches applies."""
    home = pathlib.Path.home()
    cargo = os.environ.get("CARGO_HOME", home / ".cargo")
    folders = {cargo: "cargo", ROOT: ".", target_directory(): "target"}
    return [f"--remap-path-prefix={folder}={name}" for folder, name in folders.items()]


def target_directory():
    metadata = output("cargo", "metadata", "--no-deps", "--format-version", "1")
    return pathlib.Path(json.loads(metadata)["target_directory"])


def project_version():
    return re.search(r'^version = "(.*)"', (ROOT / "Cargo.toml").read_text(), re.MULTILINE)[1]


def source_address():
    return re.search(r'^pub const SOURCE_ADDRESS.*"(.*)";', (ROOT / "src/lib.rs").read_text(), re.MULTILINE)[1]


def output(*command):
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


if __name__ == "__main__":
    main(sys.argv[1:])
