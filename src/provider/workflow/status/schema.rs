//! The schema of the data source `acr_continuous_patching_status`.

use crate::patching::run_log::MOST_ERRORS;
use crate::provider::common::timeouts::Operation;
use crate::provider::workflow::schema as workflow;
use crate::provider::workflow::status::arguments::LONGEST_LOOKBACK;
use crate::provider::workflow::status::names;
use terraform_plugin::schema::{Attribute, Block, Configurability, Nesting, Schema};
use terraform_plugin::value::Type;

/// The schema, version 0.
pub(super) fn schema() -> Schema {
    Schema {
        version: 0,
        block: Block {
            attributes: attributes(),
            blocks: vec![workflow::timeouts(
                "runs and their logs",
                &[Operation::Read],
            )],
            description:
                "Reports the patching status of each image of a Continuous Patching workflow. \
                The status contains the latest scan, the patch or the reason for no patch, and any \
                errors."
                    .to_owned(),
            deprecation: None,
        },
    }
}

fn attributes() -> Vec<Attribute> {
    use Configurability::{Computed, Optional, OptionalComputed};
    vec![
        workflow::registry_id(),
        Attribute::new(
            names::LOOKBACK_DAYS,
            Type::Number,
            OptionalComputed,
            format!(
                "The number of days to look back for runs, from 1 to {LONGEST_LOOKBACK}. Azure \
                 keeps runs for {LONGEST_LOOKBACK} days. Defaults to the interval of the \
                 workflow's schedule, or {LONGEST_LOOKBACK} if no schedule can be read."
            ),
        ),
        Attribute::new(
            names::STATUS,
            Type::String,
            Optional,
            "The status of the images to return. If omitted, all images are returned. Possible \
             values are `Queued`, `Running`, `Succeeded` (patched), `Failed`, `Canceled`, \
             `Skipped` (nothing to patch) and `Unknown`. An image has the status of its patch if \
             its scan succeeded or queued a patch. Otherwise it has the status of its scan.",
        ),
        Attribute::new(
            names::ACTIVE_RUN_IDS,
            Type::List(Box::new(Type::String)),
            Computed,
            "The IDs of the queued and running runs of all three tasks, oldest first.",
        ),
        Attribute::nested(
            names::IMAGES,
            Nesting::List,
            image(),
            Computed,
            "The scanned images, sorted by name.",
        ),
    ]
}

fn image() -> Vec<Attribute> {
    let text = |name, description: &str| {
        Attribute::new(name, Type::String, Configurability::Computed, description)
    };
    vec![
        text(
            names::IMAGE,
            "The image as `<repository>:<tag>`, with the tag that is patched. `Unknown` if the \
             scan's log does not name the image, or does not exist yet.",
        ),
        text(
            names::SCAN_STATUS,
            "The status of the latest scan: `Queued`, `Running`, `Succeeded`, `Failed`, `Canceled` \
             or `Unknown`.",
        ),
        text(
            names::SCAN_TIME,
            "The time in UTC at which the scan was queued, in RFC 3339 format.",
        ),
        text(names::SCAN_RUN_ID, "The run ID of the scan, such as `cf2`."),
        text(
            names::PATCH_STATUS,
            "The status of the patch: `Queued`, `Running`, `Succeeded`, `Failed`, `Canceled`, \
             `Skipped` or `Unknown`. `Skipped` means that the scan found nothing to patch. \
             `Unknown` means that the scan has not succeeded, or that the result of the patch is \
             not known.",
        ),
        text(
            names::PATCH_TIME,
            "The time in UTC at which the patch was queued, in RFC 3339 format. Null if no patch \
             run was found.",
        ),
        text(
            names::PATCH_RUN_ID,
            "The run ID of the patch. Null if the scan queued no patch.",
        ),
        text(
            names::PATCHED_IMAGE,
            "The newest patched image as `<repository>:<tag>`, pushed by this patch or by an \
             earlier one. Null if the image has not been patched yet.",
        ),
        text(
            names::SKIP_REASON,
            "The reason for no patch, from the scan's log. Null unless `patch_status` is \
             `Skipped`.",
        ),
        Attribute::new(
            names::VULNERABILITIES,
            Type::Number,
            Configurability::Computed,
            "The number of vulnerabilities in operating system packages that have a fix, in the \
             scanned image. A workflow scans the newest patched image, or the image itself if it \
             has not been patched yet. Null if the scan's log does not contain the number.",
        ),
        Attribute::new(
            names::ERRORS,
            Type::List(Box::new(Type::String)),
            Configurability::Computed,
            format!(
                "The errors of a failed scan or patch. They are the last {MOST_ERRORS} log lines \
                 with the word \"error\", and Azure's error message. The provider removes the \
                 query strings of URLs, because they can contain credentials."
            ),
        ),
    ]
}
