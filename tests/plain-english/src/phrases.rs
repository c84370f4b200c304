//! Phrases that read as translated, or that leave the reader to guess who acts.

use regex::Regex;

/// Each phrase as a pattern, and what to write in its place.
pub(crate) const AVOIDED: &[(&str, &str)] = &[
    (r"whoever", "name the identity or the user"),
    (r"(is|are|be) told", "name who reports what"),
    (r"told of", "list, report"),
    (r"what there is", "name the things"),
    (
        r"(where|if|when) there (is|are) (none|one|any)\b",
        "if the registry has no policy",
    ),
    (r"of others\b", "of other workflows, of another team"),
    (r"(has|have) come to", "name the result"),
    (r"(go|goes) before\b", "takes precedence over"),
    (r"(is|are) looked at", "the provider reads"),
    (r"left out,", "if omitted"),
    (r"nobody (has|is)", "name who"),
    (r"beside\b", "besides, in addition to, next to"),
    (r"passed over", "skipped"),
];

/// The places of `text` that have such a phrase, also over the end of a line.
pub(crate) fn found(name: &str, text: &str) -> Vec<String> {
    let mut places = Vec::new();
    for (phrase, instead) in AVOIDED {
        let spaced = phrase.replace(' ', r"[\s_/#*!\\]+");
        let pattern = Regex::new(&format!(r"(?i)(^|[^a-z])({spaced})")).unwrap();
        for found in pattern.captures_iter(text) {
            let found = found.get(2).unwrap();
            let line = text[..found.start()].lines().count().max(1);
            places.push((
                line,
                format!("{name}:{line}: \"{}\": {instead}", found.as_str()),
            ));
        }
    }
    places.sort();
    places.into_iter().map(|(_, place)| place).collect()
}

#[test]
fn a_phrase_is_found_over_the_end_of_a_comment_line_and_in_a_name() {
    let text = "/// What is read by\n/// Whoever\nfn what_there_is() {}\n// what there\n// is\n";
    assert_eq!(found("a.rs", text).len(), 3);
    assert!(found("a.rs", "besides").is_empty());
}
