//! Runs the Azure CLI: an absolute path, a fixed working directory, no standard input, no shell, and a time
//! limit.
//!
//! azure_identity runs `az` in a shell. On Windows, this breaks the quotes around the subscription, and the
//! shell looks for `az` in the working directory first.

use std::env;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::process::{Output, Stdio};
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

/// How long `az` may run. It usually takes a few seconds.
pub(super) const LIMIT: Duration = Duration::from_secs(60);

/// Where to find `az`, and the directory to run it in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Az {
    /// The value of `PATH`.
    path: String,
    /// What the file name may end with, such as `.CMD`.
    extensions: Vec<String>,
    directory: PathBuf,
}

/// Why `az` returned no output.
#[derive(Debug)]
pub(super) enum NoOutput {
    Missing,
    Hanging,
    NotStarted(PathBuf, io::Error),
}

impl Az {
    /// Creates a search for `az` from the environment variables `PATH`, `PATHEXT` and `SystemRoot`. Only
    /// Windows uses the last two.
    #[must_use]
    pub fn new(path: Option<&str>, path_ext: Option<&str>, system_root: Option<&str>) -> Self {
        Self {
            path: path.unwrap_or_default().to_owned(),
            extensions: extensions(cfg!(windows), path_ext),
            directory: directory(cfg!(windows), system_root),
        }
    }

    /// Runs `az` until it ends. Dropping the future ends `az`, and on Unix also its child processes.
    pub(super) async fn run(&self, arguments: &[&str]) -> Result<Output, NoOutput> {
        let program = program(OsStr::new(&self.path), &self.extensions, is_executable)
            .ok_or(NoOutput::Missing)?;
        let mut command = Command::new(&program);
        command
            .args(arguments)
            .current_dir(&self.directory)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        // `az` is a script that starts Python. Both must end together.
        #[cfg(unix)]
        command.process_group(0);
        let not_started = |error| NoOutput::NotStarted(program.clone(), error);
        let child = command.spawn().map_err(not_started)?;
        #[cfg(unix)]
        let id = child.id();
        let mut waiting = pin!(child.wait_with_output());
        #[cfg(unix)]
        let mut group = group::Group::of(id);
        let ended = timeout(LIMIT, &mut waiting).await;
        let output = ended.map_err(|_| NoOutput::Hanging)?;
        #[cfg(unix)]
        group.has_ended();
        output.map_err(not_started)
    }
}

/// Returns the absolute path of `az`. It skips relative folders in `PATH`, because they depend on the working
/// directory, which can contain a foreign program.
fn program(
    path: &OsStr,
    extensions: &[String],
    is_executable: impl Fn(&Path) -> bool,
) -> Option<PathBuf> {
    env::split_paths(path)
        .filter(|folder| folder.is_absolute())
        .flat_map(|folder| {
            let file = move |extension| folder.join(format!("az{extension}"));
            extensions.iter().map(file)
        })
        .find(|file| is_executable(file))
}

/// Returns what the name of a program ends with. On Windows, `PATHEXT` gives the order, and the provider uses
/// only the kinds of files that Windows can start without another program.
fn extensions(is_windows: bool, path_ext: Option<&str>) -> Vec<String> {
    const STARTABLE: [&str; 4] = [".COM", ".EXE", ".BAT", ".CMD"];
    if !is_windows {
        return vec![String::new()];
    }
    let can_start = |extension: &&str| {
        let mut kinds = STARTABLE.iter();
        kinds.any(|kind| kind.eq_ignore_ascii_case(extension))
    };
    let set = path_ext.map_or_else(Vec::new, |set| set.split(';').map(str::trim).collect());
    let set: Vec<&str> = set.into_iter().filter(can_start).collect();
    let chosen = if set.is_empty() { &STARTABLE[..] } else { &set };
    chosen
        .iter()
        .map(|&extension| extension.to_owned())
        .collect()
}

/// Returns a directory that only administrators can write. Python also loads modules from its working
/// directory.
fn directory(is_windows: bool, system_root: Option<&str>) -> PathBuf {
    match is_windows {
        true => system_root.unwrap_or(r"C:\Windows").into(),
        false => "/".into(),
    }
}

#[cfg(unix)]
fn is_executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    file.metadata()
        .is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(file: &Path) -> bool {
    file.is_file()
}

/// The process group of `az` and its child processes.
#[cfg(unix)]
mod group {
    use nix::sys::signal::{Signal, killpg};
    use nix::unistd::Pid;

    /// Kills the group when it is dropped.
    pub(super) struct Group(Option<Pid>);

