//! The attributes of the data source, and what documentation says of each.

use crate::provider::common::timeouts::Operation;
use crate::provider::workflow::schema as workflow;
use terraform_plugin::schema::{Attribute, Block, Configurability, Nesting, Schema};
use terraform_plugin::value::Type;

pub(super) const IMAGES: &str = "images";
pub(super) const NOT_FOUND: &str = "not_found";
pub(super) const TOTAL: &str = "total";
pub(super) const LIMIT: &str = "limit";
pub(super) const REPOSITORY: &str = "repository";
pub(super) const TAG: &str = "tag";
pub(super) const LATEST_PATCH_TAG: &str = "latest_patch_tag";
pub(super) const SCAN_TAG: &str = "scan_tag";
pub(super) const NEXT_PATCH_TAG: &str = "next_patch_tag";

/// The schema, version 0.
pub(super) fn schema() -> Schema {
    let repositories = Attribute {
        configurability: Configurability::OptionalComputed,
        ..workflow::repositories()
    };
    let mut attributes = vec![
        workflow::registry_id(),
        repositories.with_note("Left out, those of the registry's policy."),
        workflow::tag_convention().with_note(
            "Left out, that of the registry's policy, and `incremental` where there is none.",
        ),
    ];
    attributes.extend(findings());
    Schema {
        version: 0,
        block: Block {
            attributes,
            blocks: vec![workflow::timeouts("the images", &[Operation::Read])],
            description: "Reads which images a run of Continuous Patching would take now, by the \
                          policy of an Azure Container Registry or by another one: a dry run. \
                          Nothing is scanned, and nothing is changed."
                .to_owned(),
            deprecation: None,
        },
    }
}

fn findings() -> Vec<Attribute> {
    use Configurability::Computed;
    let text = |name, description: &str| Attribute::new(name, Type::String, Computed, description);
    vec![
        Attribute::nested(
            IMAGES,
            Nesting::List,
            vec![
                text(
                    LATEST_PATCH_TAG,
                    "The tag of its latest patch, such as `3.11-1`; null where it has none.",
                ),
                text(
                    NEXT_PATCH_TAG,
                    "The tag that a patch would get, such as `3.11-2` or `3.11-patched`; null where \
                     it can't be patched any more.",
                ),
                text(REPOSITORY, "The repository of the image."),
                text(
                    SCAN_TAG,
                    "The tag that would be scanned: that of the latest patch, or the image's own.",
                ),
                text(TAG, "The tag of the image, which is what would be patched."),
            ],
            Computed,
            "The images, by repository and tag in the alphabet's order.",
        ),
        Attribute::new(
            LIMIT,
            Type::Number,
            Computed,
            "The most images that a run takes, `100`. With more it fails, and nothing is patched.",
        ),
        Attribute::new(
            NOT_FOUND,
            Type::List(Box::new(Type::String)),
            Computed,
            "What would be skipped because it isn't there: repositories, such as `team/api-fw`, and \
             tags, such as `python:3.12`.",
        ),
        Attribute::new(
            TOTAL,
            Type::Number,
            Computed,
            "How many images there are, which may be more than `limit`.",
        ),
    ]
}
