//! Our log, as JSON lines of hclog on stderr, where a go-plugin host collects them.
//!
//! A host takes a line apart only if it is at most 64 KiB long, its time has exactly six digits of
//! a second, and whatever starts with `@` is a string; Terraform crashes on a number there. Of
//! other crates nothing is logged: what they write at their lower levels isn't ours to keep free of
//! secrets.

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

/// The longest line that a host takes as a whole, its line feed included.
const LONGEST_LINE: usize = 64 * 1024;

/// The crate whose events are logged beside the provider's own: this one.
const FRAMEWORK: &str = env!("CARGO_CRATE_NAME");

/// Writes events, with the fields of the spans around them.
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

/// The level that the user wants of the provider at `address`: of this provider, else of all
/// providers, else of everything. Where none of these is set, warnings and errors: the host shows
/// of them what it likes.
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
        // `JSON` is everything in another form, and so is, to hosts, whatever they don't know.
        Some(_) => LevelFilter::TRACE,
    }
}

impl<W: Write> Hclog<W> {
    /// Logs events of `level` and above to `output`, each with the time that `now` tells: the
    /// framework's events, and those of `crates`, by the names that modules have in Rust.
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
        // A host that no longer reads loses its log; there is nobody to tell.
        let _ = self
            .output
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .write_all(line.as_bytes());
    }
}

impl Fields {
    /// Whatever would pass for a field of hclog's own keeps out.
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

/// One line with its line feed, its texts shortened as far as it takes.
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

/// Cuts `text` down to about `longest` bytes, and says so.
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

/// `provider`, and which part of it: hosts put the binary's name in front. [`None`] where the target
/// is in another crate than `crates` and this one.
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

    /// What is on stderr after `work`.
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
    fn a_line_is_what_hclog_writes() {
        let text = logged(LevelFilter::DEBUG, || {
            let call = tracing::info_span!("call", tf_rpc = "ReadResource", attempt = 1);
            let _inside = call.enter();
            tracing::debug!(status = 404, attempt = 2, ok = false, "not {}", "found");
        });

        insta::assert_snapshot!(text, @r#"{"@level":"debug","@message":"not found","@module":"provider.process.hclog.tests","@timestamp":"2026-01-02T03:04:05.100000Z","attempt":2,"ok":false,"status":404,"tf_rpc":"ReadResource"}"#);
    }

    #[test]
    fn nothing_but_hclog_sets_fields_with_an_at_sign() {
        let text = logged(LevelFilter::INFO, || {
            tracing::info!("@level" = 7, "@timestamp" = 8, message = 9);
        });

        insta::assert_snapshot!(text, @r#"{"@level":"info","@message":"9","@module":"provider.process.hclog.tests","@timestamp":"2026-01-02T03:04:05.100000Z"}"#);
    }

    #[test]
    fn a_long_line_is_cut_to_what_a_host_reads() {
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
    fn lower_levels_and_other_crates_stay_out() {
        let text = logged(LevelFilter::WARN, || {
            tracing::info!("too low");
            tracing::error!(target: "hyper::client", "not ours");
            tracing::error!(target: "provider_cloud_extra", "not ours");
        });

        assert_eq!(text, "");
    }

    #[test]
    fn events_of_the_providers_crates_are_logged_by_their_part_of_it() {
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
    fn the_nearest_variable_decides_the_level() {
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
