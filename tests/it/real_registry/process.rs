//! The registry process: CNCF Distribution, as packaged by Debian, on a free port.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;

use host_cli::tool;
use tempfile::TempDir;

use crate::real_registry::certificates::Certificates;
use crate::real_registry::front::{ISSUER, REALM, SERVICE};

/// Starts the registry, and ends it when its standard input closes, even if the test process is killed.
const WATCHED: &str = r#""$0" serve "$1" 2>&1 & read -r _; kill $!; wait"#;

/// The text before the address in the log line that reports a ready registry.
const READY: &str = "listening on ";

/// A running registry. Dropping it ends the process and deletes its folder.
#[derive(Debug)]
pub(crate) struct Registry {
    login_server: String,
    process: Child,
    log: Option<JoinHandle<()>>,
    _folder: TempDir,
}

impl Registry {
    pub(crate) fn start(certificates: &Certificates) -> Self {
        let program = tool("docker-registry").expect(
            "`docker-registry` not found. Run `make tools` or install Debian's package `docker-registry`.",
        );
        let folder = tempfile::Builder::new()
            .prefix("registry-")
            .tempdir()
            .unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("ca.pem"), certificates.authority()).unwrap();
        fs::write(at("server.pem"), certificates.server()).unwrap();
        fs::write(at("server.key"), certificates.server_key()).unwrap();
        fs::write(at("config.yml"), configuration(folder.path())).unwrap();
        let mut process = Command::new("sh")
            .args(["-c", WATCHED])
            .arg(program)
            .arg(at("config.yml"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(process.stdout.take().unwrap());
        let port = port(&mut log);
        Self {
            login_server: format!("localhost:{port}"),
            process,
            // Reads the log to its end, because the registry would block on a full pipe.
            log: Some(std::thread::spawn(move || {
                let _ = std::io::copy(&mut log, &mut std::io::sink());
            })),
            _folder: folder,
        }
    }

    /// The registry's login server, as Resource Manager would return it.
    pub(crate) fn login_server(&self) -> &str {
        &self.login_server
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
        let _ = self.log.take().map(JoinHandle::join);
    }
}

/// Reads the port from the registry's log.
fn port(log: &mut impl BufRead) -> u16 {
    let mut said = String::new();
    loop {
        let from = said.len();
        let read = log.read_line(&mut said).unwrap();
        assert!(read > 0, "the registry ended:\n{said}");
        let line = &said[from..];
        if let Some((_, address)) = line.split_once(READY) {
            let digits = address.rsplit_once("127.0.0.1:").unwrap().1;
            let end = digits.find(|it: char| !it.is_ascii_digit());
            return digits[..end.unwrap_or(digits.len())].parse().unwrap();
        }
    }
}

fn configuration(folder: &Path) -> String {
    let folder = folder.display();
    format!(
        "version: 0.1
log:
  accesslog:
    disabled: true
storage:
  filesystem:
    rootdirectory: {folder}/storage
  delete:
    enabled: true
http:
  addr: 127.0.0.1:0
  tls:
    certificate: {folder}/server.pem
    key: {folder}/server.key
auth:
  token:
    realm: {REALM}
    service: {SERVICE}
    issuer: {ISSUER}
    rootcertbundle: {folder}/ca.pem
"
    )
}
