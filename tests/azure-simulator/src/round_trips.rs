//! Counts dependent round trips in the log.
//!
//! A client that waits for a response may need it for its next request. So a request depends on every request
//! that ended before it began. The longest chain of such requests is how often the client waits for the
//! network, no matter how many requests it makes in parallel.

use jiff::Timestamp;

use crate::log::Entry;

/// The first request to end with a longer chain than all before it.
struct Record {
    ended: Timestamp,
    length: usize,
    entry: usize,
}

/// Returns the longest chain of dependent requests. `log` is in the order of the responses.
///
/// Parallel requests overlap only if each takes some time, so the `latency_ms` knob should not be zero.
#[must_use]
pub fn longest_chain(log: &[Entry]) -> Vec<&Entry> {
    // Both the times and the lengths of the records are in order.
    let mut records: Vec<Record> = Vec::new();
    // For each request, the one before it in its longest chain.
    let mut before: Vec<Option<usize>> = Vec::with_capacity(log.len());
    for (entry, request) in log.iter().enumerate() {
        let earlier = records.partition_point(|record| record.ended <= request.begun);
        let last = earlier.checked_sub(1).map(|last| &records[last]);
        before.push(last.map(|last| last.entry));
        let length = last.map_or(0, |last| last.length) + 1;
        if records.last().is_none_or(|record| record.length < length) {
            records.push(Record {
                ended: request.time,
                length,
                entry,
            });
        }
    }
    let longest = records.last().map(|last| last.entry);
    let mut chain: Vec<&Entry> = std::iter::successors(longest, |entry| before[*entry])
        .map(|entry| &log[entry])
        .collect();
    chain.reverse();
    chain
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the paths of the longest chain. A request is its path and the seconds of
    /// its beginning and its end.
    fn chain(requests: &[(&str, i64, i64)]) -> Vec<String> {
        let at = |second| Timestamp::from_second(second).unwrap();
        let entry = |(path, begun, ended): &(&str, i64, i64)| Entry {
            seq: 0,
            begun: at(*begun),
            time: at(*ended),
            host: String::new(),
            method: String::new(),
            path: (*path).to_owned(),
            query: String::new(),
            range: None,
            api_version: None,
            status: 200,
            faulted: false,
            write: false,
            principal: None,
            auxiliary_tokens: 0,
            bucket: None,
            operation: String::new(),
            user_agent: None,
            correlation_id: None,
        };
        let log: Vec<Entry> = requests.iter().map(entry).collect();
        let chain = longest_chain(&log);
        chain.into_iter().map(|entry| entry.path.clone()).collect()
    }

    #[test]
    fn a_request_depends_on_all_that_ended_before_it_began() {
        assert_eq!(chain(&[]), [""; 0]);
        let parallel = [("a", 0, 2), ("b", 1, 3)];
        assert_eq!(chain(&parallel), ["a"]);
        let serial = [("a", 0, 1), ("b", 1, 2), ("c", 2, 3)];
        assert_eq!(chain(&serial), ["a", "b", "c"]);
    }

    #[test]
    fn a_slow_request_can_be_part_of_a_shorter_chain() {
        let log = [
            ("a", 0, 1),
            ("b", 1, 2),
            ("slow", 0, 3),
            ("c", 2, 3),
            ("d", 3, 4),
        ];
        assert_eq!(chain(&log), ["a", "b", "c", "d"]);
    }
}
