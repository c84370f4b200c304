//! Compression of large responses for clients that accept it.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use http::Method;

use crate::wire::{Call, Reply};

/// Bodies up to this size are not compressed.
const WORTH_BYTES: usize = 1024;

/// Compresses the response if it is large and the client accepts gzip.
pub(crate) fn compressed(call: &Call, reply: Reply) -> Reply {
    let whole = reply.status != 206 && call.method != Method::HEAD;
    if !whole || reply.body.len() <= WORTH_BYTES || !takes_gzip(call) {
        return reply;
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    match encoder
        .write_all(&reply.body)
        .and_then(|()| encoder.finish())
    {
        Ok(bytes) => reply
            .body(bytes)
            .with("content-encoding", "gzip")
            .with("vary", "Accept-Encoding"),
        // Compression in memory cannot fail. If it did, the plain response would be correct too.
        Err(_) => reply,
    }
}

fn takes_gzip(call: &Call) -> bool {
    let accepted = call.header("accept-encoding").unwrap_or_default();
    accepted.split(',').any(|coding| {
        let (name, quality) = coding.split_once(';').unwrap_or((coding, ""));
        let named = matches!(name.trim(), "gzip" | "*");
        named && !matches!(quality.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(accepted: &'static str) -> Call {
        let mut headers = http::HeaderMap::new();
        headers.insert("accept-encoding", accepted.parse().unwrap());
        Call {
            method: Method::GET,
            host: String::new(),
            authority: String::new(),
            path: String::new(),
            query: String::new(),
            headers,
            body: bytes::Bytes::new(),
            begun: jiff::Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn compresses_only_large_bodies_for_clients_that_accept_gzip() {
        let large = || Reply::empty(200).body(vec![b'a'; 2000]);
        let small = || Reply::empty(200).body(vec![b'a'; 1024]);
        assert!(compressed(&call("deflate, gzip;q=0.5"), large()).body.len() < 100);
        assert_eq!(compressed(&call("gzip;q=0, br"), large()).body.len(), 2000);
        assert_eq!(compressed(&call("gzip"), small()).body.len(), 1024);
    }
}
