//! The attributes of the resource, and what documentation says of each. What is looked up and not
//! managed takes its attributes from here: what they are is the same, only who sets them isn't.

use terraform_plugin::schema::{Attribute, Block, Configurability, NestedBlock, Nesting, Schema};
use terraform_plugin::value::{Type, Value};

use crate::patching::TagConvention;
use crate::provider::common::timeouts::Operation;
use crate::provider::workflow::names;
use crate::provider::workflow::preflight::Preflight;

/// The schema, version 0.
pub(crate) fn schema() -> Schema {
    let mut attributes = arguments();
    attributes.extend(read_only());
    use Operation::{Create, Delete, Read, Update};
    Schema {
        version: 0,
        block: Block {
            attributes,
            blocks: vec![timeouts("the workflow", &[Create, Delete, Read, Update])],
            description:
                "Manages the Continuous Patching workflow of an Azure Container Registry: \
                on a schedule, the selected images are scanned for vulnerabilities of their \
                operating system's packages with Trivy, and patched with Copacetic where there are \
                any. A registry has one workflow at most."
                    .to_owned(),
            deprecation: None,
        },
    }
}

/// The value of an argument that the configuration leaves out. Every repository has `enabled`, too.
///
/// # Panics
/// The argument has no default.
pub(super) fn default_of(name: &str) -> Value {
    match name {
        names::ENABLED => true.into(),
        names::PREFLIGHT => Preflight::Warn.as_str().into(),
        names::RUN_IMMEDIATELY => false.into(),
        names::TAG_CONVENTION => TagConvention::default().as_str().into(),
        other => unreachable!("{other} has no default"),
    }
}

/// How documentation says it.
fn defaults_to(name: &str) -> String {
    let default = match default_of(name) {
        Value::Bool(default) => default.to_string(),
        default => default.as_str().unwrap_or_default().to_owned(),
    };
    format!("Defaults to `{default}`.")
}

/// What there is to know of a workflow that somebody has set up: every attribute but those that
/// say what applying does, and all of it read-only.
pub(crate) fn facts() -> Vec<Attribute> {
    let facts = [
        enabled(),
        repositories(),
        schedule().with_note("A timer of any other form shows as its cron expression."),
        start_time().with_note("Null where the timer has no such time."),
        tag_convention(),
    ];
    facts
        .into_iter()
        .chain(read_only())
        .map(Attribute::computed)
        .collect()
}

fn arguments() -> Vec<Attribute> {
    use Configurability::OptionalComputed;
    vec![
        registry_id().with_note("Changing this forces a new resource to be created."),
        repositories().with_note("At least one."),
        schedule(),
        enabled()
            .with_note("`false` keeps everything and disables the timer; runs by hand still work.")
            .with_note(&defaults_to(names::ENABLED)),
        Attribute::new(
            names::PREFLIGHT,
            Type::String,
            OptionalComputed,
            "What becomes of the findings when a plan that creates the workflow or changes what it \
             patches looks at the registry: repositories and tags that don't exist, Windows images, \
             repositories of a pull-through cache, a data plane out of reach. Possible values are \
             `warn`, `error`, and `off` for not looking at all. More than 100 images, and a \
             registry that can't run the tasks, are errors with both of the others.",
        )
        .with_note(&defaults_to(names::PREFLIGHT)),
        Attribute::new(
            names::RUN_IMMEDIATELY,
            Type::Bool,
            OptionalComputed,
            "Whether to queue a run after a create, and after an update that changes the policy \
             or the schedule.",
        )
        .with_note(&defaults_to(names::RUN_IMMEDIATELY)),
        start_time().with_note(
            "Left out, it is at create derived from the registry's ID, so that a fleet of \
             registries doesn't start all at once; afterwards it stays what it is.",
        ),
        tag_convention().with_note(&defaults_to(names::TAG_CONVENTION)),
    ]
}

/// The registry of whatever has one.
pub(crate) fn registry_id() -> Attribute {
    Attribute::new(
        names::REGISTRY_ID,
        Type::String,
        Configurability::Required,
        "The ID of the container registry. Letter case doesn't count.",
    )
}

