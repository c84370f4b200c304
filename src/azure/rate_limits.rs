//! Azure's documented rate limits. They apply only after Azure has throttled a request.

use http::Method;

use crate::http::{Lane, Request};

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

/// Returns the lane of a Resource Manager request.
///
/// Resource Manager counts per subscription, and refills its buckets with 25 reads, 10 writes and 10
/// deletes a second. Source: learn.microsoft.com, "Understand how Azure Resource Manager throttles
/// requests".
pub(crate) fn resource_manager(request: &Request) -> Lane {
    let kind = Kind::of(&request.method);
    let mut segments = request.url.path().split('/');
    let subscription = segments
        .by_ref()
        .find(|segment| segment.eq_ignore_ascii_case("subscriptions"))
        .and_then(|_| segments.next())
        .unwrap_or_default();
    Lane {
        name: format!("{} of {}", kind.name(), subscription.to_lowercase()),
        per_second: match kind {
            Kind::Read => 25.0,
            Kind::Write | Kind::Delete => 10.0,
        },
    }
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
        per_second: per_minute / 60.0,
    }
}

/// Returns the lane of a token request to a registry.
///
/// A registry of the smaller SKUs allows 10 000 token requests a minute, and counts them separately.
/// Source: same as [`registry`].
pub(crate) fn registry_sign_in() -> Lane {
    Lane {
        name: "sign-in".to_owned(),
        per_second: 10_000.0 / 60.0,
    }
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::*;

    fn lane(method: Method, path: &str) -> (String, f64) {
        let url = Url::parse(&format!("https://management.azure.com{path}")).unwrap();
        let lane = resource_manager(&Request::new(method, url));
        (lane.name, lane.per_second)
    }

    #[test]
    fn each_subscription_has_its_own_limits() {
        let lane_of = |method| lane(method, "/subscriptions/ABC/resourceGroups/rg");
        assert_eq!(lane_of(Method::GET), ("reads of abc".to_owned(), 25.0));
        assert_eq!(lane_of(Method::PUT), ("writes of abc".to_owned(), 10.0));
        assert_eq!(lane_of(Method::POST), ("writes of abc".to_owned(), 10.0));
        assert_eq!(lane_of(Method::DELETE), ("deletes of abc".to_owned(), 10.0));
        assert_eq!(lane(Method::GET, "/tenants").0, "reads of ");
    }
}
