//! Checks a policy file by the rules for configurations, and reports every problem at once with its path.
//!
//! [`Policy::parse`] then reads it, as the service does. It is more lenient: for example, it merges a
//! repository that is listed twice.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::patching::go_json::folded;
use crate::patching::name_rules::{TagProblem, check_repository, check_tag, check_tags_together};
use crate::patching::policy::{Policy, TagConvention, VERSION};
use crate::patching::policy_problem::{Finding, LARGEST, Problem};

/// Parses a document.
///
/// # Errors
/// Every problem, in the document's order.
pub(crate) fn read(document: &str) -> Result<Policy, Vec<Finding>> {
    let mut reader = Reader::default();
    reader.document(document);
    if reader.0.is_empty() {
        match Policy::parse(document.as_bytes()) {
            Ok(policy) => return Ok(policy),
            Err(error) => reader.found("$", Problem::Rejected(error.to_string())),
        }
    }
    Err(reader.0)
}

/// Collects the problems of a document. A part with a problem is [`None`].
#[derive(Default)]
struct Reader(Vec<Finding>);

impl Reader {
    fn found(&mut self, path: &str, problem: impl Into<Problem>) {
        self.0.push(Finding {
            path: path.to_owned(),
            problem: problem.into(),
        });
    }

    fn document(&mut self, document: &str) {
        if document.len() > LARGEST {
            return self.found("$", Problem::TooLarge(document.len()));
        }
        let json: Value = match serde_json::from_str(document) {
            Ok(json) => json,
            Err(error) => return self.found("$", Problem::NotJson(error.to_string())),
        };
        let Some(root) = self.object("$", &json) else {
            return;
        };
        if let Some(version) = self.required("$.version", part(root, "version"), Self::text)
            && version != VERSION
        {
            self.found("$.version", Problem::Version(version.to_owned()));
        }
        let convention = self.convention(root);
        let entries = part(root, "repositories");
        let Some(entries) = self.required("$.repositories", entries, Self::array) else {
            return;
        };
        if entries.is_empty() {
            self.found("$.repositories", Problem::NoRepository);
        }
        let mut names = BTreeSet::new();
        for (index, entry) in entries.iter().enumerate() {
            let path = format!("$.repositories[{index}]");
            if let Some(name) = self.repository(&path, entry, convention)
                && !names.insert(name)
            {
                let path = format!("{path}.repository");
                self.found(&path, Problem::RepeatedRepository(name.to_owned()));
            }
        }
    }

    fn convention(&mut self, root: &Map<String, Value>) -> Option<TagConvention> {
        const PATH: &str = "$.tag-convention";
        let word = match part(root, "tag-convention") {
            None => "",
            Some(word) => self.text(PATH, word)?,
        };
        if word.is_empty() {
            return Some(TagConvention::default());
        }
        match word.parse() {
            Ok(convention) => Some(convention),
            Err(unknown) => {
                self.found(PATH, Problem::Convention(unknown));
                None
            }
        }
    }

