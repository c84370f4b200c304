//! The schema of the resource, and the parts of it that data sources and actions share.
//!
//! Each data source describes the values that it returns, so shared attributes take their descriptions
//! from the caller.

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
                "Manages the Continuous Patching workflow of an Azure Container Registry. \
                On a schedule, the workflow scans the selected images with Trivy for \
                vulnerabilities in operating system packages. It patches the affected images with \
                Copacetic. A registry has one workflow at most."
                    .to_owned(),
            deprecation: None,
        },
    }
}

/// Returns the default of an argument. `enabled` has the same default in the workflow and in each repository.
///
/// # Panics
/// The argument has no default.
pub(super) fn default_of(name: &str) -> Value {
    match name {
        names::ENABLED => true.into(),
        names::PREFLIGHT => Preflight::Warn.as_str().into(),
        names::ADOPT_EXISTING | names::RUN_IMMEDIATELY => false.into(),
        names::TAG_CONVENTION => TagConvention::default().as_str().into(),
        other => unreachable!("{other} has no default"),
    }
}

/// The sentence about a default in a description.
pub(crate) fn defaults_to(name: &str) -> String {
    let default = match default_of(name) {
        Value::Bool(default) => default.to_string(),
        default => default.as_str().unwrap_or_default().to_owned(),
    };
    format!("Defaults to `{default}`.")
}

/// The read-only attributes of the data source. Arguments that only control an apply, such as `preflight`,
/// are not among them.
pub(crate) fn facts() -> Vec<Attribute> {
    let facts = [
        enabled(),
        repositories(
            "The repositories of the policy, by name. Null if the registry has no readable policy.",
            "The tags that are patched, or `[\"*\"]` for every tag.",
            "Whether the repository is scanned and patched.",
        ),
        schedule()
            .with_note("If the timer has any other form, the value is its cron expression.")
            .with_note("Null if the trigger task is missing."),
        start_time()
            .with_note("Null if the timer has another form or the trigger task is missing."),
        tag_convention("The tag convention of patched images, `incremental` or `floating`.")
            .with_note("Null if the registry has no readable policy."),
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
        repositories(
            "The repositories to patch, by name. At least one is required.",
            "The tags to patch, or `[\"*\"]` for every tag. Tags that end like a patch tag (`-0` \
             to `-999`, `-patched`) are not allowed.",
            &format!(
                "Whether the repository is scanned and patched. {}",
                defaults_to(names::ENABLED)
            ),
        ),
        schedule(),
        enabled()
            .with_note("`false` disables only the timer. Manual runs still work.")
            .with_note(&defaults_to(names::ENABLED)),
        Attribute::new(
            names::ADOPT_EXISTING,
            Type::Bool,
            OptionalComputed,
            "Whether a create takes over a workflow that the registry already has, such as one of \
             the Azure CLI. The create changes that workflow in place to match the configuration. \
             With `false`, the create fails and asks for an import.",
        )
        .with_note(&defaults_to(names::ADOPT_EXISTING)),
        Attribute::new(
            names::PREFLIGHT,
            Type::String,
            OptionalComputed,
            "How a plan reports the findings of the preflight check. Possible values are `warn`, \
             `error` and `off`. The check runs when a plan creates the workflow or changes its \
             policy. Findings include missing repositories and tags, Windows and multi-arch images, \
             artifacts that are not images, repositories of a pull-through cache and an unreachable \
             data plane. `warn` reports findings as warnings, and `error` reports them as errors. A \
             registry that can't run the tasks and a policy with more than 100 images are always \
             errors. ABAC permissions, a registry whose last change failed or continues, a policy \
             without enabled repositories, and tags that match by a dot are always warnings. `off` \
             skips the check.",
        )
        .with_note(&defaults_to(names::PREFLIGHT)),
        Attribute::new(
            names::RUN_IMMEDIATELY,
            Type::Bool,
            OptionalComputed,
            "Whether the provider queues a run after create, and after an update that changes the \
             policy, `schedule` or `start_time`.",
        )
        .with_note(&defaults_to(names::RUN_IMMEDIATELY)),
        start_time().with_note(
            "If omitted at create, the provider derives the time from the registry ID. Registries \
             therefore don't all start at the same time. If omitted later, the time does not \
             change.",
        ),
        tag_convention(
            "The tag convention of patched images. Possible values are `incremental` and \
             `floating`.",
        )
        .with_note(&defaults_to(names::TAG_CONVENTION)),
    ]
}

