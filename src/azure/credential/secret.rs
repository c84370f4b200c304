//! A text that doesn't print.

use std::fmt;

use http::header::HeaderValue;
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::azure::{Error, Operation};

/// A secret: a password or a token. Neither `Debug` nor `Display` show any of it, and its memory is
/// overwritten when it is dropped.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Wraps a text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text itself, for the one place that sends it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The value of an `Authorization` header, marked so that HTTP stacks don't print it either.
    pub(crate) fn bearer(&self, operation: &Operation) -> Result<HeaderValue, Error> {
        let mut value = HeaderValue::try_from(format!("Bearer {}", self.expose()))
            .map_err(|_| Error::unexpected(operation, "the token isn't one"))?;
        value.set_sensitive(true);
        Ok(value)
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::azure::OperationKind;

    #[test]
    fn a_secret_does_not_print() {
        let secret = Secret::new("planted");
        let bearer = secret
            .bearer(&Operation::new(OperationKind::ReadTask, "/x"))
            .unwrap();
        assert!(!format!("{secret} {secret:?} {bearer:?}").contains("planted"));
        assert_eq!(bearer, "Bearer planted");
    }

    #[test]
    fn a_token_with_a_line_break_is_no_header_and_stays_out_of_the_error() {
        let error =
            Secret::new("planted\r\nx: y").bearer(&Operation::new(OperationKind::ReadTask, "/x"));
        assert!(!format!("{:?}", error.unwrap_err()).contains("planted"));
    }
}