    /// Checks an entry, and returns its name.
    fn repository<'a>(
        &mut self,
        path: &str,
        entry: &'a Value,
        convention: Option<TagConvention>,
    ) -> Option<&'a str> {
        let entry = self.object(path, entry)?;
        let name_path = format!("{path}.repository");
        let name = self.required(&name_path, part(entry, "repository"), Self::text);
        if let Some(problem) = name.and_then(|name| check_repository(name, None).err()) {
            self.found(&name_path, problem);
        }
        let tags_path = format!("{path}.tags");
        if let Some(tags) = self.required(&tags_path, part(entry, "tags"), Self::array) {
            self.tags(&tags_path, tags, convention);
        }
        if let Some(enabled) = part(entry, "enabled") {
            self.truth(&format!("{path}.enabled"), enabled);
        }
        name
    }

    fn tags(&mut self, path: &str, tags: &[Value], convention: Option<TagConvention>) {
        let mut read = BTreeSet::new();
        for (index, tag) in tags.iter().enumerate() {
            let path = format!("{path}[{index}]");
            let Some(tag) = self.text(&path, tag) else {
                continue;
            };
            if let Err(problem) = check_tag(tag, convention) {
                self.found(&path, problem);
            }
            if !read.insert(tag) {
                self.found(&path, Problem::RepeatedTag(tag.to_owned()));
            }
        }
        let together = tags.iter().filter_map(Value::as_str);
        if let Err(problem) = check_tags_together(together) {
            // A tag that is not text has its own finding already.
            if tags.is_empty() || problem != TagProblem::NoTag {
                self.found(path, problem);
            }
        }
    }

    /// Reads a required part with `read`.
    fn required<'a, T>(
        &mut self,
        path: &str,
        part: Option<&'a Value>,
        read: impl FnOnce(&mut Self, &str, &'a Value) -> Option<T>,
    ) -> Option<T> {
        match part {
            Some(part) => read(self, path, part),
            None => {
                self.found(path, Problem::Missing);
                None
            }
        }
    }

    fn object<'a>(&mut self, path: &str, part: &'a Value) -> Option<&'a Map<String, Value>> {
        self.kind(path, part, "an object", part.as_object())
    }

    fn array<'a>(&mut self, path: &str, part: &'a Value) -> Option<&'a Vec<Value>> {
        self.kind(path, part, "an array", part.as_array())
    }

    fn text<'a>(&mut self, path: &str, part: &'a Value) -> Option<&'a str> {
        self.kind(path, part, "a string", part.as_str())
    }

    fn truth(&mut self, path: &str, part: &Value) {
        self.kind(path, part, "true or false", part.as_bool());
    }

    fn kind<T>(
        &mut self,
        path: &str,
        part: &Value,
        expected: &'static str,
        read: Option<T>,
    ) -> Option<T> {
        if read.is_none() {
            let found = match part {
                Value::Null => "null",
                Value::Bool(_) => "true or false",
                Value::Number(_) => "a number",
                Value::String(_) => "a string",
                Value::Array(_) => "an array",
                Value::Object(_) => "an object",
            };
            self.found(path, Problem::WrongKind { expected, found });
        }
        read
    }
}

