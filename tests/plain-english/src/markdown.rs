//! Sentences of a Markdown text.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use unicode_segmentation::UnicodeSegmentation;

/// One sentence, with the line of the block that it stands in.
#[derive(Debug, PartialEq)]
pub(crate) struct Sentence {
    pub(crate) line: usize,
    pub(crate) text: String,
}

impl Sentence {
    /// Words between spaces. A word has a letter or a digit.
    pub(crate) fn words(&self) -> usize {
        let word = |word: &&str| word.chars().any(char::is_alphanumeric);
        self.text.split_whitespace().filter(word).count()
    }
}

/// The sentences of `text`, which begins at line `first`. Each paragraph, heading, list item and table cell
/// is a block of its own. Code blocks are no English; inline code is one word.
pub(crate) fn sentences(text: &str, first: usize) -> Vec<Sentence> {
    let options = Options::ENABLE_TABLES | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS;
    let mut found = Vec::new();
    let mut block = String::new();
    let mut start = 0;
    let mut code = false;
    for (event, range) in Parser::new_ext(text, options).into_offset_iter() {
        match event {
            Event::Start(Tag::CodeBlock(_) | Tag::MetadataBlock(_)) => code = true,
            Event::End(TagEnd::CodeBlock | TagEnd::MetadataBlock(_)) => code = false,
            Event::Start(Tag::Paragraph | Tag::Heading { .. } | Tag::Item | Tag::TableCell)
            | Event::End(
                TagEnd::Paragraph | TagEnd::Heading(_) | TagEnd::Item | TagEnd::TableCell,
            ) => {
                let line = first + text[..start].matches('\n').count();
                found.extend(split(&std::mem::take(&mut block), line));
                start = range.start;
            }
            Event::Text(text) if !code => block.push_str(&text),
            Event::Code(code) => block.push_str(&as_word(&code)),
            Event::SoftBreak | Event::HardBreak => block.push(' '),
            _ => {}
        }
    }
    found.extend(split(&block, first));
    found
}

/// Inline code as one word with a capital letter, because a sentence may begin with code.
fn as_word(code: &str) -> String {
    let word = code.replace(|c: char| c.is_whitespace() || ".?!".contains(c), "_");
    let mut letters = word.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).collect()
}

fn split(block: &str, line: usize) -> Vec<Sentence> {
    let sentence = |text: &str| Sentence {
        line,
        text: text.trim().to_owned(),
    };
    block.unicode_sentences().map(sentence).collect()
}

#[test]
fn a_block_ends_a_sentence_and_code_is_a_word() {
    let text = "# Title\n\nOne `two three. Four` 3.11 five. `six`\nseven.\n\n- Eight\n- nine\n\n```\nnot. counted.\n```\n";
    let found: Vec<(usize, String)> = sentences(text, 1)
        .into_iter()
        .map(|s| (s.line, s.text))
        .collect();
    let expected = [
        (1, "Title"),
        (3, "One Two_three__Four 3.11 five."),
        (3, "Six seven."),
        (6, "Eight"),
        (7, "nine"),
    ];
    assert_eq!(found, expected.map(|(line, text)| (line, text.to_owned())));
}
