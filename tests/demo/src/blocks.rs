//! The blocks in a host's output, so that the demo never shows a part of one.

use anstream::adapter::strip_str;

/// A kind of block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Block {
    /// The provider that `init` installed.
    Installed,
    /// A resource in a plan, from its address to its closing brace.
    Resource,
    /// The numbers of a plan.
    Counts,
    /// What an apply or a destroy did.
    Result,
    /// The outputs after an apply.
    Outputs,
    /// A plan without changes.
    NoChanges,
}

impl Block {
    /// The kind of block that starts with this line, which has no colours.
    fn starting_with(line: &str) -> Option<Self> {
        const STARTS: [(&str, Block); 7] = [
            ("- Installed", Block::Installed),
            ("  # acr_", Block::Resource),
            ("Plan: ", Block::Counts),
            ("Apply complete!", Block::Result),
            ("Destroy complete!", Block::Result),
            ("Outputs:", Block::Outputs),
            ("No changes.", Block::NoChanges),
        ];
        let found = STARTS.iter().find(|(start, _)| line.starts_with(start));
        found.map(|(_, block)| *block)
    }

    /// Whether this line, which has no colours, is the last one of the block.
    fn ends_with(self, line: &str) -> bool {
        match self {
            Self::Resource => line == "    }",
            Self::Outputs => false,
            _ => true,
        }
    }
}

/// Returns the blocks of an output, with their colours. Outputs are the last block.
pub(crate) fn blocks(output: &str) -> Vec<(Block, Vec<&str>)> {
    let mut found: Vec<(Block, Vec<&str>)> = Vec::new();
    let mut is_open = false;
    for line in output.lines() {
        let plain = strip_str(line).to_string();
        if !is_open {
            let Some(block) = Block::starting_with(&plain) else {
                continue;
            };
            found.push((block, Vec::new()));
        }
        if let Some((block, lines)) = found.last_mut() {
            lines.push(line);
            is_open = !block.ends_with(&plain);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_whole_and_keep_their_colours() {
        let output = "acr_x.demo: Refreshing state...\n\n\x1b[1m  # acr_x.demo\x1b[0m will be updated\n  ~ resource {\n      ~ a = {\n        }\n    }\n\nPlan: 0 to add\n\nApply complete! 1 changed.\n\nOutputs:\n\na = 1\n";
        let found: Vec<_> = blocks(output)
            .into_iter()
            .map(|(block, lines)| (block, lines.len()))
            .collect();
        assert_eq!(
            found,
            [
                (Block::Resource, 5),
                (Block::Counts, 1),
                (Block::Result, 1),
                (Block::Outputs, 3)
            ]
        );
        assert!(blocks(output)[0].1[0].starts_with('\x1b'));
    }
}
