//! The YAML of each task, run with stand-ins for its programs.

mod engine;
mod patch;
mod scan;
mod trigger;

/// More failures than a run has tries.
const ALWAYS: usize = 1000;

/// Calls, each with its step and its number of tries.
type Failures<'a> = &'a [(&'a str, &'a str, usize)];

/// Asserts that each call is tried again, and that the run fails if it always fails.
fn assert_each_call_is_retried(
    failures: Failures<'_>,
    run: impl Fn(&str, usize) -> engine::Run,
    check: impl Fn(&engine::Run),
) {
    for (call, step, tries) in failures {
        let pattern = format!("{call}*");
        run(&pattern, 1).succeeded();
        let failed = run(&pattern, ALWAYS);
        let program: Vec<&str> = call.split(' ').take(2).collect();
        failed.failed(step, &format!("ERROR: refused {}", program.join(" ")));
        assert_eq!(failed.calls_of(call).len(), *tries, "{call}");
        check(&failed);
    }
}
