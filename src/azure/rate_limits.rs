//! Azure's documented rate limits. They apply only after Azure has throttled a request.

use http::Method;

use crate::azure::error_body::described;
use crate::http::{Lane, Request, Response};

/// The codes with which Resource Manager refuses requests by its own limits.
const OWN_CODES: [&str; 2] = ["SubscriptionRequestsThrottled", "TenantRequestsThrottled"];

/// The kind of a request for rate limits.
#[derive(Clone, Copy)]
enum Kind {
    Read,
    Write,
    Delete,
}

impl Kind {
    fn of(method: &Method) -> Self {
        match *method {
            Method::GET | Method::HEAD => Self::Read,
            Method::DELETE => Self::Delete,
            _ => Self::Write,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Read => "reads",
            Self::Write => "writes",
            Self::Delete => "deletes",
        }
    }
}

/// Returns the lanes of a Resource Manager request: the subscription's, and the resource provider's in the
/// subscription.
///
/// Resource Manager counts per subscription, and refills its buckets with 25 reads, 10 writes and 10
/// deletes a second. Source: learn.microsoft.com, "Understand how Azure Resource Manager throttles
/// requests". Resource providers have their own limits, which are not all documented. A 429 is a resource
/// provider's, unless Resource Manager marks it as its own.
pub(crate) fn resource_manager(request: &Request) -> Vec<Lane> {
    let kind = Kind::of(&request.method);
    let path = request.url.path().to_lowercase();
    let segments: Vec<&str> = path.split('/').collect();
    let after = |name: &str| {
        let mut pairs = segments.windows(2).rev();
        pairs.find_map(|pair| (pair[0] == name).then_some(pair[1]))
    };
    let subscription = after("subscriptions").unwrap_or_default();
    // An extension resource, such as a role assignment, has the namespace of its own provider last.
    let namespace = after("providers").unwrap_or_default();
    let of_subscription = format!("{} of {subscription}", kind.name());
    let of_provider = Lane {
        name: format!("{of_subscription} by {namespace}"),
        per_second: None,
        is_closed_by: |_| true,
    };
    let of_subscription = Lane {
        name: of_subscription,
        per_second: Some(match kind {
            Kind::Read => 25.0,
            Kind::Write | Kind::Delete => 10.0,
        }),
        is_closed_by: is_own_refusal,
    };
    vec![of_subscription, of_provider]
}

/// Whether a 429 comes from Resource Manager itself, and not from a resource provider.
fn is_own_refusal(answer: &Response) -> bool {
    let is_gateway = answer
        .header("x-ms-failure-cause")
        .is_some_and(|cause| cause.eq_ignore_ascii_case("gateway"));
    let (code, _) = described(&answer.body);
    is_gateway || OWN_CODES.contains(&code.as_str())
}

/// Returns the lane of a data plane request to a registry.
///
/// A registry of the smaller SKUs allows one identity 5 000 reads, 1 000 writes and 1 000 deletes a
/// minute. Source: learn.microsoft.com, "Azure Container Registry service tiers".
pub(crate) fn registry(request: &Request) -> Lane {
    let kind = Kind::of(&request.method);
    let per_minute = match kind {
        Kind::Read => 5000.0,
        Kind::Write | Kind::Delete => 1000.0,
    };
    Lane {
        name: kind.name().to_owned(),
        per_second: Some(per_minute / 60.0),
        is_closed_by: |_| true,
    }
}

/// Returns the lane of a token request to a registry.
///
/// A registry of the smaller SKUs allows 10 000 token requests a minute, and counts them separately.
/// Source: same as [`registry`].
pub(crate) fn registry_sign_in() -> Lane {
    Lane {
        name: "sign-in".to_owned(),
        per_second: Some(10_000.0 / 60.0),
        is_closed_by: |_| true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json as value;
    use url::Url;

    use super::*;
    use crate::http::scripted_transport::{json, reply};

    fn lanes(method: Method, path: &str) -> Vec<(String, Option<f64>)> {
        let url = Url::parse(&format!("https://management.azure.com{path}")).unwrap();
        let lanes = resource_manager(&Request::new(method, url));
        lanes
            .into_iter()
            .map(|lane| (lane.name, lane.per_second))
            .collect()
    }

    #[test]
    fn each_subscription_has_its_own_limits() {
        let lane_of = |method| lanes(method, "/subscriptions/ABC/resourceGroups/rg").remove(0);
        let lane = |name: &str, per_second| (name.to_owned(), Some(per_second));
        assert_eq!(lane_of(Method::GET), lane("reads of abc", 25.0));
        assert_eq!(lane_of(Method::PUT), lane("writes of abc", 10.0));
        assert_eq!(lane_of(Method::POST), lane("writes of abc", 10.0));
        assert_eq!(lane_of(Method::DELETE), lane("deletes of abc", 10.0));
        assert_eq!(lanes(Method::GET, "/tenants")[0].0, "reads of ");
    }

    #[test]
    fn each_resource_provider_has_its_own_limits_in_a_subscription() {
        let registry = "/subscriptions/abc/resourceGroups/rg/providers/Microsoft.ContainerRegistry\
                        /registries/contoso";
        let of_provider = |path: &str| lanes(Method::GET, path).remove(1);
        let lane = |name: &str| (name.to_owned(), None);
        assert_eq!(
            of_provider(&format!("{registry}/tasks")),
            lane("reads of abc by microsoft.containerregistry")
        );
        assert_eq!(
            of_provider(&format!(
                "{registry}/providers/Microsoft.Authorization/roleAssignments"
            )),
            lane("reads of abc by microsoft.authorization")
        );
    }

    #[test]
    fn only_resource_managers_own_refusal_is_about_the_subscription() {
        let coded = |code: &str| json(429, &value!({"error": {"code": code, "message": "…"}}));
        for (answer, is_own) in [
            (coded("SubscriptionRequestsThrottled"), true),
            (coded("TenantRequestsThrottled"), true),
            (reply(429).with("x-ms-failure-cause", "gateway"), true),
            (reply(429).with("x-ms-failure-cause", "service"), false),
            (coded("TooManyRequests"), false),
            (coded("ResourceRequestsThrottled"), false),
            (reply(429), false),
        ] {
            assert_eq!(is_own_refusal(&answer), is_own, "{answer:?}");
        }
    }
}
