//! Reads and stores manifests by tag or digest.

use bytes::Bytes;
use http::Method;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue};

use crate::azure::acr::{AcrClient, Right, segment};
use crate::azure::{Error, Look, Operation, OperationKind, arm};
use crate::digest::sha256;
use crate::http::{Budget, Request, Response};

/// Every kind of manifest that a repository may contain.
const ACCEPTED: HeaderValue = HeaderValue::from_static(
    "application/vnd.oci.image.manifest.v1+json, \
     application/vnd.docker.distribution.manifest.v2+json, \
     application/vnd.oci.image.index.v1+json, \
     application/vnd.docker.distribution.manifest.list.v2+json",
);

const DIGEST: &str = "docker-content-digest";

/// A manifest and the digest computed from its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// The digest.
    pub digest: String,
    /// The media type from the registry.
    pub media_type: String,
    /// The content.
    pub body: Bytes,
}

impl AcrClient {
    /// Returns the manifest of a tag or digest, or `None` if it or the repository doesn't exist. `look` says
    /// how often a 404 is checked.
    ///
    /// # Errors
    /// [`Error::Decode`] if the content doesn't match the digest, or any request error.
    pub async fn get_manifest(
        &self,
        budget: &Budget,
        repository: &str,
        reference: &str,
        look: Look,
    ) -> Result<Option<Manifest>, Error> {
        let operation = manifest(self, OperationKind::ReadManifest, repository, reference);
        let url = self.url(&operation, &path(repository, reference))?;
        let request = Request::new(Method::GET, url).header(ACCEPT, ACCEPTED);
        let scope = self.scope(Right::Pull, repository);
        let answer = match look {
            Look::Once => {
                self.call_unless_gone(budget, &operation, &scope, &request)
                    .await?
            }
            Look::Twice => self.call(budget, &operation, &scope, &request).await?,
        };
        if !answer.status.is_success() {
            return arm::found(Err(Error::refused(&operation, &answer)));
        }
        let digest = sha256(&answer.body);
        let promised = [
            answer.header(DIGEST),
            Some(reference).filter(|it| it.contains(':')),
        ];
        if promised
            .into_iter()
            .flatten()
            .any(|promised| promised != digest)
        {
            return Err(Error::unexpected(
                &operation,
                "its content has a different digest",
            ));
        }
        Ok(Some(Manifest {
            digest,
            media_type: answer
                .header(CONTENT_TYPE.as_str())
                .unwrap_or_default()
                .to_owned(),
            body: answer.body,
        }))
    }

    /// Stores a manifest under a tag and returns its digest. The blobs in it must exist already.
    ///
    /// # Errors
    /// `MANIFEST_BLOB_UNKNOWN` if a blob is missing, or any request error.
    pub async fn put_manifest(
        &self,
        budget: &Budget,
        repository: &str,
        tag: &str,
        media_type: &'static str,
        body: impl Into<Bytes>,
    ) -> Result<String, Error> {
        let operation = manifest(self, OperationKind::StoreManifest, repository, tag);
        let url = self.url(&operation, &path(repository, tag))?;
        let request =
            Request::new(Method::PUT, url).body(HeaderValue::from_static(media_type), body);
        let scope = self.scope(Right::Push, repository);
        let answer = self.call(budget, &operation, &scope, &request).await?;
        if !answer.status.is_success() {
            return Err(Error::refused(&operation, &answer));
        }
        digest_in(&operation, &answer)
    }
}

fn manifest(
    client: &AcrClient,
    kind: OperationKind,
    repository: &str,
    reference: &str,
) -> Operation {
    let mark = if reference.contains(':') { '@' } else { ':' };
    client.operation(kind, &format!("{repository}{mark}{reference}"))
}

fn path(repository: &str, reference: &str) -> String {
    format!("/v2/{repository}/manifests/{}", segment(reference))
}

fn digest_in(operation: &Operation, answer: &Response) -> Result<String, Error> {
    let digest = answer.header(DIGEST).map(str::to_owned);
    digest.ok_or_else(|| Error::unexpected(operation, "it has no digest"))
}

#[cfg(test)]
mod tests {
    use serde_json::json as value;

    use super::*;
    use crate::azure::acr::testing::{challenge, client, signed_in, story};
    use crate::azure::testing::minute;
    use crate::http::scripted_transport::{json, reply};

    #[tokio::test]
    async fn computes_the_digest_of_a_manifest() {
        let answer = reply(200)
            .with("content-type", "application/vnd.oci.image.manifest.v1+json")
            .with_body("{}");
        let transport = signed_in().on(Method::GET, "/manifests/v1", answer);
        let read = client(&transport)
            .get_manifest(&minute(), "a/b", "v1", Look::Twice)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(
            read.digest,
            "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
        );
        assert_eq!(
            story(&transport),
            ["GET https://contoso.azurecr.io/v2/a/b/manifests/v1"]
        );
        let accept = transport.requests()[2].headers["accept"]
            .to_str()
            .unwrap()
            .to_owned();
        assert!(accept.starts_with("application/vnd.oci.image.manifest.v1+json, "));
    }

