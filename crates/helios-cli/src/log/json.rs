//! The log as JSON: an object and a line for each event, with what is known of its connection.

use std::fmt::Debug;
use std::io::Write;

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use crate::otlp;

/// Writes the lines.
pub struct Json<W> {
    writer: W,
}

impl<W> Json<W> {
    pub fn new(writer: W) -> Self {
        Self { writer }
    }
}

/// The fields of a span or an event.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn set(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.set(field, format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.set(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field, value);
    }
}

impl<S, W> Layer<S> for Json<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, spans: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = spans.span(id) {
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, spans: Context<'_, S>) {
        if let Some(span) = spans.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, spans: Context<'_, S>) {
        let mut time = String::with_capacity(32);
        // Writing to a string cannot fail.
        let _ = SystemTime.format_time(&mut Writer::new(&mut time));
        let metadata = event.metadata();
        let mut fields = Fields::default();
        event.record(&mut fields);
        let message = fields.0.remove("message").unwrap_or_default();
        let mut line = Map::new();
        // What the event says comes before what its spans say, and these names before both.
        for span in spans.event_scope(event).into_iter().flatten() {
            if let Some(known) = span.extensions().get::<Fields>() {
                for (name, value) in &known.0 {
                    if !name.starts_with("otel.") && !fields.0.contains_key(name) {
                        line.insert(name.clone(), value.clone());
                    }
                }
            }
        }
        line.extend(fields.0);
        if let Some(context) = otlp::current() {
            line.insert("trace_id".into(), format!("{:032x}", context.trace).into());
            line.insert("span_id".into(), format!("{:016x}", context.span).into());
        }
        line.insert("time".into(), time.into());
        line.insert("level".into(), metadata.level().as_str().into());
        line.insert("target".into(), metadata.target().into());
        line.insert("message".into(), message);
        let mut text = Value::Object(line).to_string();
        text.push('\n');
        // Nobody is left to tell that the log cannot be written.
        let _ = self.writer.make_writer().write_all(text.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_are_objects_with_the_fields_of_their_connection() {
        let written = Written::default();
        let own = written.clone();
        let layer = Json::new(move || own.clone());
        let subscriber = tracing_subscriber::registry().with(layer);
        let _alone = crate::log::tests::ALONE.lock().unwrap();
        tracing::subscriber::with_default(subscriber, || {
            let empty = tracing::field::Empty;
            let span =
                tracing::info_span!("connection", session = 7, user = empty, branch = "main");
            span.record("user", "a \"b\"\n");
            span.record("branch", "dev");
            span.in_scope(|| tracing::info!(rows = 3u64, user = "other", "one\ntwo {}", 3));
            span.in_scope(|| tracing::warn!(level = "mine", quick = true, "last"));
        });
        let written = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        let lines: Vec<Value> = written
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0]["message"], "one\ntwo 3");
        assert_eq!(
            (&lines[0]["user"], &lines[0]["rows"]),
            (&"other".into(), &3.into())
        );
        assert_eq!(lines[0]["branch"], "dev");
        assert_eq!(
            (&lines[1]["level"], &lines[1]["user"]),
            (&"WARN".into(), &"a \"b\"\n".into())
        );
        assert_eq!(
            (&lines[1]["session"], &lines[1]["quick"]),
            (&7.into(), &true.into())
        );
        let time = lines[1]["time"].as_str().unwrap();
        assert!(time.ends_with('Z') && time.contains('T'), "{time}");
    }
}
