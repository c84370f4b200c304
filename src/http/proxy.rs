//! The https proxy of `HTTPS_PROXY` and `NO_PROXY`.
//!
//! Only the proxy receives its password, and no message contains it. Like Go's providers, this module
//! ignores `ALL_PROXY`.

use reqwest::{NoProxy, Proxy};

/// The schemes of a proxy's address. With `socks5h`, the proxy resolves the names of hosts.
const SCHEMES: [&str; 4] = ["http", "https", "socks5", "socks5h"];

/// Why a proxy can't be used. No message contains the address, because it may contain a password.
#[derive(Debug, thiserror::Error)]
pub enum ProxyError {
    /// The address has another scheme.
    #[error("the provider does not support proxies with the scheme {0}")]
    Scheme(String),
    /// The address is not valid.
    #[error("the address is not valid")]
    Address(#[source] reqwest::Error),
}

/// Creates the https proxy. Its address can omit the scheme and can contain a user name and a password.
///
/// An exception is a host name, an IP address, a subnet or `*`. A host name includes its subdomains.
///
/// # Errors
/// If the address is not valid, or has a scheme that is not supported. reqwest would ignore such a proxy and
/// connect without it.
pub(crate) fn proxy(address: &str, exceptions: Option<&str>) -> Result<Proxy, ProxyError> {
    if let Some((scheme, _)) = address.split_once("://")
        && !SCHEMES.contains(&scheme.to_ascii_lowercase().as_str())
    {
        return Err(ProxyError::Scheme(scheme.to_owned()));
    }
    let refused = |error: reqwest::Error| ProxyError::Address(error.without_url());
    let proxy = Proxy::https(address).map_err(refused)?;
    let exceptions = exceptions.map(as_understood);
    Ok(proxy.no_proxy(exceptions.as_deref().and_then(NoProxy::from_string)))
}

/// Rewrites exceptions that Go's programs accept and reqwest doesn't: `*.name`, brackets around an
/// address, and a port. It drops an exception for a port other than 443.
fn as_understood(exceptions: &str) -> String {
    let understood = |entry: &str| {
        let entry = entry.trim();
        let entry = match entry.strip_prefix('*') {
            Some(below) if below.starts_with('.') => below,
            _ => entry,
        };
        let (host, port) = match entry.rsplit_once(':') {
            Some((host, port)) if host.ends_with(']') || !host.contains(':') => (host, Some(port)),
            _ => (entry, None),
        };
        let host = host.trim_matches(['[', ']']);
        port.is_none_or(|port| port == "443")
            .then(|| host.to_owned())
    };
    let entries: Vec<String> = exceptions.split(',').filter_map(understood).collect();
    entries.join(",")
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::ProxyError;
    use crate::http::client::{Client, ClientError, ClientOptions};
    use crate::http::loopback::{ConnectProxy, SocksProxy, TlsServer};
    use crate::http::{Request, Response, Transport, TransportError, TransportErrorKind};

    const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi";
    /// The header for `user:planted`, in lower case.
    const PASSWORD: &str = "proxy-authorization: basic dxnlcjpwbgfudgvk";

    async fn get(
        server: &TlsServer,
        proxy: &str,
        exceptions: Option<&str>,
    ) -> Result<Response, TransportError> {
        let options = ClientOptions {
            https_proxy: Some(proxy.to_owned()),
            no_proxy: exceptions.map(str::to_owned),
            extra_ca_pem: Some(server.pem.clone().into_bytes()),
            ..ClientOptions::default()
        };
        assert!(!format!("{options:?}").contains("planted"));
        let client = Client::new(options).unwrap();
        client
            .send(Request::new(Method::GET, server.url.clone()))
            .await
    }

    #[tokio::test]
    async fn only_the_proxy_receives_its_password() {
        let server = TlsServer::start(ANSWER).await;
        let proxy = ConnectProxy::requiring(PASSWORD).await;
        for scheme in ["http://", ""] {
            let address = format!("{scheme}user:planted@{}", proxy.address);
            let response = get(&server, &address, None).await.unwrap();
            assert_eq!(response.status, 200);
        }
        let asked = format!("connect localhost:{} http/1.1", server.port);
        assert!(
            proxy
                .heard
                .all()
                .iter()
                .all(|head| head.starts_with(&asked))
        );
        assert_eq!(proxy.heard.all().len(), 2);
        let told = server.heard.all();
        assert!(
            told.len() == 2 && !told.concat().contains("proxy"),
            "{told:?}"
        );
    }

    #[test]
    fn exceptions_in_gos_formats_are_accepted() {
        for (given, understood) in [
            ("*", "*"),
            ("*.azurecr.io, .internal,host", ".azurecr.io,.internal,host"),
            ("a.example:443,b.example:8443", "a.example"),
            (
                "[::1],::1,[2001:db8::1]:443,fe80::/10",
                "::1,::1,2001:db8::1,fe80::/10",
            ),
            ("10.0.0.0/8,192.0.2.1:443", "10.0.0.0/8,192.0.2.1"),
            ("", ""),
        ] {
            assert_eq!(super::as_understood(given), understood);
        }
    }

    #[tokio::test]
    async fn exceptions_bypass_the_proxy() {
        let proxy = ConnectProxy::requiring("").await;
        let local = TlsServer::start(ANSWER).await;
        for exceptions in ["localhost", "example.com, LOCALHOST", "*"] {
            get(&local, &proxy.address, Some(exceptions)).await.unwrap();
        }
        let by_number = TlsServer::called("127.0.0.1", "127.0.0.1", ANSWER)
            .await
            .unwrap();
        for exceptions in ["127.0.0.1", "10.0.0.0/8,127.0.0.0/8"] {
            get(&by_number, &proxy.address, Some(exceptions))
                .await
                .unwrap();
        }
        if let Ok(six) = TlsServer::called("[::1]", "::1", ANSWER).await {
            for exceptions in ["::1", "::/64"] {
                get(&six, &proxy.address, Some(exceptions)).await.unwrap();
            }
        }
        assert!(proxy.heard.all().is_empty());
        get(&local, &proxy.address, Some("host, local"))
            .await
            .unwrap();
        assert_eq!(proxy.heard.all().len(), 1);
    }

    #[tokio::test]
    async fn a_proxys_refusal_is_reported_without_the_password() {
        let server = TlsServer::start(ANSWER).await;
        let proxy = ConnectProxy::requiring(PASSWORD).await;
        let address = format!("http://planted:wrong@{}", proxy.address);
        let error = get(&server, &address, None).await.unwrap_err();
        assert_eq!(error.kind, TransportErrorKind::Connect);
        assert!(!format!("{error:?}").contains("planted"), "{error:?}");
        insta::assert_snapshot!(error.cause().unwrap(), @"tunnel error: proxy authorization required");
    }

    #[test]
    fn an_invalid_address_is_an_error_that_does_not_contain_it() {
        let options = ClientOptions {
            https_proxy: Some("http://user:planted@[".to_owned()),
            ..ClientOptions::default()
        };
        let error = Client::new(options).unwrap_err();
        assert!(matches!(error, ClientError::Proxy(ProxyError::Address(_))));
        assert!(!format!("{error:?}").contains("planted"), "{error:?}");
    }

    #[test]
    fn another_scheme_is_an_error_that_names_it() {
        for (address, scheme) in [("ftp://a:planted@b", "ftp"), ("socks4://b:1080", "socks4")] {
            let Err(ProxyError::Scheme(named)) = super::proxy(address, None) else {
                panic!("an error expected");
            };
            assert_eq!(named, scheme);
        }
        for scheme in ["", "HTTP://", "https://", "socks5://", "socks5h://"] {
            super::proxy(&format!("{scheme}proxy.example:1080"), None).unwrap();
        }
    }

    #[tokio::test]
    async fn requests_go_through_a_socks_proxy() {
        let server = TlsServer::start(ANSWER).await;
        let proxy = SocksProxy::start().await;
        for scheme in ["socks5", "socks5h"] {
            let address = format!("{scheme}://{}", proxy.address);
            let response = get(&server, &address, None).await.unwrap();
            assert_eq!(response.status, 200);
        }
        assert_eq!(proxy.ports.lock().unwrap()[..], [server.port; 2]);
    }
}