    #[tokio::test]
    async fn a_manifest_with_a_different_digest_is_an_error() {
        let other = reply(200).with(DIGEST, "sha256:0000").with_body("{}");
        let transport = signed_in().on(Method::GET, "/manifests/v1", other);
        let error = client(&transport)
            .get_manifest(&minute(), "a/b", "v1", Look::Twice)
            .await
            .unwrap_err();
        insta::assert_snapshot!(
            error,
            @"reading manifest contoso.azurecr.io/a/b:v1: unexpected answer: its content has a different digest"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_missing_tag_is_none_if_a_second_look_agrees() {
        let unknown = value!({"errors": [{"code": "MANIFEST_UNKNOWN", "message": "unknown"}]});
        let transport = signed_in()
            .on(Method::GET, "/manifests/v1", json(404, &unknown))
            .on(Method::GET, "/manifests/v1", json(404, &unknown));
        let client = client(&transport);
        let budget = minute();
        let read = client.get_manifest(&budget, "a/b", "v1", Look::Twice);
        assert_eq!(read.await.unwrap(), None);
        transport.assert_done();
    }

    #[tokio::test(start_paused = true)]
    async fn one_404_proves_nothing() {
        let unknown = value!({"errors": [{"code": "MANIFEST_UNKNOWN", "message": "unknown"}]});
        let transport = signed_in()
            .on(Method::GET, "/manifests/v1", json(404, &unknown))
            .on(Method::GET, "/manifests/v1", reply(200).with_body("{}"));
        let client = client(&transport);
        let budget = minute();
        let read = client.get_manifest(&budget, "a/b", "v1", Look::Twice);
        assert!(read.await.unwrap().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn the_404_of_a_proxy_is_an_error() {
        let page = || reply(404).with_body("<html>Not found</html>");
        let transport = signed_in().on(Method::GET, "/manifests/v1", page()).on(
            Method::GET,
            "/manifests/v1",
            page(),
        );
        let client = client(&transport);
        let budget = minute();
        let read = client.get_manifest(&budget, "a/b", "v1", Look::Twice);
        assert!(read.await.unwrap_err().is_not_found());
    }

    #[tokio::test]
    async fn an_expired_token_is_renewed_with_the_challenges_scope() {
        let asked = challenge(r#",scope="repository:a/b:metadata_read""#);
        let transport = signed_in()
            .on(Method::GET, "/manifests/v1", asked)
            .on(
                Method::POST,
                "/oauth2/token",
                json(200, &value!({"access_token": "a-2"})),
            )
            .on(Method::GET, "/manifests/v1", reply(200).with_body("{}"));
        let read = client(&transport)
            .get_manifest(&minute(), "a/b", "v1", Look::Twice)
            .await
            .unwrap();
        assert!(read.is_some());
        let requests = transport.requests();
        assert!(String::from_utf8_lossy(&requests[3].body).contains("%3Ametadata_read%2Cpull&"));
        assert_eq!(requests[4].headers["authorization"], "Bearer a-2");
    }

    #[tokio::test]
    async fn a_renewed_token_replaces_the_old_one_under_its_scope() {
        let asked = || challenge(r#",scope="repository:a/b:push,pull""#);
        let token = |token| json(200, &value!({"access_token": token}));
        let stored = || reply(201).with(DIGEST, "sha256:1");
        let transport = signed_in()
            .on(Method::PUT, "/manifests/v1", asked())
            .on(Method::POST, "/oauth2/token", token("a-2"))
            .on(Method::PUT, "/manifests/v1", stored())
            .on(Method::PUT, "/manifests/v1", stored())
            .on(Method::PUT, "/manifests/v1", asked())
            .on(Method::POST, "/oauth2/token", token("a-3"))
            .on(Method::PUT, "/manifests/v1", stored());
        let client = client(&transport);
        let budget = minute();
        for _ in 0..3 {
            let put = client.put_manifest(&budget, "a/b", "v1", "text/plain", "{}");
            put.await.unwrap();
        }
        let puts = transport.requests().into_iter();
        let puts = puts.filter(|request| request.method == Method::PUT);
        let used: Vec<_> = puts
            .map(|put| put.headers["authorization"].to_str().unwrap().to_owned())
            .collect();
        assert_eq!(
            used,
            ["a-1", "a-2", "a-2", "a-2", "a-3"].map(|it| format!("Bearer {it}"))
        );
    }

    #[tokio::test]
    async fn a_missing_permission_is_an_error_after_one_renewal() {
        const LACKING: &str = r#"{"errors": [{"code": "UNAUTHORIZED", "message": "no", "detail": [
            {"Type": "repository", "Name": "a/b", "Action": "pull"}]}]}"#;
        let transport = signed_in()
            .on(Method::GET, "/manifests/v1", challenge(""))
            .on(
                Method::POST,
                "/oauth2/token",
                json(200, &value!({"access_token": "a-2"})),
            )
            .on(
                Method::GET,
                "/manifests/v1",
                challenge("").with_body(LACKING),
            );
        let error = client(&transport)
            .get_manifest(&minute(), "a/b", "v1", Look::Twice)
            .await
            .unwrap_err();
        insta::assert_snapshot!(
            error,
            @"reading manifest contoso.azurecr.io/a/b:v1: 401 Unauthorized: UNAUTHORIZED: no (it needs pull on repository a/b)"
        );
        transport.assert_done();
    }
}
