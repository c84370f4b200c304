//! The schema of the data source `acr_continuous_patching_images`.

use crate::provider::common::timeouts::Operation;
use crate::provider::workflow::{names, schema as workflow};
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
    let repositories = workflow::repositories(
        "The repositories to evaluate, by name. Defaults to the repositories of the registry's \
         policy.",
        "The tags to evaluate, or `[\"*\"]` for every tag. Tags that end like a patch tag (`-0` to \
         `-999`, `-patched`) are not allowed.",
        &format!(
            "Whether the repository is evaluated. {}",
            workflow::defaults_to(names::ENABLED)
        ),
    );
    let tag_convention = workflow::tag_convention(
        "The tag convention of patched images. Possible values are `incremental` and `floating`.",
    );
    let mut attributes = vec![
        workflow::registry_id(),
        Attribute {
            configurability: Configurability::OptionalComputed,
            ..repositories
        },
        tag_convention.with_note(
            "Defaults to the policy's convention, or `incremental` if the registry has no readable \
             policy.",
        ),
    ];
    attributes.extend(findings());
    Schema {
        version: 0,
        block: Block {
            attributes,
            blocks: vec![workflow::timeouts("the images", &[Operation::Read])],
            description: "Lists the images that a Continuous Patching run would select now, as a \
                          dry run. The data source evaluates the policy of an Azure Container \
                          Registry, or a policy that you specify. It scans nothing and changes \
                          nothing."
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
                    "The tag of the latest patch, such as `3.11-1`. Null if the image has no \
                     patch.",
                ),
                text(
                    NEXT_PATCH_TAG,
                    "The tag of the next patch, such as `3.11-2` or `3.11-patched`. Null if the \
                     image can no longer be patched.",
                ),
                text(REPOSITORY, "The repository of the image."),
                text(
                    SCAN_TAG,
                    "The tag that would be scanned: the latest patch tag, or `tag` if the image \
                     has no patch.",
                ),
                text(TAG, "The tag of the image that would be patched."),
            ],
            Computed,
            "The selected images, sorted by repository and tag.",
        ),
        Attribute::new(
            LIMIT,
            Type::Number,
            Computed,
            "The maximum number of images in a run, `100`. A run with more images fails and \
             patches nothing.",
        ),
        Attribute::new(
            NOT_FOUND,
            Type::List(Box::new(Type::String)),
            Computed,
            "The repositories and tags that do not exist, such as `team/api-fw` and `python:3.12`. \
             A run skips them.",
        ),
        Attribute::new(
            TOTAL,
            Type::Number,
            Computed,
            "The number of selected images, which can exceed `limit`.",
        ),
    ]
}
