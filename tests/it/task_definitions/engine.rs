//! Runs the YAML of a task as ACR Tasks does: aliases, templates, and the steps in order with their retries.
//! Stand-ins replace the programs of the containers, and a folder replaces `/workspace`.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

use regex_lite::{Captures, Regex};
use serde::Deserialize;

/// The images that the engine finds by name, each with the program that it runs.
const IMAGES: [&str; 5] = ["az", "bash", "cssc", "docker", "mobybuildkit"];

/// The names that the engine replaces in a definition, apart from the definition's own.
const ENGINE_ALIASES: [&str; 14] = [
    "ID",
    "SharedVolume",
    "Registry",
    "RegistryName",
    "Date",
    "OS",
    "Architecture",
    "Commit",
    "Branch",
    "acr",
    "az",
    "bash",
    "curl",
    "cssc",
];

/// A task definition. The engine ignores unknown members, so a definition must not have any.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Definition {
    version: String,
    #[serde(default)]
    alias: Alias,
    steps: Vec<Step>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Alias {
    values: BTreeMap<String, String>,
}

/// A step of a task definition, with the engine's spelling of each member.
#[derive(Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Step {
    pub(crate) id: String,
    pub(crate) cmd: String,
    pub(crate) entry_point: Option<String>,
    #[serde(default)]
    pub(crate) env: Vec<String>,
    #[serde(default)]
    pub(crate) retries: usize,
    #[serde(default)]
    pub(crate) retry_delay: u32,
    #[serde(default)]
    pub(crate) timeout: u32,
    #[serde(default)]
    pub(crate) detach: bool,
    #[serde(default)]
    pub(crate) privileged: bool,
    #[serde(default)]
    pub(crate) ports: Vec<String>,
    pub(crate) network: Option<String>,
}

/// The run of a task, and what the stand-ins do in it.
pub(crate) struct Task<'a> {
    pub(crate) yaml: &'a str,
    pub(crate) login_server: &'a str,
    pub(crate) values: &'a [(&'a str, &'a str)],
    /// The output of the dry run.
    pub(crate) listing: &'a str,
    /// The output of `jq` for the number of vulnerabilities.
    pub(crate) vulnerabilities: &'a str,
    /// The output of `jq` for the end of service life.
    pub(crate) eosl: &'a str,
    /// The calls that fail, as a pattern of the shell, and how often.
    pub(crate) fails: (&'a str, usize),
}

/// The result of a run.
#[derive(Debug)]
pub(crate) struct Run {
    /// The output of all steps.
    pub(crate) log: String,
    /// The calls of the stand-ins.
    pub(crate) calls: Vec<String>,
    /// The ID of the step that failed.
    pub(crate) failed_step: Option<String>,
}

