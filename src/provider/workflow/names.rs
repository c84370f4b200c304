//! Names of attributes and blocks. Existing configurations and states depend on them.

pub(crate) const REGISTRY_ID: &str = "registry_id";
pub(crate) const SCHEDULE: &str = "schedule";
pub(crate) const START_TIME: &str = "start_time";
pub(crate) const TAG_CONVENTION: &str = "tag_convention";
pub(crate) const REPOSITORIES: &str = "repositories";
pub(crate) const TAGS: &str = "tags";
pub(crate) const ENABLED: &str = "enabled";
pub(crate) const RUN_IMMEDIATELY: &str = "run_immediately";
pub(crate) const PREFLIGHT: &str = "preflight";
pub(crate) const ADOPT_EXISTING: &str = "adopt_existing";
pub(crate) const TIMEOUTS: &str = "timeouts";
pub(crate) const ID: &str = "id";
pub(crate) const WORKFLOW_TYPE: &str = "workflow_type";
pub(crate) const LOGIN_SERVER: &str = "login_server";
pub(crate) const SCHEDULE_CRON: &str = "schedule_cron";
pub(crate) const POLICY_DIGEST: &str = "policy_digest";
pub(crate) const TASKS: &str = "tasks";
pub(crate) const ROLE_ASSIGNMENTS: &str = "role_assignments";
pub(crate) const PRINCIPAL_ID: &str = "principal_id";
pub(crate) const DEFINITION: &str = "definition";
pub(crate) const STATUS: &str = "status";
