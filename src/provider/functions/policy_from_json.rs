//! `policy_from_json(file("continuouspatching.json"))`: a policy file of the Azure CLI, converted to
//! arguments of the resource.

use crate::patching::policy_problem::Finding;
use crate::patching::{Policy, Repository, policy_json};
use crate::provider::functions::text;
use terraform_plugin::framework::{Definition, Function, FunctionError, Parameter};
use terraform_plugin::value::{Type, Value};

const TAG_CONVENTION: &str = "tag_convention";
const REPOSITORIES: &str = "repositories";
const TAGS: &str = "tags";
const ENABLED: &str = "enabled";

/// The function `policy_from_json`.
#[derive(Debug)]
pub(crate) struct PolicyFromJson(Definition);

impl PolicyFromJson {
    pub(super) fn new() -> Self {
        let json = Parameter::new(
            "json",
            Type::String,
            "The text of a policy document, such as `file(\"continuouspatching.json\")`. The \
             maximum size is 10 MiB.",
        );
        let object = |parts: [(&str, Type); 2]| {
            Type::Object(parts.map(|(name, kind)| (name.to_owned(), kind)).into())
        };
        let repository = object([
            (TAGS, Type::Set(Box::new(Type::String))),
            (ENABLED, Type::Bool),
        ]);
        let returns = object([
            (TAG_CONVENTION, Type::String),
            (REPOSITORIES, Type::Map(Box::new(repository))),
        ]);
        let summary = "The policy from a policy file of the Azure CLI";
        Self(Definition::new(vec![json], returns, summary).described(
            "Reads a policy of Continuous Patching in the format of `az acr supply-chain workflow create \
             --config`. The function returns an object. Its attributes match the arguments of \
             [`acr_continuous_patching_workflow`](../resources/continuous_patching_workflow.md) \
             with the same names:\n\n\
             - `tag_convention` (String) `incremental` or `floating`.\n\
             - `repositories` (Map of Object) The `tags` (Set of String) and `enabled` (Boolean) \
             of each repository, by name.\n\n\
             The function reads the document as the service does. Keys match in any letter case, and \
             omitted, empty and null values have their defaults. The function fails if the resource \
             does not accept the policy. The error lists every problem with its JSON path.",
        ))
    }
}

impl Function for PolicyFromJson {
    fn name(&self) -> &'static str {
        "policy_from_json"
    }

    fn definition(&self) -> &Definition {
        &self.0
    }

    fn run(&self, arguments: &[Value]) -> Result<Value, FunctionError> {
        match policy_json::read(text(arguments, 0)?) {
            Ok(policy) => Ok(write(policy)),
            Err(findings) => {
                let lines: Vec<String> = findings.iter().map(Finding::to_string).collect();
                Err(FunctionError::of_argument(0, lines.join("\n")))
            }
        }
    }
}

fn write(policy: Policy) -> Value {
    let repository = |Repository { tags, enabled }: Repository| {
        Value::object([
            (
                TAGS,
                Value::Set(tags.into_iter().map(Value::from).collect()),
            ),
            (ENABLED, enabled.into()),
        ])
    };
    let repositories = policy.repositories.into_iter();
    let repositories = repositories.map(|(name, content)| (name, repository(content)));
    Value::object([
        (TAG_CONVENTION, policy.convention.as_str().into()),
        (REPOSITORIES, Value::Map(repositories.collect())),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_becomes_the_arguments_of_the_resource() {
        let json = r#"{"version": "v1", "repositories": [{"repository": "python", "tags": ["3.11", "latest"]}]}"#;
        let python = Value::object([
            (TAGS, Value::Set(vec!["latest".into(), "3.11".into()])),
            (ENABLED, true.into()),
        ]);
        let expected = Value::object([
            (TAG_CONVENTION, "incremental".into()),
            (
                REPOSITORIES,
                Value::Map([("python".to_owned(), python)].into()),
            ),
        ]);
        assert_eq!(PolicyFromJson::new().run(&[json.into()]), Ok(expected));
    }

    #[test]
    fn keys_have_no_letter_case_and_null_is_the_default() {
        let json = r#"{"Version": "v1", "Tag-Convention": "", "Repositories": [{"Repository": "python", "Tags": ["3.11"], "Enabled": null}]}"#;
        let plain =
            r#"{"version": "v1", "repositories": [{"repository": "python", "tags": ["3.11"]}]}"#;
        let function = PolicyFromJson::new();
        let read = function.run(&[json.into()]);
        assert!(read.is_ok(), "{read:?}");
        assert_eq!(read, function.run(&[plain.into()]));
    }

    #[test]
    fn every_finding_is_a_line_with_its_path() {
        let json =
            r#"{"version": "v1", "repositories": [{"repository": "python", "tags": ["1-1"]}, {}]}"#;
        let error = PolicyFromJson::new().run(&[json.into()]).unwrap_err();
        assert_eq!(error.argument, Some(0));
        insta::assert_snapshot!(error.text, @r#"
        $.repositories[0].tags[0]: "1-1" looks like a patch tag, because it ends in "-patched" or in "-0" to "-999". Name the tag to patch instead
        $.repositories[1].repository: it is required, but missing
        $.repositories[1].tags: it is required, but missing
        "#);
    }
}
