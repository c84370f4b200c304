//! The limit of open files, such as connections.
//!
//! macOS allows a process 256 open files, and most Linux systems allow 1,024, although both systems can handle
//! many more. The low limit protects only old programs. Therefore Go raises it at the start of every program,
//! and hosts and their other providers have the high limit.

use nix::sys::resource::{Resource, getrlimit, rlim_t, setrlimit};

/// The highest limit that macOS accepts.
const ENOUGH: rlim_t = 10_240;

/// Raises the limit as far as the user may. A failure is no error, because few processes need more.
pub(super) fn raise_the_limit() {
    let raised = getrlimit(Resource::RLIMIT_NOFILE).and_then(|(soft, hard)| {
        raised(soft, hard).map_or(Ok(()), |soft| {
            setrlimit(Resource::RLIMIT_NOFILE, soft, hard)
        })
    });
    if let Err(error) = raised {
        tracing::warn!(%error, "the limit of open files could not be raised");
    }
}

/// The new limit if it differs. `soft` is the current limit, and `hard` is the highest that the user may set.
fn raised(soft: rlim_t, hard: rlim_t) -> Option<rlim_t> {
    let enough = hard.min(ENOUGH);
    (soft < enough).then_some(enough)
}

#[cfg(test)]
mod tests {
    use nix::sys::resource::RLIM_INFINITY;

    use super::*;

    #[test]
    fn the_limit_is_raised_as_far_as_the_user_may_but_never_lowered() {
        assert_eq!(raised(256, RLIM_INFINITY), Some(10_240));
        assert_eq!(raised(1024, 4096), Some(4096));
        assert_eq!(raised(4096, 4096), None);
        assert_eq!(raised(65_536, 524_288), None);
        assert_eq!(raised(RLIM_INFINITY, RLIM_INFINITY), None);
    }
}
