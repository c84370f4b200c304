//! Parses the header in which a 401 says what it needs: `WWW-Authenticate: Bearer name="value", …`.

use http::header::WWW_AUTHENTICATE;

use crate::http::Response;

/// Returns the parameters of an answer's `Bearer` challenge, with names in lower case. Empty if the answer has
/// no such challenge.
pub(crate) fn parameters(answer: &Response) -> Vec<(String, &str)> {
    let challenges = answer.headers.get_all(WWW_AUTHENTICATE).iter();
    let bearer = |text: &'_ str| -> bool {
        let scheme = text.trim().split(' ').next();
        scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("Bearer"))
    };
    challenges
        .filter_map(|value| value.to_str().ok())
        .find(|text| bearer(text))
        .map(of_challenge)
        .unwrap_or_default()
}

/// Returns the claims challenge of a 401, in Base64. Microsoft Entra ID then requires more of the sign-in than
/// the token shows, such as multifactor authentication.
pub(crate) fn claims(answer: &Response) -> Option<String> {
    let parameters = parameters(answer);
    let (_, claims) = parameters.iter().find(|(name, _)| name == "claims")?;
    // A message quotes it in a command, so it must contain nothing that a shell interprets.
    let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=-_".contains(&byte);
    let is_plain = !claims.is_empty() && claims.bytes().all(is_base64);
    is_plain.then(|| (*claims).to_owned())
}

fn of_challenge(text: &str) -> Vec<(String, &str)> {
    let mut rest = text.trim().split_once(' ').map_or("", |(_, rest)| rest);
    std::iter::from_fn(|| {
        let (name, value, after) = parameter(rest)?;
        rest = after;
        Some((name.to_ascii_lowercase(), value))
    })
    .collect()
}

/// Splits the first `name="value"` off a list. A value may contain commas.
fn parameter(text: &str) -> Option<(&str, &str, &str)> {
    let text = text.trim_start_matches([' ', ',']);
    let (name, rest) = text.split_once('=')?;
    match rest.strip_prefix('"') {
        Some(quoted) => {
            let (value, after) = quoted.split_once('"')?;
            Some((name.trim(), value, after))
        }
        None => {
            let (value, after) = rest.split_once(',').unwrap_or((rest, ""));
            Some((name.trim(), value.trim(), after))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::scripted_transport::reply;

    fn claims_of(header: &str) -> Option<String> {
        claims(&reply(401).with("www-authenticate", header))
    }

    #[test]
    fn reads_the_claims_challenge() {
        let header = r#"Bearer realm="", authorization_uri="https://login.example/authorize", error="insufficient_claims", claims="eyJhIjp7fX0=""#;
        assert_eq!(claims_of(header).as_deref(), Some("eyJhIjp7fX0="));
        assert_eq!(claims_of(r#"Bearer error="invalid_token""#), None);
        assert_eq!(claims(&reply(401)), None);
        let second = reply(401)
            .with("www-authenticate", "Basic realm=\"x\"")
            .with("www-authenticate", "bearer claims=abc");
        assert_eq!(claims(&second).as_deref(), Some("abc"));
    }

    #[test]
    fn a_claims_challenge_that_a_shell_would_interpret_is_ignored() {
        assert_eq!(claims_of(r#"Bearer claims="$(rm x)""#), None);
        assert_eq!(claims_of(r#"Bearer claims="""#), None);
    }
}
