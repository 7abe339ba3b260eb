//! Spans in OTLP's JSON: 64-bit numbers are text, names of traces and spans are in hexadecimal digits.

use serde_json::{Map, json};

use super::context::Context;
use super::settings::Settings;
use super::span::{SpanData, Value};

/// `SPAN_KIND_INTERNAL` and `SPAN_KIND_SERVER`.
const KINDS: [u8; 2] = [1, 2];
/// `STATUS_CODE_ERROR`
const ERROR: u8 = 2;
/// The flags of spans that say whether the parent is another program's, and that it is.
const REMOTE: [u32; 2] = [0x100, 0x300];

/// A request to take these spans.
pub fn request(spans: &[SpanData], settings: &Settings) -> String {
    let resource: Vec<_> = settings
        .resource
        .iter()
        .map(|(name, value)| json!({"key": name, "value": {"stringValue": value}}))
        .collect();
    json!({"resourceSpans": [{
        "resource": {"attributes": resource},
        "scopeSpans": [{
            "scope": {"name": "heliosdb", "version": env!("CARGO_PKG_VERSION")},
            "spans": spans.iter().map(span).collect::<Vec<_>>(),
        }],
    }]})
    .to_string()
}

fn names(context: Context) -> Map<String, serde_json::Value> {
    let mut names = Map::new();
    names.insert("traceId".into(), format!("{:032x}", context.trace).into());
    names.insert("spanId".into(), format!("{:016x}", context.span).into());
    names
}

fn span(span: &SpanData) -> serde_json::Value {
    let mut object = names(span.context);
    if let Some(parent) = span.parent {
        object.insert("parentSpanId".into(), format!("{parent:016x}").into());
    }
    let sampled = u32::from(span.context.sampled);
    let flags = sampled | REMOTE[usize::from(span.remote)];
    object.insert("flags".into(), flags.into());
    object.insert("name".into(), (*span.name).into());
    object.insert("kind".into(), KINDS[usize::from(span.server)].into());
    let end = span.end.max(span.start);
    object.insert("startTimeUnixNano".into(), span.start.to_string().into());
    object.insert("endTimeUnixNano".into(), end.to_string().into());
    let mut attributes: Vec<_> = span.attributes.iter().map(attribute).collect();
    if span.server {
        let system = Value::Text("heliosdb".into());
        attributes.push(attribute(&("db.system.name", system)));
    }
    object.insert("attributes".into(), attributes.into());
    if let Some(link) = span.link {
        object.insert("links".into(), json!([names(link)]));
    }
    if span.failed {
        let mut status = json!({"code": ERROR});
        if let Some(message) = &span.message {
            status["message"] = message.as_str().into();
        }
        object.insert("status".into(), status);
    }
    object.into()
}

fn attribute((name, value): &(&'static str, Value)) -> serde_json::Value {
    let value = match value {
        Value::Text(text) => json!({"stringValue": text}),
        Value::Int(number) => json!({"intValue": number.to_string()}),
        Value::Float(number) => json!({"doubleValue": number}),
        Value::Bool(truth) => json!({"boolValue": truth}),
    };
    json!({"key": name, "value": value})
}
