//! The end of each history: the user applies the configuration and destroys the workflow.

use std::collections::{BTreeMap, BTreeSet};

use azure_simulator::Task;
use serde_json::Value;
use terraform_provider_acr::patching::TaskName;
use terraform_provider_acr::patching::role::needed;

use crate::property::step::{Command, Desired, Spelling, Trouble};
use crate::property::world::{POLICY, World};
use terraform_plugin_testing::core::Action;

impl World {
    /// Imports the workflow if one exists, applies the configuration, and destroys the workflow.
    pub(super) async fn end(&mut self, desired: &Desired) {
        self.catch_up();
        if !self.tasks().is_empty() {
            let import = Command::Import(Spelling::AsStored);
            self.run(&import, Trouble::Nothing).await;
            assert_ne!(self.terraform.stored, None, "the workflow is imported");
        }
        let apply = Command::Apply(desired.clone());
        self.run(&apply, Trouble::Nothing).await;
        self.nothing_to_do(desired).await;
        self.run(&Command::Destroy, Trouble::Nothing).await;
    }

    /// Asserts that a refresh and a plan find no changes and make no write call.
    async fn nothing_to_do(&mut self, desired: &Desired) {
        self.terraform.restart().await;
        self.azure.mark();
        assert_eq!(self.terraform.refresh().await, []);
        let config = desired.config(&self.registry().id());
        let plan = self.terraform.plan(&config).await.unwrap();
        assert_eq!(&plan.planned, self.terraform.state());
        assert_eq!(plan.action, Action::Nothing);
        assert_eq!(self.azure.writes(), []);
    }

    /// Asserts that Azure has the complete workflow as configured, and no other parts of one.
    pub(super) fn is_as_desired(&self, desired: &Desired) {
        let mut pieces = BTreeSet::from([POLICY.to_owned()]);
        for name in TaskName::ALL {
            pieces.insert(name.to_string());
            for role in needed(name, self.permissions) {
                pieces.insert(format!("{name}/{role}"));
            }
            let task = self.task(name).unwrap();
            assert_eq!(outline(&task), outline_of(name));
            assert_eq!(task.yaml().unwrap(), yaml(name));
        }
        assert_eq!(self.workflow(), pieces);
        self.timer_is_as_desired(desired);
        self.policy_is_as_desired(desired);
    }

    fn timer_is_as_desired(&self, desired: &Desired) {
        let trigger = self.task(TaskName::Trigger).unwrap();
        let [timer] = trigger.timers() else {
            panic!("the trigger task has {:?}", trigger.timers());
        };
        assert_eq!(timer.name, "azcli_defined_schedule");
        let days = format!(" */{} * *", desired.days);
        assert!(timer.schedule.ends_with(&days), "{}", timer.schedule);
        if let Some(time) = desired.start_time {
            let (hour, minute) = time.split_once(':').unwrap();
            let number = |text: &str| text.parse::<u8>().unwrap();
            let cron = format!("{} {}{days}", number(minute), number(hour));
            assert_eq!(timer.schedule, cron);
        }
        let status = if desired.enabled.unwrap_or(true) {
            "Enabled"
        } else {
            "Disabled"
        };
        assert_eq!(timer.status.as_deref(), Some(status));
    }

    fn policy_is_as_desired(&self, desired: &Desired) {
        let policy = self.registry().policy().unwrap();
        let convention = policy["tag-convention"].as_str().unwrap_or("incremental");
        assert_eq!(convention, desired.convention.unwrap_or("incremental"));
        let repositories: BTreeMap<&str, (BTreeSet<&str>, bool)> = policy["repositories"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| {
                let tags = entry["tags"].as_array().unwrap();
                let tags = tags.iter().filter_map(Value::as_str).collect();
                let enabled = entry["enabled"].as_bool().unwrap_or(true);
                (entry["repository"].as_str().unwrap(), (tags, enabled))
            })
            .collect();
        let expected = desired.repositories.iter().map(|(name, (tags, enabled))| {
            let tags = tags.iter().copied().collect();
            (*name, (tags, enabled.unwrap_or(true)))
        });
        assert_eq!(repositories, expected.collect());
    }

    /// Asserts that neither Azure nor the state has any part of a workflow.
    pub(super) fn is_gone(&self) {
        assert_eq!(self.terraform.stored, None);
        assert_eq!(self.workflow(), BTreeSet::new());
        assert_eq!(self.azure.leftovers()["active_runs"], 0);
    }
}

/// The properties that are equal in all three tasks, except the name.
#[derive(Debug, PartialEq)]
struct Outline {
    name: String,
    is_enabled: bool,
    has_identity: bool,
    timeout: Option<i64>,
    cpu: Option<i64>,
    os: Option<String>,
    uses_its_own_identity: bool,
    has_tags: bool,
}

fn outline_of(name: TaskName) -> Outline {
    Outline {
        name: name.to_string(),
        is_enabled: true,
        has_identity: true,
        timeout: Some(3600),
        cpu: Some(2),
        os: Some("linux".to_owned()),
        uses_its_own_identity: true,
        has_tags: true,
    }
}

fn outline(task: &Task) -> Outline {
    let properties = &task.properties;
    let source = properties.credentials.as_ref().and_then(|credentials| {
        let itself = credentials.custom_registries.as_ref()?.len() == 1;
        credentials.source_registry.clone().filter(|_| itself)
    });
    let is_true = |tag: &str| task.tags.get(tag).is_some_and(|value| value == "true");
    Outline {
        name: task.name.clone(),
        is_enabled: task.enabled(),
        has_identity: task.identity.is_some(),
        timeout: properties.timeout,
        cpu: properties
            .agent_configuration
            .as_ref()
            .map(|machine| machine.cpu),
        os: properties
            .platform
            .as_ref()
            .map(|platform| platform.os.to_lowercase()),
        uses_its_own_identity: source.is_some_and(|source| {
            source.identity.as_deref() == Some("[system]")
                && source.login_mode.as_deref() == Some("None")
        }),
        has_tags: is_true("cssc") && is_true("clienttracking"),
    }
}

fn yaml(task: TaskName) -> &'static str {
    match task {
        TaskName::Trigger => {
            include_str!("../../../src/patching/task_definitions/trigger.yaml")
        }
        TaskName::Scan => {
            include_str!("../../../src/patching/task_definitions/scan.yaml")
        }
        TaskName::Patch => {
            include_str!("../../../src/patching/task_definitions/patch.yaml")
        }
    }
}
