//! Arbitrary answers of Azure never make a parser panic: changes of recorded bodies, challenges and links.

use proptest::prelude::*;

use crate::azure::acr::challenge::Challenge;
use crate::azure::error_body;
use crate::azure::id::{RegistryId, ids_equal, name_of};
use crate::azure::task::Task;
use crate::azure::www_authenticate::{claims, parameters};
use crate::http::retry::retry_after;
use crate::http::scripted_transport::reply;

proptest! {
    #[test]
    fn arbitrary_registry_ids_are_read_or_refused(id in corpus::changed_text("registry-ids")) {
        if let Ok(registry) = RegistryId::parse(&id) {
            prop_assert!(ids_equal(registry.as_written(), registry.as_written()));
            prop_assert!(!registry.spellings().is_empty());
        }
        let _ = name_of(&id);
    }

    #[test]
    fn arbitrary_challenges_are_read_or_ignored(header in corpus::changed_text("challenges")) {
        let answer = match http::HeaderValue::from_str(&header) {
            Ok(_) => reply(401).with("www-authenticate", &header).with("retry-after", &header),
            // Such a header never arrives.
            Err(_) => return Ok(()),
        };
        let _ = (parameters(&answer), retry_after(&answer));
        if let Some(challenge) = Challenge::of(&answer) {
            let _ = challenge.is_of("contoso.azurecr.io");
        }
        if let Some(claims) = claims(&answer) {
            prop_assert!(claims.bytes().all(|byte| byte.is_ascii_graphic()));
        }
    }

    #[test]
    fn arbitrary_bodies_are_read_or_refused(body in corpus::changed("azure-bodies")) {
        let _ = error_body::described(&body);
        let _ = serde_json::from_slice::<Task>(&body);
    }
}
