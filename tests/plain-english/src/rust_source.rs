//! Comments and messages of Rust source.

use proc_macro2::{Group, TokenStream, TokenTree};

use crate::markdown::{self, Sentence};

/// The sentences of comments. Lines that follow each other with the same mark are one comment.
pub(crate) fn comments(source: &str) -> Vec<Sentence> {
    let mut found = Vec::new();
    let mut comment: Option<(usize, &str, String)> = None;
    let code = code_lines(source);
    for (number, line) in (1..).zip(source.lines()) {
        let line = line.trim_start();
        let mark = ["//!", "///", "//"]
            .into_iter()
            .find(|mark| line.starts_with(mark) && !code.contains(&number));
        if let Some((start, of, text)) = &mut comment {
            if Some(*of) == mark {
                text.push_str(&line[of.len()..]);
                text.push('\n');
                continue;
            }
            found.extend(markdown::sentences(&undent(text), *start));
            comment = None;
        }
        if let Some(mark) = mark {
            comment = Some((number, mark, format!("{}\n", &line[mark.len()..])));
        }
    }
    found
}

/// Without the space after each mark, which Markdown would read as an indent.
fn undent(text: &str) -> String {
    text.lines()
        .map(|line| format!("{}\n", line.strip_prefix(' ').unwrap_or(line)))
        .collect()
}

/// The lines inside of string literals, which may begin as comments do.
fn code_lines(source: &str) -> Vec<usize> {
    let mut lines = Vec::new();
    each_string(source, &mut |_, start, end| lines.extend(start + 1..=end));
    lines
}

/// The sentences of string literals outside of tests.
pub(crate) fn messages(source: &str) -> Vec<Sentence> {
    let product = source
        .split("#[cfg(test)]\nmod tests {")
        .next()
        .unwrap_or_default();
    let mut found = Vec::new();
    let closed = if product.len() == source.len() {
        source
    } else {
        product
    };
    each_string(closed, &mut |text, start, _| {
        found.extend(markdown::sentences(text, start))
    });
    found
}

/// Calls `take` with the value of each string literal, and its first and last line.
fn each_string(source: &str, take: &mut dyn FnMut(&str, usize, usize)) {
    let tokens: TokenStream = source.parse().unwrap();
    walk(tokens, take);
}

fn walk(tokens: TokenStream, take: &mut dyn FnMut(&str, usize, usize)) {
    for token in tokens {
        match token {
            TokenTree::Group(group) if is_doc(&group) => {}
            TokenTree::Group(group) => walk(group.stream(), take),
            TokenTree::Literal(literal) => {
                let (start, end) = (literal.span().start().line, literal.span().end().line);
                if let Ok(text) = syn::parse_str::<syn::LitStr>(&literal.to_string()) {
                    take(&text.value(), start, end);
                }
            }
            TokenTree::Ident(_) | TokenTree::Punct(_) => {}
        }
    }
}

/// Whether this is a doc comment, which is an attribute to the compiler: `comments` has it.
fn is_doc(group: &Group) -> bool {
    matches!(group.stream().into_iter().next(), Some(TokenTree::Ident(name)) if name == "doc")
}

#[test]
fn comments_and_messages_are_told_apart() {
    let source = "/// One\n/// two.\nfn a() {\n    // Three.\n    b(\"Four \\\n       five\n// six.\");\n}\n";
    let texts = |found: Vec<Sentence>| {
        found
            .into_iter()
            .map(|s| (s.line, s.text))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        texts(comments(source)),
        [(1, "One two.".to_owned()), (4, "Three.".to_owned())]
    );
    assert_eq!(
        texts(messages(source)),
        [(5, "Four five // six.".to_owned())]
    );
}
