//! The growing log of a run: selects the new lines, and limits how many the action shows.

use std::collections::VecDeque;

use crate::patching::run_log::QUEUED;
use crate::provider::workflow::run::log_line::sanitized;

/// The most lines and bytes that the action shows at once: the last ones of the new part.
const MOST_LINES: usize = 50;
const MOST_BYTES: usize = 8 << 10;

/// The number of lines in an error.
const LAST_LINES: usize = 20;

/// The longest incomplete line, in bytes. A longer one loses its beginning.
const LONGEST_LINE: usize = 16 << 10;

/// A log, up to the position that the action has read.
#[derive(Debug, Default)]
pub(super) struct LogTail {
    /// The position of the next read.
    next: u64,
    /// The incomplete last line.
    begun: Vec<u8>,
    /// Whether the incomplete line lacks its beginning. The action then skips it.
    headless: bool,
    fresh: Batch,
    last: VecDeque<String>,
    queued: usize,
    /// Whether the action skipped a part of the log.
    gaps: bool,
}

/// The new part of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Batch {
    /// The last lines.
    pub(super) lines: Vec<String>,
    /// The number of omitted bytes before them.
    pub(super) omitted: u64,
}

impl LogTail {
    /// Returns the position of the next read, in bytes from the beginning of the log.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// Adds the bytes at that position.
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        self.next += bytes.len() as u64;
        for piece in bytes.split_inclusive(|&byte| byte == b'\n') {
            self.begun.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                self.end_line();
            } else if self.begun.len() > LONGEST_LINE {
                self.lose_beginning();
            }
        }
    }

    /// Skips everything up to that position, and the rest of the line there.
    pub(super) fn skip_to(&mut self, first: u64) {
        self.fresh.omitted += first.saturating_sub(self.next);
        self.next = self.next.max(first);
        self.lose_beginning();
        self.gaps = true;
    }

    /// Completes the log. The last line counts even without a line break.
    pub(super) fn finish(&mut self) {
        if !self.begun.is_empty() {
            self.end_line();
        }
    }

    /// Returns the part since the last call; [`None`] if nothing is new.
    pub(super) fn take(&mut self) -> Option<Batch> {
        let is_new = !self.fresh.lines.is_empty();
        is_new.then(|| std::mem::take(&mut self.fresh).cut())
    }

    /// Returns the last lines of the log so far.
    pub(super) fn last_lines(&self) -> impl Iterator<Item = &String> {
        self.last.iter()
    }

    /// Returns the number of queued runs in the log; [`None`] unless the action has read the whole log.
    pub(super) fn queued(&self) -> Option<usize> {
        (!self.gaps && self.next > 0).then_some(self.queued)
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.begun);
        if std::mem::take(&mut self.headless) {
            self.fresh.omitted += line.len() as u64;
            return;
        }
        let line = sanitized(&line);
        self.queued += usize::from(line.contains(QUEUED));
        if self.last.len() == LAST_LINES {
            self.last.pop_front();
        }
        self.last.push_back(line.clone());
        self.fresh.lines.push(line);
    }

    fn lose_beginning(&mut self) {
        self.fresh.omitted += self.begun.len() as u64;
        self.begun.clear();
        self.headless = true;
    }
}

impl Batch {
    /// Returns its end, up to the limit of one message.
    fn cut(mut self) -> Self {
        let mut room = MOST_BYTES;
        let kept = self
            .lines
            .iter()
            .rev()
            .take(MOST_LINES)
            .take_while(|line| {
                let fits = line.len() <= room;
                room = room.saturating_sub(line.len() + 1);
                fits
            })
            .count();
        let cut = self.lines.drain(..self.lines.len() - kept);
        self.omitted += cut.map(|line| line.len() as u64 + 1).sum::<u64>();
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(tail: &mut LogTail) -> Vec<String> {
        tail.take().map(|batch| batch.lines).unwrap_or_default()
    }

    #[test]
    fn only_complete_new_lines_are_shown() {
        let mut tail = LogTail::default();
        assert_eq!(tail.take(), None);
        tail.feed(b"one\ntw");
        assert_eq!(taken(&mut tail), ["one"]);
        assert_eq!(tail.take(), None);
        tail.feed(b"o\n\nthree");
        assert_eq!(taken(&mut tail), ["two", ""]);
        tail.finish();
        assert_eq!(taken(&mut tail), ["three"]);
        tail.finish();
        assert_eq!(tail.take(), None);
        assert_eq!(tail.next(), 14);
    }

    #[test]
    fn a_character_split_over_two_reads_is_joined() {
        let mut tail = LogTail::default();
        let bytes = "Grüße\n".as_bytes();
        let (first, second) = bytes.split_at(3);
        tail.feed(first);
        tail.feed(second);
        assert_eq!(taken(&mut tail), ["Grüße"]);
    }

    #[test]
    fn only_the_last_of_many_lines_are_shown() {
        let mut tail = LogTail::default();
        let lines: String = (0..60).map(|n| format!("line {n:02}\n")).collect();
        tail.feed(lines.as_bytes());
        let batch = tail.take().unwrap();
        assert_eq!((batch.lines.len(), batch.omitted), (50, 80));
        assert_eq!(batch.lines[0], "line 10");
        assert_eq!(tail.last_lines().next().unwrap(), "line 40");
        assert_eq!(tail.last_lines().count(), 20);
    }

    #[test]
    fn fewer_long_lines_are_shown() {
        let mut tail = LogTail::default();
        let line = format!("{}\n", "x".repeat(399));
        tail.feed(line.repeat(30).as_bytes());
        let batch = tail.take().unwrap();
        assert_eq!((batch.lines.len(), batch.omitted), (20, 4000));
    }

    #[test]
    fn a_skipped_part_omits_the_lines_that_it_cuts() {
        let mut tail = LogTail::default();
        tail.feed(b"one\nbegun");
        assert_eq!(taken(&mut tail), ["one"]);
        tail.skip_to(100);
        assert_eq!(tail.next(), 100);
        tail.feed(b"end of one\nwhole\n");
        let batch = tail.take().unwrap();
        assert_eq!(batch.lines, ["whole"]);
        assert_eq!(batch.omitted, 5 + 91 + 11);
    }

    #[test]
    fn an_endless_line_is_limited() {
        let mut tail = LogTail::default();
        for _ in 0..100 {
            tail.feed(&[b'x'; 1000]);
        }
        assert!(tail.begun.len() <= LONGEST_LINE);
        tail.feed(b"\nnext\n");
        let batch = tail.take().unwrap();
        assert_eq!(batch.lines, ["next"]);
        assert_eq!(batch.omitted, 100_001);
    }

    #[test]
    fn queued_runs_are_counted_if_the_whole_log_was_read() {
        let mut tail = LogTail::default();
        assert_eq!(tail.queued(), None);
        tail.feed(b"WARNING: Queued a run with ID: dt2\nother\n");
        tail.feed(b"\x1b[33mWARNING: Queued a run with ID: dt3\x1b[0m\n");
        assert_eq!(tail.queued(), Some(2));
        tail.skip_to(1000);
        assert_eq!(tail.queued(), None);
    }
}