/// The repositories of a policy.
pub(crate) fn repositories() -> Attribute {
    Attribute::nested(
        names::REPOSITORIES,
        Nesting::Map,
        vec![
            Attribute::new(
                names::TAGS,
                Type::Set(Box::new(Type::String)),
                Configurability::Required,
                "The tags to patch, or `[\"*\"]` for every tag. Tags that look like patches (`-0` to \
                 `-999`, `-patched`) can't be named.",
            ),
            Attribute::new(
                names::ENABLED,
                Type::Bool,
                Configurability::OptionalComputed,
                "Whether the repository is scanned and patched.",
            )
            .with_note(&defaults_to(names::ENABLED)),
        ],
        Configurability::Required,
        "The repositories to patch, by name.",
    )
}

/// The tag convention of a policy.
pub(crate) fn tag_convention() -> Attribute {
    Attribute::new(
        names::TAG_CONVENTION,
        Type::String,
        Configurability::OptionalComputed,
        "How patched images are tagged. Possible values are `incremental` (`3.11-1`, `3.11-2` and \
         so on; earlier ones are kept) and `floating` (`3.11-patched`, overwritten each time).",
    )
}

fn enabled() -> Attribute {
    Attribute::new(
        names::ENABLED,
        Type::Bool,
        Configurability::OptionalComputed,
        "Whether the workflow runs on its schedule.",
    )
}

fn schedule() -> Attribute {
    Attribute::new(
        names::SCHEDULE,
        Type::String,
        Configurability::Required,
        "How often to scan and patch, `1d` to `30d`. The days are days of the month: the count \
         starts over on the 1st of every month, so `7d` means the 1st, 8th, 15th, 22nd and 29th.",
    )
}

fn start_time() -> Attribute {
    Attribute::new(
        names::START_TIME,
        Type::String,
        Configurability::OptionalComputed,
        "The time of the day, UTC, at which the workflow runs, as `HH:MM`.",
    )
}

fn read_only() -> Vec<Attribute> {
    use Configurability::Computed;
    let text = |name, description: &str| Attribute::new(name, Type::String, Computed, description);
    vec![
        text(
            names::ID,
            "The ID of the container registry, in the letter case that Azure gives it.",
        ),
        text(
            names::LOGIN_SERVER,
            "The registry's login server, such as `contoso.azurecr.io`.",
        ),
        text(
            names::POLICY_DIGEST,
            "The SHA-256 digest of the policy document, `csscpolicies/patchpolicy:v1` in the \
             registry. Two documents that say the same have the same digest.",
        ),
        Attribute::new(
            names::ROLE_ASSIGNMENTS,
            Type::Map(Box::new(Type::String)),
            Computed,
            "The IDs of the role assignments of the tasks' identities, by `<task>/<role>`.",
        ),
        text(
            names::SCHEDULE_CRON,
            "The cron expression (UTC) of `schedule` and `start_time`.",
        ),
        Attribute::nested(
            names::TASKS,
            Nesting::Map,
            vec![
                text(names::ID, "The ID of the task."),
                text(names::DEFINITION, "The SHA-256 digest of the task's YAML."),
                text(
                    names::PRINCIPAL_ID,
                    "The object ID of the task's system-assigned identity.",
                ),
                text(
                    names::STATUS,
                    "`Enabled` or `Disabled`, followed by what else differs from what this \
                     provider sets up, such as `Enabled, but timeout differs`.",
                ),
            ],
            Computed,
            "The tasks of the workflow, by name: `cssc-trigger-workflow`, `cssc-scan-image` and \
             `cssc-patch-image`.",
        ),
        text(
            names::WORKFLOW_TYPE,
            "The type of the workflow, always `continuouspatchv1`.",
        ),
    ]
}

/// The block with the time-outs of these operations on `what`.
pub(crate) fn timeouts(what: &str, operations: &[Operation]) -> NestedBlock {
    let timeout = |&operation: &Operation| {
        let minutes = operation.default_timeout().as_secs() / 60;
        Attribute::new(
            operation.as_str(),
            Type::String,
            Configurability::Optional,
            format!(
                "How long to {operation} {what} may take, such as `90s` or `1h30m`. Defaults to \
                 `{minutes}m`."
            ),
        )
    };
    NestedBlock {
        name: names::TIMEOUTS.to_owned(),
        nesting: Nesting::Single,
        block: Block {
            attributes: operations.iter().map(timeout).collect(),
            blocks: Vec::new(),
            description: "How long each operation may take.".to_owned(),
            deprecation: None,
        },
        min_items: 0,
        max_items: 0,
    }
}
