//! The place of the socket if the temporary directory can't hold one.

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use terraform_plugin::process::generated::Empty;
use terraform_plugin::process::generated::grpc_controller_client::GrpcControllerClient;
use terraform_plugin::process::{Error, HostEnvironment, Mode, SocketDirectory};
use terraform_plugin_testing::plugin_process::{Plugin, environment, is_loopback};
use terraform_plugin_testing::tls_identity::{HOST, Identity};

/// Directories in `parent` that can't hold a socket, with the reason. A socket path may have about 100 bytes.
fn unusable(parent: &Path) -> Vec<(&'static str, PathBuf)> {
    let file = parent.join("file");
    fs::write(&file, "").unwrap();
    let directory = |name: &OsStr| {
        let path = parent.join(name);
        // Not every file system accepts every name. Then the directory is missing.
        let _ = fs::create_dir(&path);
        path
    };
    let long = directory(OsStr::new(&"x".repeat(96)));
    vec![
        ("missing", parent.join("missing")),
        ("a file", file),
        ("without room for files", "/dev/full".into()),
        ("not UTF-8", directory(OsStr::from_bytes(b"\xff\xfe"))),
        ("long", long),
        (
            "with a separator of the handshake line",
            directory(OsStr::new("a|b")),
        ),
        ("with a line break", directory(OsStr::new("a\nb"))),
    ]
}

fn in_the_first_usable(client: Option<Identity>, directories: Vec<PathBuf>) -> HostEnvironment {
    HostEnvironment {
        socket_directory: SocketDirectory::FirstUsable(directories),
        ..environment(client)
    }
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn a_directory_that_can_not_hold_a_socket_is_skipped_and_left_empty() {
    let parent = tempfile::tempdir().unwrap();
    let good = tempfile::tempdir().unwrap();
    for (why, directory) in unusable(parent.path()) {
        let candidates = vec![directory.clone(), good.path().to_owned()];
        let mut plugin =
            Plugin::start_in(Mode::Hosted, in_the_first_usable(Some(HOST), candidates));
        let line = plugin.line().await;

        let socket = Path::new(&line.address);
        let own = socket.parent().unwrap();
        assert_eq!(own.parent().unwrap(), good.path(), "{why}");
        assert_eq!((mode(own), mode(socket)), (0o700, 0o600), "{why}");
        let channel = line.connect(Some(HOST)).await;
        let mut controller = GrpcControllerClient::new(channel);
        controller.shutdown(Empty {}).await.unwrap();
        plugin.end().await.unwrap();
        assert_eq!(good.path().read_dir().unwrap().count(), 0, "{why}");
        if let Ok(mut left) = directory.read_dir() {
            assert!(left.next().is_none(), "{why}");
        }
    }
}

/// Root can write to such a directory, and then the socket is there.
#[tokio::test]
async fn a_read_only_directory_does_not_stop_the_plugin() {
    let read_only = tempfile::tempdir().unwrap();
    fs::set_permissions(read_only.path(), Permissions::from_mode(0o500)).unwrap();
    let good = tempfile::tempdir().unwrap();
    let candidates = vec![read_only.path().to_owned(), good.path().to_owned()];

    let mut plugin = Plugin::start_in(Mode::Hosted, in_the_first_usable(Some(HOST), candidates));

    plugin.line().await.connect(Some(HOST)).await;
}

#[tokio::test]
async fn without_any_usable_directory_the_plugin_listens_on_tcp_with_tls() {
    let parent = tempfile::tempdir().unwrap();
    let candidates = unusable(parent.path()).into_iter().map(|(_, it)| it);
    let environment = in_the_first_usable(Some(HOST), candidates.collect());

    let mut plugin = Plugin::start_in(Mode::Hosted, environment);
    let line = plugin.line().await;

    assert!(line.text.starts_with("1|6|tcp|"), "{}", line.text);
    assert!(is_loopback(&line.address) && line.is_encrypted());
    let channel = line.connect(Some(HOST)).await;
    let mut controller = GrpcControllerClient::new(channel);
    controller.shutdown(Empty {}).await.unwrap();
    plugin.end().await.unwrap();
}

/// Without TLS, every user of the machine could use the plugin over TCP.
#[tokio::test]
async fn a_plugin_without_tls_needs_a_usable_directory() {
    let parent = tempfile::tempdir().unwrap();
    let missing = [parent.path().join("a"), parent.path().join("b")];
    for mode in [Mode::Hosted, Mode::Reattach] {
        let environment = in_the_first_usable(None, missing.to_vec());

        let mut plugin = Plugin::start_in(mode, environment);

        let Err(Error::Socket(error)) = plugin.end().await else {
            panic!("the plugin has a socket");
        };
        let places: Vec<&str> = error.attempts.iter().map(|it| &*it.place).collect();
        assert_eq!(
            places,
            missing.each_ref().map(|it| format!("in {}", it.display()))
        );
        assert_eq!(plugin.stdout.rest().await, "");
    }
}

#[tokio::test]
async fn a_directory_that_the_host_requires_has_no_replacement() {
    let parent = tempfile::tempdir().unwrap();
    let environment = HostEnvironment {
        socket_directory: SocketDirectory::Required(parent.path().join("missing")),
        ..environment(Some(HOST))
    };

    let mut plugin = Plugin::start_in(Mode::Hosted, environment);

    assert!(matches!(plugin.end().await, Err(Error::Socket(_))));
}
