//! Evaluates redirects: where one may lead, and which headers may go there. It does no I/O. The caller
//! decides whether to follow, and every request in this provider needs at most one redirect.

use http::header::{ACCEPT, LOCATION, RANGE};
use http::{HeaderName, Method};
use url::Url;

use crate::http::{Request, Response};

/// The headers that another host may receive. An allow-list can't miss a credential.
const FOR_ANY_HOST: [HeaderName; 2] = [ACCEPT, RANGE];

/// The request that follows a redirect.
#[derive(Clone, Debug)]
pub(crate) enum Redirect {
    /// To the same scheme, host and port. The caller may add credentials again.
    SameOrigin(Request),
    /// To another scheme, host or port. The request contains no credentials.
    OtherOrigin(Request),
}

/// Why a redirect is not followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RedirectError {
    /// It has no address, or one that can't be parsed.
    #[error("a redirect has no valid address")]
    NoAddress,
    /// It leads to an address without https.
    #[error("a redirect leads to an address without https")]
    NotTls,
    /// A write is never redirected.
    #[error("a write request is redirected")]
    Write,
}

/// Returns the request that follows a redirect, or `None` if the answer is not a redirect.
///
/// # Errors
/// If the redirect must not be followed.
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
    // The client would send a name and a password in the URL as credentials.
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
        next.lanes.clear();
        let kept = FOR_ANY_HOST.map(|name| (name.clone(), request.headers.get(&name)));
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
    fn a_redirect_to_the_same_host_keeps_all_headers() {
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
    fn another_host_port_or_subdomain_receives_no_credentials() {
        for link in [
            "https://storage.blob.example/x?sig=planted",
            "https://contoso.azurecr.io:8443/x",
            "https://eu.contoso.azurecr.io/x",
            "https://u:p@storage.blob.example/x",
            "//[::1]/x",
        ] {
            let Ok(Some(Redirect::OtherOrigin(next))) = to(link) else {
                panic!("another origin expected at {link}");
            };
            assert_eq!(names(&next), ["accept"], "{link}");
            assert_eq!(next.url.username(), "");
        }
    }

    #[test]
    fn a_redirect_without_https_is_an_error() {
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
    fn a_redirected_write_is_an_error() {
        let mut put = get();
        put.method = Method::PUT;
        let answer = reply(307).with("location", "/x");
        assert_eq!(follow(&put, &answer).unwrap_err(), RedirectError::Write);
    }

    #[test]
    fn other_statuses_are_not_redirects() {
        for status in [200, 201, 202, 300, 304, 401, 404] {
            let answer = reply(status).with("location", "https://elsewhere.example/");
            assert!(matches!(follow(&get(), &answer), Ok(None)), "{status}");
        }
    }
}
