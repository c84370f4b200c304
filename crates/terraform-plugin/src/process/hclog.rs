//! Writes the log as hclog JSON lines to stderr, where a go-plugin host collects it.
//!
//! A host parses a line only if it is at most 64 KiB long and its time has exactly six fractional
//! digits. Every field whose name starts with `@` must be a string: Terraform crashes on a number.
//! Events of other crates are dropped, because their lower levels may contain secrets.

use std::fmt;
use std::io::Write;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use jiff::fmt::temporal::DateTimePrinter;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

/// The longest line that a host reads as one line, including the line feed.
const LONGEST_LINE: usize = 64 * 1024;

/// The name of this crate, whose events are logged in addition to the provider's own.
const FRAMEWORK: &str = env!("CARGO_CRATE_NAME");

/// Writes events with the fields of their spans.
pub(super) struct Hclog<W> {
    /// The provider's crates.
    crates: &'static [&'static str],
    level: LevelFilter,
    now: fn() -> Timestamp,
    output: Mutex<W>,
}

/// The fields of an event or a span.
#[derive(Clone, Debug, Default)]
struct Fields(Map<String, Value>);

/// The log level for the provider at `address`. `TF_LOG_PROVIDER_<NAME>` takes precedence over
/// `TF_LOG_PROVIDER`, which takes precedence over `TF_LOG`. Defaults to warnings and errors, which the
/// host filters.
pub(super) fn level(address: &str, variable: impl Fn(&str) -> Option<String>) -> LevelFilter {
    let name = address.rsplit('/').next().unwrap_or(address);
    let own = format!("TF_LOG_PROVIDER_{}", name.to_uppercase().replace('-', "_"));
    let wanted = [&own, "TF_LOG_PROVIDER", "TF_LOG"]
        .into_iter()
        .find_map(variable);
    match wanted.map(|level| level.to_uppercase()).as_deref() {
        None | Some("WARN") => LevelFilter::WARN,
        Some("ERROR") => LevelFilter::ERROR,
        Some("INFO") => LevelFilter::INFO,
        Some("DEBUG") => LevelFilter::DEBUG,
        Some("OFF") => LevelFilter::OFF,
        // `JSON` means trace. Hosts also treat every unknown level as trace.
        Some(_) => LevelFilter::TRACE,
    }
}

impl<W: Write> Hclog<W> {
    /// Logs events of `level` and above to `output`, with the time from `now`. Only events of this
    /// framework and of `crates` are logged. `crates` has the crate names as modules spell them.
    pub(super) fn new(
        crates: &'static [&'static str],
        level: LevelFilter,
        now: fn() -> Timestamp,
        output: W,
    ) -> Self {
        Self {
            crates,
            level,
            now,
            output: Mutex::new(output),
        }
    }

    fn wants(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= self.level && module(self.crates, metadata.target()).is_some()
    }
}

impl<S, W> Layer<S> for Hclog<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: Write + 'static,
{
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        self.wants(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.level)
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        span.extensions_mut().insert(fields);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(fields) = span.extensions_mut().get_mut::<Fields>() {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(Fields(outer)) = span.extensions().get::<Fields>() {
                for (name, value) in outer {
                    fields.0.entry(name).or_insert_with(|| value.clone());
                }
            }
        }
        event.record(&mut fields);
        let metadata = event.metadata();
        let module = module(self.crates, metadata.target()).unwrap_or_default();
        let line = line(metadata, module, (self.now)(), fields);
        // If the host no longer reads stderr, the log is lost. There is nowhere to report that.
        let _ = self
            .output
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .write_all(line.as_bytes());
    }
}

impl Fields {
    /// Adds a field. Names that start with `@` are reserved for hclog, so such fields are dropped.
    fn insert(&mut self, field: &Field, value: impl Into<Value>) {
        if !field.name().starts_with('@') {
            self.0.insert(field.name().to_owned(), value.into());
        }
    }
}