/// Returns the value of a key in any letter case, or [`None`] if it is missing or null.
fn part<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    let named = |(key, value): &(&String, &Value)| folded(key) == name && !value.is_null();
    object.iter().find(named).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::patching::Repository;

    fn findings(document: &str) -> String {
        match read(document) {
            Ok(policy) => format!("{policy:?}"),
            Err(findings) => findings
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join("\n"),
        }
    }

    #[test]
    fn omitted_keys_have_defaults_and_unknown_keys_are_ignored() {
        let document = r#"{"version": "v1", "more": 1, "repositories": [
            {"repository": "python", "tags": ["3.11", "latest"], "owner": "me"},
            {"repository": "team/api-fw", "tags": ["*"], "enabled": false}]}"#;
        assert_eq!(
            read(document).unwrap(),
            Policy::parse(document.as_bytes()).unwrap()
        );
    }

    #[test]
    fn keys_have_no_letter_case_and_empty_values_are_defaults() {
        let document = r#"{"Version": "v1", "TAG-CONVENTION": "", "Repositories": [
            {"Repository": "python", "Tags": ["3.11"], "Enabled": null}]}"#;
        insta::assert_snapshot!(findings(document), @r#"Policy { convention: Incremental, repositories: {"python": Repository { tags: {"3.11"}, enabled: true }} }"#);
        let convention = r#"{"version": "v1", "tag-convention": null, "tag-convention": "floating",
            "repositories": [{"repository": "python", "tags": ["3.11"], "Enabled": "no"}]}"#;
        insta::assert_snapshot!(findings(convention), @"$.repositories[0].enabled: true or false is required, found a string");
    }

    #[test]
    fn every_finding_has_its_path() {
        insta::assert_snapshot!(findings(r#"{"version": "v2", "tag-convention": "Floating", "repositories": [
            {"repository": "Python", "tags": ["3.11-1", "a", "a", 7, ""], "enabled": "yes"},
            {"repository": "x", "tags": []},
            {"repository": "x", "tags": ["*", "1"]},
            {"repository": "csscpolicies/patchpolicy", "tags": ["*"]},
            {"repository": null, "tags": null, "enabled": null},
            {},
            "python"]}"#), @r#"
        $.version: only "v1" is supported, found "v2"
        $.tag-convention: "Floating" is neither "incremental" nor "floating"
        $.repositories[0].repository: "Python" is not a valid repository name. It has path components separated by slashes. A component has lowercase letters and digits, separated by single dots, one or two underscores, or any number of hyphens
        $.repositories[0].tags[0]: "3.11-1" looks like a patch tag, because it ends in "-patched" or in "-0" to "-999". Name the tag to patch instead
        $.repositories[0].tags[2]: the tag "a" is listed more than once
        $.repositories[0].tags[3]: a string is required, found a number
        $.repositories[0].tags[4]: a tag can't be empty
        $.repositories[0].enabled: true or false is required, found a string
        $.repositories[1].tags: at least one tag is required. ["*"] means every tag
        $.repositories[2].tags: "*" means every tag and must be the only entry
        $.repositories[2].repository: the repository "x" is listed more than once
        $.repositories[3].repository: "csscpolicies/patchpolicy" stores the workflow's policy, which is not an image
        $.repositories[4].repository: it is required, but missing
        $.repositories[4].tags: it is required, but missing
        $.repositories[5].repository: it is required, but missing
        $.repositories[5].tags: it is required, but missing
        $.repositories[6]: an object is required, found a string
        "#);
    }

    #[test]
    fn a_document_of_another_shape_is_an_error() {
        let documents = [
            "",
            "[]",
            "null",
            "{}",
            r#"{"version": 1, "repositories": {}}"#,
            r#"{"version": "v1", "repositories": []}"#,
        ];
        let found: Vec<String> = documents.iter().map(|text| findings(text)).collect();
        insta::assert_snapshot!(found.join("\n---\n"), @"
        $: it is not valid JSON: EOF while parsing a value at line 1 column 0
        ---
        $: an object is required, found an array
        ---
        $: an object is required, found null
        ---
        $.version: it is required, but missing
        $.repositories: it is required, but missing
        ---
        $.version: a string is required, found a number
        $.repositories: an array is required, found an object
        ---
        $.repositories: at least one repository is required
        ");
    }

    #[test]
    fn a_document_has_at_most_10_mebibytes() {
        let document = |length: usize| {
            let rest = r#"{"version": "v1", "repositories": [{"repository": "a", "tags": ["1"]}]}"#;
            format!("{}{rest}", " ".repeat(length - rest.len()))
        };
        assert!(read(&document(LARGEST)).is_ok());
        assert_eq!(
            findings(&document(LARGEST + 1)),
            "$: it has 10485761 bytes, and the maximum is 10485760"
        );
    }

    #[test]
    fn a_tag_leaves_room_for_the_patch_tag_of_the_convention() {
        let document = |convention: &str| {
            let tag = "a".repeat(122);
            format!(
                r#"{{"version":"v1","tag-convention":"{convention}","repositories":[{{"repository":"x","tags":["{tag}"]}}]}}"#
            )
        };
        assert!(read(&document("incremental")).is_ok());
        assert!(findings(&document("floating")).starts_with("$.repositories[0].tags[0]: "));
    }

    proptest! {
        #[test]
        fn arbitrary_documents_are_read_or_refused(document in corpus::changed("policies")) {
            let _ = read(&String::from_utf8_lossy(&document));
            let _ = Policy::parse(&document);
        }

        #[test]
        fn parsing_any_text_terminates(text in "\\PC{0,60}") {
            let _ = read(&text);
        }

        #[test]
        fn parses_every_document_that_the_policy_writes(
            names in proptest::collection::btree_set("[a-z]{1,8}", 1..5),
            tags in proptest::collection::btree_set("[a-z]{1,8}", 1..5),
            enabled: bool,
        ) {
            let repository = Repository { tags, enabled };
            let policy = Policy {
                convention: TagConvention::Floating,
                repositories: names.into_iter().map(|name| (name, repository.clone())).collect(),
            };
            let document = String::from_utf8(policy.document()).unwrap();
            prop_assert_eq!(read(&document), Ok(policy));
        }
    }
}
