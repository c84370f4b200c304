//! Names of the attributes. Existing configurations depend on them.

pub(super) const STATUS: &str = "status";
pub(super) const LOOKBACK_DAYS: &str = "lookback_days";
pub(super) const IMAGES: &str = "images";
pub(super) const ACTIVE_RUN_IDS: &str = "active_run_ids";
pub(super) const IMAGE: &str = "image";
pub(super) const SCAN_STATUS: &str = "scan_status";
pub(super) const SCAN_TIME: &str = "scan_time";
pub(super) const SCAN_RUN_ID: &str = "scan_run_id";
pub(super) const PATCH_STATUS: &str = "patch_status";
pub(super) const PATCH_TIME: &str = "patch_time";
pub(super) const PATCH_RUN_ID: &str = "patch_run_id";
pub(super) const PATCHED_IMAGE: &str = "patched_image";
pub(super) const SKIP_REASON: &str = "skip_reason";
pub(super) const VULNERABILITIES: &str = "vulnerabilities";
pub(super) const ERRORS: &str = "errors";
