//! `\set`: how the shell shows things.

use super::Next;
use super::meta::fail;
use crate::app::{App, Failure};
use crate::output::Format;

/// The names that `\set` knows.
pub const NAMES: [&str; 4] = ["show_lsn", "show_scn", "show_timing", "output_format"];

/// `\set [NAME [VALUE]]`: without a value shows it, without a name shows all.
pub fn set(app: &mut App, argument: &str) -> Result<Next, Failure> {
    let (name, value) = match argument.split_once([' ', '\t', '=']) {
        Some((name, value)) => (name, value.trim_start_matches([' ', '\t', '=']).trim()),
        None => (argument, ""),
    };
    if name.is_empty() {
        for name in NAMES {
            app.say(&format!("{name} = {}", shown(app, name)))?;
        }
        return Ok(Next::GoOn);
    }
    if !NAMES.contains(&name) {
        let message = match heliosdb::nearest(name, NAMES) {
            Some(near) => format!("\\set does not know \"{name}\"; perhaps you meant {near}"),
            None => format!("\\set knows {}, not \"{name}\"", NAMES.join(", ")),
        };
        return fail(app, &message);
    }
    if value.is_empty() {
        app.say(&format!("{name} = {}", shown(app, name)))?;
        return Ok(Next::GoOn);
    }
    if name == "output_format" {
        let Some(format) = Format::named(value) else {
            let message =
                format!("output_format is aligned, csv, json or markdown, not \"{value}\"");
            return fail(app, &message);
        };
        app.look.format = format;
        return Ok(Next::GoOn);
    }
    let on = match value.to_ascii_lowercase().as_str() {
        "on" | "true" | "1" | "yes" => true,
        "off" | "false" | "0" | "no" => false,
        other => return fail(app, &format!("{name} is on or off, not \"{other}\"")),
    };
    match name {
        "show_lsn" => app.show_lsn = on,
        "show_scn" => app.show_scn = on,
        _ => app.timing = on,
    }
    Ok(Next::GoOn)
}

fn shown(app: &App, name: &str) -> &'static str {
    let on = match name {
        "show_lsn" => app.show_lsn,
        "show_scn" => app.show_scn,
        "show_timing" => app.timing,
        _ => return app.look.format.name(),
    };
    if on { "on" } else { "off" }
}
