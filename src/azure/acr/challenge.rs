//! Parses the challenge in a registry's 401: the token endpoint, the service and the scope.

use url::Url;

use crate::azure::www_authenticate::parameters;
use crate::http::Response;

/// A `WWW-Authenticate: Bearer …` header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Challenge {
    /// The token endpoint.
    pub(crate) realm: Url,
    /// The service that the tokens are for.
    pub(crate) service: String,
    /// The scope that the request needs, if the registry names it.
    pub(crate) scope: Option<String>,
}

impl Challenge {
    /// Returns the challenge of most registries with this login server. They sign in at the login server.
    pub(crate) fn usual(login_server: &str) -> Option<Self> {
        let realm = Url::parse(&format!("https://{login_server}/oauth2/token"));
        Some(Self {
            realm: realm.ok()?,
            service: login_server.to_owned(),
            scope: None,
        })
    }

    /// Whether both name the same token endpoint and service.
    pub(crate) fn is_same_place(&self, other: &Self) -> bool {
        self.realm == other.realm && self.service == other.service
    }

    /// Returns the challenge in an answer.
    pub(crate) fn of(answer: &Response) -> Option<Self> {
        let parameters = parameters(answer);
        let value = |name| {
            let (_, value) = parameters.iter().find(|(known, _)| known == name)?;
            Some(*value)
        };
        Some(Self {
            realm: Url::parse(value("realm")?).ok()?,
            service: value("service")?.to_owned(),
            scope: value("scope").map(str::to_owned),
        })
    }

    /// Whether the realm may receive this login server's tokens. It must use https, and be the login
    /// server or a host in the same parent domain. Any other host could misuse the Entra token.
    pub(crate) fn is_of(&self, login_server: &str) -> bool {
        let Some(realm) = self.realm.host_str() else {
            return false;
        };
        let host = login_server.split(':').next().unwrap_or(login_server);
        let domain = |host: &str| {
            host.split_once('.')
                .map(|(_, domain)| domain.to_lowercase())
        };
        let sibling = domain(realm).is_some_and(|it| it.contains('.') && domain(host) == Some(it));
        self.realm.scheme() == "https" && (realm.eq_ignore_ascii_case(host) || sibling)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::scripted_transport::{recorded, reply};

    fn parse(header: &str) -> Option<Challenge> {
        Challenge::of(&reply(401).with("www-authenticate", header))
    }

    #[test]
    fn reads_the_recorded_challenge() {
        let recording = include_str!("../../../tests/golden/recorded/acr-unauthorized.json");
        let challenge = Challenge::of(&recorded(recording)).unwrap();
        insta::assert_debug_snapshot!(
            (challenge.realm.as_str(), challenge.service, challenge.scope),
            @r#"
        (
            "https://clivrewxyvnmnvd2kexvenki.azurecr.io/oauth2/token",
            "clivrewxyvnmnvd2kexvenki.azurecr.io",
            Some(
                "repository:csscpolicies/patchpolicy:push,pull",
            ),
        )
        "#
        );
    }

    #[test]
    fn incomplete_or_other_challenges_are_none() {
        assert_eq!(parse("Basic realm=\"x\""), None);
        assert_eq!(parse("Bearer realm=\"https://x/\""), None);
        assert_eq!(parse("Bearer"), None);
    }

    #[test]
    fn accepts_a_realm_only_in_the_registrys_domain() {
        let is_of = |realm: &str| {
            let header = format!(r#"Bearer service="s", realm="{realm}", error=invalid_token"#);
            parse(&header).unwrap().is_of("contoso-abc.azurecr.io")
        };
        assert!(is_of("https://contoso-abc.azurecr.io/oauth2/token"));
        assert!(is_of("https://CONTOSO.azurecr.io/oauth2/token"));
        assert!(!is_of("http://contoso-abc.azurecr.io/oauth2/token"));
        assert!(!is_of(
            "https://contoso-abc.azurecr.io.evil.example/oauth2/token"
        ));
        assert!(!is_of("https://evil.example/oauth2/token"));
    }
}
