//! Access and refresh tokens. They look like JWTs, but the simulator looks them up instead of verifying them.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;

/// The purpose of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Grant {
    /// An Entra access token for an audience, without a trailing slash.
    Entra { audience: String },
    /// A refresh token of a registry.
    Refresh { login_server: String },
    /// An access token of a registry, for scope items such as `repository:python:pull`.
    Access {
        login_server: String,
        scopes: BTreeSet<String>,
    },
}

/// An issued token.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    /// The tenant that issued it.
    pub(crate) tenant: String,
    pub(crate) principal: String,
    pub(crate) grant: Grant,
    pub(crate) expires: Timestamp,
    /// Whether it was revoked before it expired.
    pub(crate) revoked: bool,
}

impl Token {
    /// Returns whether the token is neither revoked nor expired.
    pub(crate) fn is_good(&self, now: Timestamp) -> bool {
        !self.revoked && self.expires > now
    }
}

/// How long a token is valid.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Validity {
    /// The lifetime that the token states.
    pub(crate) stated: Duration,
    /// The time after the stated end for which the services still accept it.
    pub(crate) grace: Duration,
}

fn after(time: Timestamp, span: Duration) -> Timestamp {
    let span = jiff::SignedDuration::try_from(span).unwrap_or(jiff::SignedDuration::MAX);
    time.saturating_add(span).unwrap_or(Timestamp::MAX)
}

/// All tokens ever issued.
#[derive(Debug, Default)]
pub(crate) struct Tokens(HashMap<String, Token>);

impl Tokens {
    /// Issues a token.
    pub(crate) fn issue(
        &mut self,
        tenant: &str,
        principal: &str,
        grant: Grant,
        now: Timestamp,
        validity: Validity,
    ) -> String {
        let stated = after(now, validity.stated);
        let audience = match &grant {
            Grant::Entra { audience } => audience.as_str(),
            Grant::Refresh { login_server } | Grant::Access { login_server, .. } => {
                login_server.as_str()
            }
        };
        let claims = json!({
            "aud": audience,
            "iss": format!("https://sts.windows.net/{tenant}/"),
            "iat": now.as_second(),
            "exp": stated.as_second(),
            "oid": principal,
            "tid": tenant,
            "jti": Uuid::new_v4().to_string(),
        });
        let part = |value: &serde_json::Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let signature = BASE64_URL_SAFE_NO_PAD
            .encode([Uuid::new_v4().into_bytes(), Uuid::new_v4().into_bytes()].concat());
        let text = format!(
            "{}.{}.{signature}",
            part(&json!({"typ": "JWT", "alg": "RS256"})),
            part(&claims)
        );
        self.0.insert(
            text.clone(),
            Token {
                tenant: tenant.to_owned(),
                principal: principal.to_owned(),
                grant,
                expires: after(stated, validity.grace),
                revoked: false,
            },
        );
        text
    }

    /// Returns the data of an issued token.
    pub(crate) fn find(&self, text: &str) -> Option<&Token> {
        self.0.get(text)
    }

    /// Revokes all matching tokens.
    pub(crate) fn revoke(&mut self, which: impl Fn(&Grant) -> bool) {
        for token in self.0.values_mut().filter(|token| which(&token.grant)) {
            token.revoked = true;
        }
    }

    /// Returns all issued tokens.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &String> {
        self.0.keys()
    }
}

impl Grant {
    /// Returns whether this registry issued the token.
    pub(crate) fn is_for(&self, server: &str) -> bool {
        match self {
            Self::Entra { .. } => false,
            Self::Refresh { login_server } | Self::Access { login_server, .. } => {
                login_server == server
            }
        }
    }
}
