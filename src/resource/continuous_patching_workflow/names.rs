//! Names of the attributes and blocks. Configurations and states rely on them.

pub(super) const REGISTRY_ID: &str = "registry_id";
pub(super) const SCHEDULE: &str = "schedule";
pub(super) const START_TIME: &str = "start_time";
pub(super) const TAG_CONVENTION: &str = "tag_convention";
pub(super) const REPOSITORIES: &str = "repositories";
pub(super) const TAGS: &str = "tags";
pub(super) const ENABLED: &str = "enabled";
pub(super) const RUN_IMMEDIATELY: &str = "run_immediately";
pub(super) const PREFLIGHT: &str = "preflight";
pub(super) const TIMEOUTS: &str = "timeouts";
pub(super) const ID: &str = "id";
pub(super) const WORKFLOW_TYPE: &str = "workflow_type";
pub(super) const LOGIN_SERVER: &str = "login_server";
pub(super) const SCHEDULE_CRON: &str = "schedule_cron";
pub(super) const POLICY_DIGEST: &str = "policy_digest";
pub(super) const TASKS: &str = "tasks";
pub(super) const ROLE_ASSIGNMENTS: &str = "role_assignments";
pub(super) const PRINCIPAL_ID: &str = "principal_id";
pub(super) const DEFINITION: &str = "definition";
pub(super) const STATUS: &str = "status";
pub(super) const CREATE: &str = "create";
pub(super) const READ: &str = "read";
pub(super) const UPDATE: &str = "update";
pub(super) const DELETE: &str = "delete";