impl Visit for Fields {
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.insert(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.insert(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.insert(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.insert(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.insert(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.insert(field, format!("{value:?}"));
    }
}

/// Formats one line with its line feed. Long strings are shortened until the line fits.
fn line(
    metadata: &Metadata<'_>,
    module: String,
    now: Timestamp,
    Fields(mut fields): Fields,
) -> String {
    let message = match fields.remove("message") {
        Some(Value::String(message)) => message,
        Some(other) => other.to_string(),
        None => metadata.name().to_owned(),
    };
    for (name, text) in [
        ("@level", level_name(*metadata.level()).to_owned()),
        ("@message", message),
        ("@module", module),
        ("@timestamp", timestamp(now)),
    ] {
        fields.insert(name.to_owned(), text.into());
    }

    let mut longest_text = LONGEST_LINE;
    loop {
        let mut line = Value::Object(fields.clone()).to_string();
        line.push('\n');
        if line.len() <= LONGEST_LINE {
            return line;
        }
        longest_text /= 2;
        for value in fields.values_mut() {
            if let Value::String(text) = value {
                shorten(text, longest_text);
            }
        }
    }
}

/// Shortens `text` to about `longest` bytes and appends an ellipsis.
fn shorten(text: &mut String, longest: usize) {
    if text.len() <= longest {
        return;
    }
    let cut = (0..=longest)
        .rev()
        .find(|&at| text.is_char_boundary(at))
        .unwrap_or_default();
    text.truncate(cut);
    text.push('…');
}

fn level_name(level: Level) -> &'static str {
    match level {
        Level::TRACE => "trace",
        Level::DEBUG => "debug",
        Level::INFO => "info",
        Level::WARN => "warn",
        Level::ERROR => "error",
    }
}

/// Returns `provider` and the module path after it. Hosts prepend the binary's name. Returns [`None`]
/// if the target belongs neither to `crates` nor to this crate.
fn module(crates: &[&str], target: &str) -> Option<String> {
    let part = crates.iter().chain([&FRAMEWORK]).find_map(|name| {
        let part = target.strip_prefix(name)?;
        (part.is_empty() || part.starts_with("::")).then_some(part)
    })?;
    Some(format!("provider{}", part.replace("::", ".")))
}

fn timestamp(now: Timestamp) -> String {
    DateTimePrinter::new()
        .precision(Some(6))
        .timestamp_to_string(&now)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tracing::subscriber::with_default;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    #[derive(Clone, Default)]
    struct Output(Arc<Mutex<Vec<u8>>>);

    impl Write for Output {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// Returns what `work` logs.
    fn logged(level: LevelFilter, work: impl FnOnce()) -> String {
        let output = Output::default();
        let now = || "2026-01-02T03:04:05.1Z".parse().unwrap();
        let layer = Hclog::new(&["provider_cloud"], level, now, output.clone());
        with_default(tracing_subscriber::registry().with(layer), work);
        String::from_utf8(output.0.lock().unwrap().clone()).unwrap()
    }

    fn wanted(variables: &[(&str, &str)]) -> LevelFilter {
        level("registry.terraform.io/acme/some-cloud", |name| {
            variables
                .iter()
                .find(|(variable, _)| *variable == name)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn a_line_has_the_format_of_hclog() {
        let text = logged(LevelFilter::DEBUG, || {
            let call = tracing::info_span!("call", tf_rpc = "ReadResource", attempt = 1);
            let _inside = call.enter();
            tracing::debug!(status = 404, attempt = 2, ok = false, "not {}", "found");
        });

        insta::assert_snapshot!(text, @r#"{"@level":"debug","@message":"not found","@module":"provider.process.hclog.tests","@timestamp":"2026-01-02T03:04:05.100000Z","attempt":2,"ok":false,"status":404,"tf_rpc":"ReadResource"}"#);
    }

    #[test]
    fn event_fields_with_an_at_sign_are_dropped() {
        let text = logged(LevelFilter::INFO, || {
            tracing::info!("@level" = 7, "@timestamp" = 8, message = 9);
        });

        insta::assert_snapshot!(text, @r#"{"@level":"info","@message":"9","@module":"provider.process.hclog.tests","@timestamp":"2026-01-02T03:04:05.100000Z"}"#);
    }

    #[test]
    fn a_long_line_is_shortened_to_the_host_limit() {
        let long = "é\u{1}".repeat(LONGEST_LINE);
        let text = logged(LevelFilter::INFO, || {
            tracing::info!(body = long, kept = "short", "{long}");
        });

        assert!(text.len() <= LONGEST_LINE);
        let line: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(line["kept"], "short");
        assert_eq!(line["@level"], "info");
        assert!(line["@message"].as_str().unwrap().ends_with('…'));
    }

    #[test]
    fn lower_levels_and_other_crates_are_not_logged() {
        let text = logged(LevelFilter::WARN, || {
            tracing::info!("too low");
            tracing::error!(target: "hyper::client", "not ours");
            tracing::error!(target: "provider_cloud_extra", "not ours");
        });

        assert_eq!(text, "");
    }

    #[test]
    fn events_of_the_provider_crates_have_their_module_name() {
        let text = logged(LevelFilter::INFO, || {
            tracing::info!(target: "provider_cloud", "at the top");
            tracing::info!(target: "provider_cloud::network::retry", "below");
        });

        let modules: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap()["@module"].take())
            .collect();
        assert_eq!(modules, ["provider", "provider.network.retry"]);
    }

    #[test]
    fn the_most_specific_variable_sets_the_level() {
        assert_eq!(wanted(&[]), LevelFilter::WARN);
        assert_eq!(wanted(&[("TF_LOG", "INFO")]), LevelFilter::INFO);
        assert_eq!(
            wanted(&[("TF_LOG", "INFO"), ("TF_LOG_PROVIDER", "debug")]),
            LevelFilter::DEBUG
        );
        assert_eq!(
            wanted(&[
                ("TF_LOG_PROVIDER", "debug"),
                ("TF_LOG_PROVIDER_SOME_CLOUD", "off")
            ]),
            LevelFilter::OFF
        );
        assert_eq!(wanted(&[("TF_LOG", "JSON")]), LevelFilter::TRACE);
        assert_eq!(wanted(&[("TF_LOG", "loud")]), LevelFilter::TRACE);
    }
}
