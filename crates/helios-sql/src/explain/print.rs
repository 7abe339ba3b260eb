//! The description of a plan as lines of text or as one JSON document.

use std::time::Duration;

use serde_json::{Map, Value as Json, json};

use super::{Description, Measured};
use crate::plan::{Explain, ExplainFormat};
use crate::row::measure::Actual;

impl Description {
    /// The rows of the EXPLAIN.
    pub(crate) fn print(&self, explain: &Explain, measured: Option<&Measured>) -> Vec<String> {
        match explain.format {
            ExplainFormat::Text => {
                let mut lines = Vec::new();
                self.text(explain, measured, 0, &mut lines);
                if let Some(measured) = measured.filter(|_| explain.summary != Some(false)) {
                    lines.push(format!("Planning Time: {} ms", millis(measured.planning)));
                    lines.push(format!("Execution Time: {} ms", millis(measured.execution)));
                }
                lines
            }
            ExplainFormat::Json => {
                let mut document = Map::new();
                document.insert("Plan".to_owned(), self.json(explain, measured));
                if let Some(measured) = measured {
                    document.insert("Planning Time".to_owned(), number(measured.planning));
                    document.insert("Execution Time".to_owned(), number(measured.execution));
                }
                let whole = Json::Array(vec![Json::Object(document)]);
                vec![serde_json::to_string_pretty(&whole).unwrap_or_default()]
            }
        }
    }

    fn text(
        &self,
        explain: &Explain,
        measured: Option<&Measured>,
        depth: usize,
        lines: &mut Vec<String>,
    ) {
        let (margin, arrow) = match depth {
            0 => (String::new(), ""),
            _ => (" ".repeat(depth * 6 - 4), "->  "),
        };
        let mut line = format!("{margin}{arrow}{}", self.name);
        if let Some(rows) = self.estimate.filter(|_| explain.costs) {
            line.push_str(&format!("  (rows={rows})"));
        }
        if let Some(measured) = measured {
            let whole = (depth == 0).then(|| Actual {
                loops: 0,
                rows: measured.rows.unwrap_or(0),
                time: measured.execution,
            });
            match self.actual.or(whole) {
                Some(actual) => line.push_str(&shown(actual, explain.timing)),
                None => line.push_str("  (never executed)"),
            }
        }
        lines.push(line);
        let inner = " ".repeat(margin.len() + arrow.len() + 2);
        if let Some(output) = self.output.as_ref().filter(|_| explain.verbose)
            && !output.is_empty()
        {
            lines.push(format!("{inner}Output: {}", output.join(", ")));
        }
        for (name, value) in &self.properties {
            lines.push(format!("{inner}{name}: {value}"));
        }
        for input in &self.inputs {
            input.text(explain, measured, depth + 1, lines);
        }
    }

    fn json(&self, explain: &Explain, measured: Option<&Measured>) -> Json {
        let mut node = Map::new();
        let kind = self.kind.unwrap_or(&self.name);
        node.insert("Node Type".to_owned(), json!(kind));
        let facts = self.facts.iter();
        for (name, value) in facts.filter(|(name, _)| *name != "Schema" || explain.verbose) {
            node.insert((*name).to_owned(), json!(value));
        }
        if let Some(rows) = self.estimate.filter(|_| explain.costs) {
            node.insert("Plan Rows".to_owned(), json!(rows));
        }
        if let Some(actual) = self.actual {
            node.insert("Actual Rows".to_owned(), json!(actual.rows));
            node.insert("Actual Total Time".to_owned(), number(actual.time));
            if actual.loops > 0 {
                node.insert("Actual Loops".to_owned(), json!(actual.loops));
            }
        } else if let Some(rows) = measured.and_then(|measured| measured.rows) {
            node.insert("Actual Rows".to_owned(), json!(rows));
        }
        if let Some(output) = self.output.as_ref().filter(|_| explain.verbose) {
            node.insert("Output".to_owned(), json!(output));
        }
        for (name, value) in &self.properties {
            node.insert((*name).to_owned(), json!(value));
        }
        if !self.inputs.is_empty() {
            let inputs = self.inputs.iter();
            let inputs = inputs.map(|input| input.json(explain, None)).collect();
            node.insert("Plans".to_owned(), Json::Array(inputs));
        }
        Json::Object(node)
    }
}

/// Time and rows are those of all loops together.
fn shown(actual: Actual, timing: bool) -> String {
    let mut text = String::from("  (actual ");
    if timing {
        text.push_str(&format!("time={} ", millis(actual.time)));
    }
    text.push_str(&format!("rows={}", actual.rows));
    if actual.loops > 0 {
        text.push_str(&format!(" loops={}", actual.loops));
    }
    text.push(')');
    text
}

fn millis(time: Duration) -> String {
    format!("{:.3}", time.as_secs_f64() * 1000.0)
}

fn number(time: Duration) -> Json {
    json!((time.as_secs_f64() * 1_000_000.0).round() / 1000.0)
}
