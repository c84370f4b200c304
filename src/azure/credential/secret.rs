//! A text that `Debug` and `Display` don't show.

use std::fmt;

use http::header::HeaderValue;
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::azure::{Error, Operation};

/// A password or a token. `Debug` and `Display` don't show it, and dropping it overwrites its memory.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Creates a secret from a text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// Returns the text. Call it only where the text is sent.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Returns the value of an `Authorization` header. It is marked as sensitive, so that HTTP libraries
    /// don't log it.
    pub(crate) fn bearer(&self, operation: &Operation) -> Result<HeaderValue, Error> {
        let mut value = HeaderValue::try_from(format!("Bearer {}", self.expose()))
            .map_err(|_| Error::unexpected(operation, "the token is not a valid header value"))?;
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
    fn a_secret_is_not_printed() {
        let secret = Secret::new("planted");
        let bearer = secret
            .bearer(&Operation::new(OperationKind::ReadTask, "/x"))
            .unwrap();
        assert!(!format!("{secret} {secret:?} {bearer:?}").contains("planted"));
        assert_eq!(bearer, "Bearer planted");
    }

    #[test]
    fn a_token_with_a_line_break_is_an_error_that_does_not_show_it() {
        let error =
            Secret::new("planted\r\nx: y").bearer(&Operation::new(OperationKind::ReadTask, "/x"));
        assert!(!format!("{:?}", error.unwrap_err()).contains("planted"));
    }
}