    impl Group {
        /// Returns the group that a process leads.
        pub(super) fn of(leader: Option<u32>) -> Self {
            Self(leader.and_then(|id| id.try_into().ok()).map(Pid::from_raw))
        }

        /// Prevents the kill, because another group can get the same number now.
        pub(super) fn has_ended(&mut self) {
            self.0 = None;
        }
    }

    impl Drop for Group {
        fn drop(&mut self) {
            if let Some(leader) = self.0 {
                // This fails only if the group has already ended.
                let _ = killpg(leader, Signal::SIGKILL);
            }
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    #[cfg(unix)]
    fn found(path: &str, extensions: &[&str], files: &[&str]) -> Option<String> {
        let extensions: Vec<String> = extensions.iter().map(|&it| it.to_owned()).collect();
        let is_file = |file: &Path| files.iter().any(|known| file == Path::new(known));
        let found = program(OsStr::new(path), &extensions, is_file);
        found.map(|file| file.display().to_string())
    }

    #[cfg(unix)]
    #[test]
    fn finds_az_in_the_order_of_the_path_and_of_the_extensions() {
        let both = ["/one/az.CMD", "/two/az.EXE", "/two/az.CMD"];
        let windows = [".EXE", ".CMD"];
        assert_eq!(found("/none:/one:/two", &windows, &both).unwrap(), both[0]);
        assert_eq!(found("/two:/one", &windows, &both).unwrap(), both[1]);
        assert_eq!(found("/one", &[""], &["/one/az"]).unwrap(), "/one/az");
        assert_eq!(found("/one", &windows, &["/one/az"]), None);
        assert_eq!(found("", &windows, &both), None);
    }

    #[cfg(unix)]
    #[test]
    fn never_finds_az_in_the_working_directory() {
        let planted = ["az", "./az", "bin/az", "/bin/az"];
        assert_eq!(found(":.:bin:./", &[""], &planted), None);
        assert_eq!(found(".:bin:/bin", &[""], &planted).unwrap(), "/bin/az");
    }

    #[test]
    fn windows_starts_only_programs_and_batch_files() {
        let windows = |set| extensions(true, set);
        let all = [".COM", ".EXE", ".BAT", ".CMD"];
        assert_eq!(windows(None), all);
        assert_eq!(windows(Some(";.JS")), all);
        assert_eq!(windows(Some(".cmd; .EXE;.VBS;.PS1")), [".cmd", ".EXE"]);
        assert_eq!(extensions(false, Some(".EXE")), [""]);
    }

    #[test]
    fn az_runs_in_a_directory_of_the_operating_system() {
        let windows = |root| directory(true, root);
        assert_eq!(windows(Some(r"D:\Windows")), Path::new(r"D:\Windows"));
        assert_eq!(windows(None), Path::new(r"C:\Windows"));
        assert_eq!(directory(false, Some("/home")), Path::new("/"));
    }

    /// Returns the committed stand-in for `az` with this name.
    #[cfg(unix)]
    pub(in crate::azure::credential) fn stand_in(name: &str) -> Az {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/azure-cli/");
        Az::new(Some(&format!("{folder}{name}")), None, None)
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn az_gets_each_argument_unchanged_without_a_shell_and_without_input() {
        let arguments = ["--subscription", "a \"b\" $HOME; exit"];
        let output = stand_in("echoing").run(&arguments).await.unwrap();
        insta::assert_snapshot!(String::from_utf8(output.stdout).unwrap(), @r#"
        directory /
        input 
        argument --subscription
        argument a "b" $HOME; exit
        "#);
    }

    #[cfg(unix)]
    #[tokio::test(start_paused = true)]
    async fn az_that_hangs_is_stopped_after_its_time() {
        let start = tokio::time::Instant::now();
        let ended = stand_in("hanging").run(&["/dev/null"]).await;
        assert!(matches!(ended, Err(NoOutput::Hanging)), "{ended:?}");
        assert_eq!(start.elapsed(), LIMIT);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn az_and_its_children_end_when_the_provider_stops_waiting() {
        use std::io::{BufRead as _, BufReader, Read as _};

        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        let az = stand_in("hanging");
        let argument = pipe.display().to_string();
        let run = tokio::spawn(async move { az.run(&[&argument]).await });
        let opened = tokio::task::spawn_blocking(move || {
            let mut reader = BufReader::new(std::fs::File::open(pipe).unwrap());
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            (reader, line)
        });
        let (mut reader, line) = opened.await.unwrap();
        assert_eq!(line, "started\n");
        run.abort();
        // The end of the pipe arrives only when no process has it open.
        let ended = tokio::task::spawn_blocking(move || reader.read_to_string(&mut String::new()));
        assert_eq!(ended.await.unwrap().unwrap(), 0);
    }
}
