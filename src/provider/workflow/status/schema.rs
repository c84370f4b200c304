//! The attributes of the data source, and what documentation says of each.

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
            description: "Tells what has become of the images of a Continuous Patching workflow: \
                of each image the latest scan, the patch that followed it or why none did, and \
                what went wrong."
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
                "How many days to look back for runs, 1 to {LONGEST_LOOKBACK}, which is how long \
                 Azure keeps them. Defaults to the days of the workflow's schedule, and to \
                 {LONGEST_LOOKBACK} where there is no schedule to be read."
            ),
        ),
        Attribute::new(
            names::STATUS,
            Type::String,
            Optional,
            "The status of the images to tell of. An image has the status of its patch where its \
             scan succeeded or queued a patch, else that of its scan. Possible values are \
             `Queued`, `Running`, `Succeeded` (patched), `Failed`, `Canceled`, `Skipped` (nothing \
             to patch) and `Unknown`. Left out, all images are told of.",
        ),
        Attribute::new(
            names::ACTIVE_RUN_IDS,
            Type::List(Box::new(Type::String)),
            Computed,
            "The IDs of the workflow's runs that are queued or running, of all three tasks, the \
             oldest first.",
        ),
        Attribute::nested(
            names::IMAGES,
            Nesting::List,
            image(),
            Computed,
            "The images that were scanned, by name.",
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
            "The image as `<repository>:<tag>`, with the tag that is patched. `Unknown` where a \
             scan's log doesn't say it (yet).",
        ),
        text(
            names::SCAN_STATUS,
            "How far the latest scan is: `Queued`, `Running`, `Succeeded`, `Failed`, `Canceled` or \
             `Unknown`.",
        ),
        text(
            names::SCAN_TIME,
            "When the scan was queued, in UTC by RFC 3339.",
        ),
        text(
            names::SCAN_RUN_ID,
            "The ID of the scan's run, such as `cf2`.",
        ),
        text(
            names::PATCH_STATUS,
            "How far the patch is, in the same words; `Skipped` where the scan found nothing to \
             patch; `Unknown` where the scan isn't done, or nothing says what became of it.",
        ),
        text(
            names::PATCH_TIME,
            "When the patch was queued, in UTC by RFC 3339. Null where there is none.",
        ),
        text(
            names::PATCH_RUN_ID,
            "The ID of the patch's run. Null where there is none.",
        ),
        text(
            names::PATCHED_IMAGE,
            "The newest patched image, as `<repository>:<tag>`: what this patch has pushed, else \
             what an earlier one has. Null where nothing has been patched yet.",
        ),
        text(
            names::SKIP_REASON,
            "Why nothing was patched, in the scan's words. Null unless the patch is `Skipped`.",
        ),
        Attribute::new(
            names::ERRORS,
            Type::List(Box::new(Type::String)),
            Configurability::Computed,
            format!(
                "What went wrong where the scan or the patch has failed: the last {MOST_ERRORS} \
                 lines of its log with the word \"error\", and Azure's reason. Queries of links, \
                 which may be credentials, are left out."
            ),
        ),
    ]
}