/// The argument `registry_id` of the resource, the data sources and the actions.
pub(crate) fn registry_id() -> Attribute {
    Attribute::new(
        names::REGISTRY_ID,
        Type::String,
        Configurability::Required,
        "The ID of the container registry. It is not case-sensitive.",
    )
}

/// The repositories of a policy, with the descriptions of the map and of its `tags` and `enabled`.
pub(crate) fn repositories(map: &str, tags: &str, enabled: &str) -> Attribute {
    Attribute::nested(
        names::REPOSITORIES,
        Nesting::Map,
        vec![
            Attribute::new(
                names::TAGS,
                Type::Set(Box::new(Type::String)),
                Configurability::Required,
                tags,
            ),
            Attribute::new(
                names::ENABLED,
                Type::Bool,
                Configurability::OptionalComputed,
                enabled,
            ),
        ],
        Configurability::Required,
        map,
    )
}

/// The tag convention of a policy. `description` is followed by what each convention means.
pub(crate) fn tag_convention(description: &str) -> Attribute {
    Attribute::new(
        names::TAG_CONVENTION,
        Type::String,
        Configurability::OptionalComputed,
        description,
    )
    .with_note(
        "`incremental` numbers the patches, such as `3.11-1` and `3.11-2`, and keeps earlier ones. \
         `floating` overwrites `3.11-patched` each time.",
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
        "How often the workflow scans and patches images, from `1d` to `30d`. The days are days of \
         the month. The count starts over on the 1st of every month, so `7d` means the 1st, 8th, \
         15th, 22nd and 29th.",
    )
}

fn start_time() -> Attribute {
    Attribute::new(
        names::START_TIME,
        Type::String,
        Configurability::OptionalComputed,
        "The time of day in UTC at which the workflow runs, as `HH:MM`.",
    )
}

fn read_only() -> Vec<Attribute> {
    use Configurability::Computed;
    let text = |name, description: &str| Attribute::new(name, Type::String, Computed, description);
    vec![
        text(
            names::ID,
            "The ID of the container registry, in the letter case that Azure returns.",
        ),
        text(
            names::LOGIN_SERVER,
            "The login server of the registry, such as `contoso.azurecr.io`.",
        ),
        text(
            names::POLICY_DIGEST,
            "The SHA-256 digest of the policy document, `csscpolicies/patchpolicy:v1` in the \
             registry. Equivalent documents have the same digest.",
        ),
        Attribute::new(
            names::ROLE_ASSIGNMENTS,
            Type::Map(Box::new(Type::String)),
            Computed,
            "The IDs of the role assignments of the tasks' identities, by `<task>/<role>`. Assignments \
             to deleted identities have the key `orphan/<name>`. The next apply removes them.",
        ),
        text(
            names::SCHEDULE_CRON,
            "The cron expression of the timer, in UTC.",
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
                    "The status of the task, `Enabled` or `Disabled`. Any other differences from \
                     the provider's settings follow, such as `Enabled, but differs in timeout`.",
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

/// The block `timeouts` for these operations on `what`.
pub(crate) fn timeouts(what: &str, operations: &[Operation]) -> NestedBlock {
    let timeout = |&operation: &Operation| {
        let minutes = operation.default_timeout().as_secs() / 60;
        Attribute::new(
            operation.as_str(),
            Type::String,
            Configurability::Optional,
            format!(
                "The maximum time to {operation} {what}, such as `90s` or `1h30m`. Defaults to \
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
            description: "The timeout of each operation.".to_owned(),
            deprecation: None,
        },
        min_items: 0,
        max_items: 0,
    }
}
