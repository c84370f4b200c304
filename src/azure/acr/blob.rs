//! Reads and stores blobs by digest.

use bytes::Bytes;
use http::header::{HeaderValue, LOCATION};
use http::{Method, StatusCode};
use url::Url;

use crate::azure::acr::{AcrClient, Right, segment};
use crate::azure::{Error, OperationKind};
use crate::digest::sha256;
use crate::http::redirect::{self, Redirect};
use crate::http::{Budget, Effect, Request};

/// The longest blob that the client reads. A policy may have 10 MiB, and other blobs are far smaller.
const LONGEST_BLOB: usize = 16 << 20;

/// An upload that has begun. To abandon it changes nothing.
#[derive(Clone, Debug)]
pub(super) struct Upload {
    place: Url,
    digest: String,
    bytes: Bytes,
}

impl AcrClient {
    /// Reads a blob. It follows one redirect, because registries redirect to storage. The access token
    /// doesn't go to another host.
    ///
    /// # Errors
    /// Not found, [`Error::Decode`] if the content doesn't match the digest, or any request error.
    pub async fn get_blob(
        &self,
        budget: &Budget,
        repository: &str,
        digest: &str,
    ) -> Result<Bytes, Error> {
        let mut operation =
            self.operation(OperationKind::ReadBlob, &format!("{repository}@{digest}"));
        let path = format!("/v2/{repository}/blobs/{}", segment(digest));
        let here = self.url(&operation, &path)?;
        let scope = self.scope(Right::Pull, repository);
        let request = Request::new(Method::GET, here).limit(LONGEST_BLOB);
        let answer = self.call(budget, &operation, &scope, &request).await?;
        let redirect = redirect::follow(&request, &answer)
            .map_err(|astray| Error::unexpected(&operation, astray.to_string()))?;
        let answer = match redirect {
            None => answer,
            Some(Redirect::SameOrigin(request)) => {
                self.call(budget, &operation, &scope, &request).await?
            }
            Some(Redirect::OtherOrigin(request)) => {
                operation.kind = OperationKind::DownloadBlob;
                self.azure.send(budget, &operation, &request).await?
            }
        };
        if answer.status != StatusCode::OK {
            return Err(Error::refused(&operation, &answer));
        }
        if sha256(&answer.body) != digest {
            return Err(Error::unexpected(
                &operation,
                "its content has a different digest",
            ));
        }
        Ok(answer.body)
    }

    /// Stores a blob and returns its digest.
    pub async fn put_blob(
        &self,
        budget: &Budget,
        repository: &str,
        bytes: impl Into<Bytes>,
    ) -> Result<String, Error> {
        let upload = self.begin_upload(budget, repository, bytes).await?;
        self.finish_upload(budget, repository, upload).await
    }

    /// Begins to store a blob. Nothing is stored yet.
    pub(super) async fn begin_upload(
        &self,
        budget: &Budget,
        repository: &str,
        bytes: impl Into<Bytes>,
    ) -> Result<Upload, Error> {
        let bytes = bytes.into();
        let digest = sha256(&bytes);
        let operation = self.operation(OperationKind::StoreBlob, &format!("{repository}@{digest}"));
        let scope = self.scope(Right::Push, repository);
        let start = self.url(&operation, &format!("/v2/{repository}/blobs/uploads/"))?;
        // An upload that is started and then abandoned changes nothing.
        let begin = Request::new(Method::POST, start).effect(Effect::Nothing);
        let begun = self.call(budget, &operation, &scope, &begin).await?;
        if begun.status != StatusCode::ACCEPTED {
            return Err(Error::refused(&operation, &begun));
        }
        let upload = begun
            .header(LOCATION.as_str())
            .ok_or_else(|| Error::unexpected(&operation, "it has no upload location"))?;
        let place = finish(self.link(&operation, upload)?, &digest);
        Ok(Upload {
            place,
            digest,
            bytes,
        })
    }

    /// Stores the blob of an upload, and returns its digest.
    pub(super) async fn finish_upload(
        &self,
        budget: &Budget,
        repository: &str,
        upload: Upload,
    ) -> Result<String, Error> {
        let Upload {
            place,
            digest,
            bytes,
        } = upload;
        let operation = self.operation(OperationKind::StoreBlob, &format!("{repository}@{digest}"));
        let scope = self.scope(Right::Push, repository);
        let media_type = HeaderValue::from_static("application/octet-stream");
        let put = Request::new(Method::PUT, place).body(media_type, bytes);
        let stored = self.call(budget, &operation, &scope, &put).await?;
        match stored.status {
            StatusCode::CREATED => Ok(digest),
            // If the answer to a first attempt was lost, the upload no longer exists but the blob does.
            StatusCode::NOT_FOUND if self.has_blob(budget, repository, &digest).await? => {
                Ok(digest)
            }
            _ => Err(Error::refused(&operation, &stored)),
        }
    }

    /// Whether the repository has a blob. If the answer is wrong, an upload fails or is not needed.
    pub(super) async fn has_blob(
        &self,
        budget: &Budget,
        repository: &str,
        digest: &str,
    ) -> Result<bool, Error> {
        let operation =
            self.operation(OperationKind::LookUpBlob, &format!("{repository}@{digest}"));
        let path = format!("/v2/{repository}/blobs/{}", segment(digest));
        let request = Request::new(Method::HEAD, self.url(&operation, &path)?);
        let scope = self.scope(Right::Push, repository);
        // If the answer is wrong, the upload only fails.
        let answer = self.call_once(budget, &operation, &scope, &request).await?;
        Ok(answer.status.is_success() || answer.status.is_redirection())
    }
}