impl Task<'_> {
    /// Returns the steps as the engine runs them, with another folder for `/workspace`.
    pub(crate) fn steps(&self, workspace: &str) -> Vec<Step> {
        // The engine drops the lines of comments, those in scripts included.
        let is_code = |line: &&str| !line.trim_start().starts_with('#');
        let text: Vec<&str> = self.yaml.lines().filter(is_code).collect();
        let text = text.join("\n") + "\n";
        let definition: Definition = serde_yaml_ng::from_str(&text).unwrap();
        assert_eq!(definition.version, "v1.1.0");
        let text = self.rendered(&replaced(&text, &definition.alias.values));
        let text = text.replace("/workspace", workspace);
        serde_yaml_ng::from_str::<Definition>(&text).unwrap().steps
    }

    fn rendered(&self, text: &str) -> String {
        let template = Regex::new(r"\{\{\s*\.(\w+)\.(\w+)\s*\}\}").unwrap();
        let text =
            template.replace_all(text, |found: &Captures<'_>| match (&found[1], &found[2]) {
                ("Run", "Registry") => self.login_server.to_owned(),
                ("Values", name) => {
                    let value = self.values.iter().find(|(known, _)| *known == name);
                    value.unwrap_or_else(|| panic!("no value {name}")).1.into()
                }
                other => panic!("no template {other:?}"),
            });
        assert!(!text.contains("{{"), "{text}");
        text.into_owned()
    }

    /// Runs the steps until one fails.
    pub(crate) fn run(&self) -> Run {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        self.install(root);
        let workspace = root.join("workspace");
        let mut log = String::new();
        let mut runs = |step: &Step| {
            let program = program(step);
            (0..=step.retries).any(|_| {
                let mut command = Command::new("/bin/sh");
                // All output is one stream, as in the log of a run.
                command.arg("-c").arg(format!("exec 2>&1\n{program}"));
                let variables = step.env.iter().map(|it| it.split_once('=').unwrap());
                command.envs(variables).current_dir(&workspace);
                let path = format!(
                    "{}:{}",
                    root.join("bin").display(),
                    std::env::var("PATH").unwrap()
                );
                command.env("PATH", path).env("STAND_IN", root);
                let (call, times) = self.fails;
                command.env("FAIL_CALL", call);
                command.env("FAIL_TIMES", times.to_string());
                let output = command.stdin(Stdio::null()).output().unwrap();
                log.push_str(&String::from_utf8(output.stdout).unwrap());
                output.status.success()
            })
        };
        let steps = self.steps(workspace.to_str().unwrap());
        let failed = steps.into_iter().find(|step| !runs(step));
        let calls = fs::read_to_string(root.join("calls")).unwrap_or_default();
        let workspace = workspace.display().to_string();
        Run {
            log,
            calls: lines(&calls.replace(&workspace, "/workspace")),
            failed_step: failed.map(|step| step.id),
        }
    }

    /// Writes the stand-ins and their output.
    fn install(&self, root: &Path) {
        fs::create_dir(root.join("workspace")).unwrap();
        fs::create_dir(root.join("bin")).unwrap();
        let stand_in = root.join("stand_in.sh");
        fs::write(&stand_in, include_str!("stand_in.sh")).unwrap();
        fs::set_permissions(&stand_in, fs::Permissions::from_mode(0o755)).unwrap();
        for name in ["az", "cssc", "docker", "mobybuildkit", "sleep"] {
            symlink(&stand_in, root.join("bin").join(name)).unwrap();
        }
        for (file, text) in [
            ("listing", self.listing),
            ("vulnerabilities", self.vulnerabilities),
            ("eosl", self.eosl),
        ] {
            fs::write(root.join(file), text).unwrap();
        }
    }
}

impl Run {
    /// Returns the calls that start with a text.
    pub(crate) fn calls_of(&self, start: &str) -> Vec<&str> {
        let calls = self.calls.iter().map(String::as_str);
        calls.filter(|call| call.starts_with(start)).collect()
    }

    /// Asserts that the run succeeded.
    #[track_caller]
    pub(crate) fn succeeded(&self) -> &Self {
        assert_eq!(self.failed_step, None, "{}", self.log);
        self
    }

    /// Asserts that the run failed in a step, with these words in its log.
    #[track_caller]
    pub(crate) fn failed(&self, step: &str, words: &str) -> &Self {
        assert_eq!(self.failed_step.as_deref(), Some(step), "{}", self.log);
        assert!(self.log.contains(words), "{}", self.log);
        self
    }
}

/// Replaces `$name` and `$$` as the engine does.
fn replaced(text: &str, own: &BTreeMap<String, String>) -> String {
    let name = Regex::new(r"\$(\$|[A-Za-z0-9]+)").unwrap();
    let text = name.replace_all(text, |found: &Captures<'_>| match &found[1] {
        "$" => "$".to_owned(),
        name if ENGINE_ALIASES.contains(&name) => panic!("the engine replaces ${name}"),
        name => own.get(name).unwrap_or(&found[0].to_owned()).clone(),
    });
    text.into_owned()
}

/// Returns the command of a step, with the program of its image or its entry point.
fn program(step: &Step) -> String {
    let cmd = step.cmd.trim();
    let (image, arguments) = cmd.split_once(' ').unwrap();
    assert!(IMAGES.contains(&image), "no image {image}");
    let program = match step.entry_point.as_deref() {
        Some("/bin/bash") => "bash",
        Some(other) => other,
        None => image,
    };
    format!("{program} {arguments}")
}

pub(crate) fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}
