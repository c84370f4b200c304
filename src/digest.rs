//! Digests in the OCI format: `sha256:` and 64 hexadecimal digits. `patching` and the registry client in
//! `azure` both use them.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

const PREFIX: &str = "sha256:";

/// Returns the SHA-256 digest of the bytes in the OCI format.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    let hash = Sha256::digest(bytes);
    hash.iter().fold(PREFIX.to_owned(), |mut text, byte| {
        // Writing to a string can't fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Whether a text has the format that [`sha256`] returns.
pub(crate) fn is_sha256(text: &str) -> bool {
    let hex = text.strip_prefix(PREFIX).unwrap_or_default().as_bytes();
    hex.len() == 64 && hex.iter().all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_has_the_oci_format() {
        let digest = sha256(b"{}");
        assert_eq!(
            digest,
            "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
        );
        assert!(is_sha256(&digest));
        assert!(!is_sha256(&digest.to_uppercase()) && !is_sha256(&digest[..70]));
    }
}
