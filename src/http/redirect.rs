//! Where a redirect may lead, and what may go there. Pure: whoever asked decides whether to follow, and
//! once is enough for everything that we ask.

use http::header::{ACCEPT, LOCATION, RANGE};
use http::{HeaderName, Method};
use url::Url;

use crate::http::{Request, Response};

/// What another host may see of a request. A list of what may go can't forget a credential.
const FOR_ANYBODY: [HeaderName; 2] = [ACCEPT, RANGE];

/// The way that a redirect shows.
#[derive(Clone, Debug)]
pub(crate) enum Redirect {
    /// On to the same scheme, host and port: the request may be signed again.
    SameOrigin(Request),
    /// On to somebody else: nothing goes there that anybody could sign in with.
    OtherOrigin(Request),
}

/// Why a redirect isn't followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RedirectError {
    /// It names no address, or one that can't be read.
    #[error("a redirect leads nowhere")]
    NoAddress,
    /// It leads away from TLS.
    #[error("a redirect leads away from https")]
    NotTls,
    /// What changes something is never sent to where it wasn't meant to go.
    #[error("a write is redirected")]
    Write,
}

/// Whether an answer is a redirect, and the request that follows it then.
///
/// # Errors
/// When it is one that isn't to be followed.
pub(crate) fn follow(
    request: &Request,
    answer: &Response,
) -> Result<Option<Redirect>, RedirectError> {
    if !matches!(answer.status.as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    if !matches!(request.method, Method::GET | Method::HEAD) {
        return Err(RedirectError::Write);
    }
    let link = answer
        .header(LOCATION.as_str())
        .ok_or(RedirectError::NoAddress)?;
    let mut there = request
        .url
        .join(link)
        .map_err(|_| RedirectError::NoAddress)?;
    if there.scheme() != "https" || !there.has_host() {
        return Err(RedirectError::NotTls);
    }
    // A name and a password in an address would be sent as credentials.
    let named = there.set_username("").and(there.set_password(None));
    named.map_err(|()| RedirectError::NoAddress)?;
    let same_origin = there.origin() == request.url.origin();
    let next = redirected(request, there, same_origin);
    Ok(Some(if same_origin {
        Redirect::SameOrigin(next)
    } else {
        Redirect::OtherOrigin(next)
    }))
}

fn redirected(request: &Request, there: Url, trusted: bool) -> Request {
    let mut next = request.clone();
    next.url = there;
    if !trusted {
        next.lane = None;
        let kept = FOR_ANYBODY.map(|name| (name.clone(), request.headers.get(&name)));
        next.headers.clear();
        for (name, value) in kept {
            if let Some(value) = value {
                next.headers.insert(name, value.clone());
            }
        }
    }
    next
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;
    use crate::http::scripted_transport::reply;

    fn get() -> Request {
        let secret = |name| (HeaderName::from_static(name), HeaderValue::from_static("x"));
        let names = [
            "accept",
            "authorization",
            "cookie",
            "x-ms-authorization-auxiliary",
            "x-ms-correlation-request-id",
        ];
        let url = Url::parse("https://contoso.azurecr.io/v2/a/blobs/1").unwrap();
        names
            .map(secret)
            .into_iter()
            .fold(Request::new(Method::GET, url), |request, (name, value)| {
                request.header(name, value)
            })
    }

    fn to(link: &str) -> Result<Option<Redirect>, RedirectError> {
        follow(&get(), &reply(307).with("location", link))
    }

    fn names(request: &Request) -> Vec<&str> {
        request.headers.keys().map(HeaderName::as_str).collect()
    }

    #[test]
    fn the_same_host_is_asked_as_before() {
        let Ok(Some(Redirect::SameOrigin(next))) = to("../elsewhere?page=2") else {
            panic!("the same host expected");
        };
        assert_eq!(
            next.url.as_str(),
            "https://contoso.azurecr.io/v2/a/elsewhere?page=2"
        );
        assert_eq!(names(&next).len(), 5);
    }

    #[test]
    fn another_host_port_or_name_below_sees_no_credentials() {
        for link in [
            "https://storage.blob.example/x?sig=planted",
            "https://contoso.azurecr.io:8443/x",
            "https://eu.contoso.azurecr.io/x",
            "https://u:p@storage.blob.example/x",
            "//[::1]/x",
        ] {
            let Ok(Some(Redirect::OtherOrigin(next))) = to(link) else {
                panic!("somebody else expected at {link}");
            };
            assert_eq!(names(&next), ["accept"], "{link}");
            assert_eq!(next.url.username(), "");
        }
    }

    #[test]
    fn nothing_leads_away_from_tls() {
        for link in [
            "http://contoso.azurecr.io/x",
            "http://storage.blob.example/x",
            "file:///etc/passwd",
            "data:,x",
        ] {
            assert_eq!(to(link).unwrap_err(), RedirectError::NotTls, "{link}");
        }
        assert_eq!(to("https://").unwrap_err(), RedirectError::NoAddress);
        assert_eq!(
            follow(&get(), &reply(302)).unwrap_err(),
            RedirectError::NoAddress
        );
    }

    #[test]
    fn a_write_goes_nowhere_else() {
        let mut put = get();
        put.method = Method::PUT;
        let answer = reply(307).with("location", "/x");
        assert_eq!(follow(&put, &answer).unwrap_err(), RedirectError::Write);
    }

    #[test]
    fn other_answers_are_no_redirects() {
        for status in [200, 201, 202, 300, 304, 401, 404] {
            let answer = reply(status).with("location", "https://elsewhere.example/");
            assert!(matches!(follow(&get(), &answer), Ok(None)), "{status}");
        }
    }
}