/// Returns the URL that completes an upload: the upload's URL with the digest added to its query.
fn finish(mut upload: Url, digest: &str) -> Url {
    upload.query_pairs_mut().append_pair("digest", digest);
    upload
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::azure::acr::testing::{client, signed_in, story};
    use crate::azure::testing::minute;
    use crate::http::TransportErrorKind;
    use crate::http::scripted_transport::{recorded, reply};

    const EMPTY: &str = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";

    #[tokio::test]
    async fn the_token_does_not_go_to_storage() {
        let link = "https://storage.blob.example/x?sig=planted";
        let transport = signed_in()
            .on(Method::GET, "/blobs/", reply(307).with("location", link))
            .on(
                Method::GET,
                "storage.blob.example",
                reply(200).with_body("{}"),
            );
        let blob = client(&transport)
            .get_blob(&minute(), "a/b", EMPTY)
            .await
            .unwrap();
        assert_eq!(&blob[..], b"{}");
        let requests = transport.requests();
        assert!(requests[2].headers.contains_key("authorization"));
        assert!(requests[3].headers.is_empty());
        assert!(!format!("{:?}", requests[3]).contains("planted"));
    }

    #[tokio::test]
    async fn follows_one_redirect_and_only_to_https() {
        let on = |link: &str| {
            let redirect = || reply(307).with("location", link);
            signed_in()
                .on(Method::GET, "/blobs/", redirect())
                .on(Method::GET, "/again", redirect())
        };
        let twice = on("https://storage.blob.example/again");
        let error = client(&twice)
            .get_blob(&minute(), "a/b", EMPTY)
            .await
            .unwrap_err();
        assert_eq!(error.status(), Some(StatusCode::TEMPORARY_REDIRECT));
        let plain = on("http://storage.blob.example/again");
        let error = client(&plain)
            .get_blob(&minute(), "a/b", EMPTY)
            .await
            .unwrap_err();
        assert!(matches!(error, Error::Decode { .. }));
    }

    #[tokio::test]
    async fn content_with_a_different_digest_is_an_error() {
        let transport = signed_in().on(Method::GET, "/blobs/", reply(200).with_body("[]"));
        let error = client(&transport)
            .get_blob(&minute(), "a/b", EMPTY)
            .await
            .unwrap_err();
        assert!(matches!(error, Error::Decode { .. }));
    }

    #[tokio::test]
    async fn uploads_a_blob_like_the_recording() {
        let start = recorded(include_str!(
            "../../../tests/golden/recorded/acr-upload-start.json"
        ));
        let put = recorded(include_str!(
            "../../../tests/golden/recorded/acr-upload-put.json"
        ));
        let transport = signed_in().on(Method::POST, "/blobs/uploads/", start).on(
            Method::PUT,
            "/blobs/uploads/",
            put,
        );
        let client = client(&transport);
        let digest = client
            .put_blob(&minute(), "csscpolicies/patchpolicy", "{}")
            .await
            .unwrap();
        assert_eq!(digest, EMPTY);
        insta::assert_snapshot!(story(&transport).join("\n"), @"
        POST https://contoso.azurecr.io/v2/csscpolicies/patchpolicy/blobs/uploads/
        PUT https://contoso.azurecr.io/v2/csscpolicies/patchpolicy/blobs/uploads/59de5123-9a38-4a0e-be3a-d23c5ba5a9e3?digest=sha256%3A44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a
        ");
        assert_eq!(&transport.requests()[3].body[..], b"{}");
    }

    #[test]
    fn the_digest_is_added_to_the_uploads_query() {
        let finish = |link: &str| finish(Url::parse(link).unwrap(), "sha256:1").to_string();
        assert_eq!(finish("https://r/u"), "https://r/u?digest=sha256%3A1");
        assert_eq!(
            finish("https://r/u?_state=a%2Fb&_nouploadcache=false"),
            "https://r/u?_state=a%2Fb&_nouploadcache=false&digest=sha256%3A1"
        );
    }

    #[tokio::test]
    async fn an_upload_location_on_another_host_is_an_error() {
        let elsewhere = reply(202).with("location", "https://evil.example/upload");
        let transport = signed_in().on(Method::POST, "/blobs/uploads/", elsewhere);
        let error = client(&transport)
            .put_blob(&minute(), "a/b", "{}")
            .await
            .unwrap_err();
        assert!(matches!(error, Error::Decode { .. }));
    }

    #[tokio::test(start_paused = true)]
    async fn a_blob_is_stored_although_the_first_answer_was_lost() {
        let begun = reply(202).with("location", "/v2/a/b/blobs/uploads/1");
        let transport = signed_in()
            .on(Method::POST, "/blobs/uploads/", begun)
            .fail(Method::PUT, "/uploads/1", TransportErrorKind::Interrupted)
            .twice(Method::PUT, "/uploads/1", reply(404))
            .on(Method::HEAD, EMPTY, reply(200));
        let stored = client(&transport).put_blob(&minute(), "a/b", "{}").await;
        assert_eq!(stored.unwrap(), EMPTY);
    }
}
