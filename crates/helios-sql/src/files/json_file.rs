//! The columns of a JSON file: every member that an object has.

use helios_base::{DataType, Result, TextContext};

use super::FileColumn;
use super::csv_file::open;
use super::infer::JsonInference;
use super::json_objects::JsonObjects;
use super::read_options::ReadOptions;

/// Looks at the first objects of a file, or at all of them.
///
/// # Errors
/// `Io`; `22P04` for what is no JSON object.
pub(super) fn columns(
    path: &str,
    options: &ReadOptions,
    context: &TextContext,
) -> Result<Vec<FileColumn>> {
    let mut objects = JsonObjects::new(path, open(path)?);
    let mut found: Vec<(String, JsonInference)> = Vec::new();
    let mut left = options.sample.unwrap_or(u32::MAX);
    let mut whole = true;
    while let Some((object, text)) = objects.next_object()? {
        if left == 0 {
            whole = false;
            break;
        }
        left -= u32::from(options.sample.is_some());
        // In the order in which they are written.
        let mut members: Vec<_> = object.members().iter().collect();
        if members
            .iter()
            .any(|(name, _)| found.iter().all(|(known, _)| **known != **name))
        {
            members.sort_by_key(|(name, _)| {
                let mut quoted = String::new();
                helios_base::json::push_escaped(name, &mut quoted);
                text.find(&quoted)
            });
        }
        for (name, value) in members {
            let place = found.iter().position(|(known, _)| **known == **name);
            let place = place.unwrap_or_else(|| {
                found.push((name.to_string(), JsonInference::default()));
                found.len() - 1
            });
            if let Some((_, inference)) = found.get_mut(place) {
                inference.sample(value, context);
            }
        }
    }
    let columns = found.into_iter().map(|(name, inference)| FileColumn {
        name,
        ty: if options.all_text {
            DataType::Text
        } else {
            inference.decide(whole)
        },
        not_null: false,
    });
    Ok(columns.collect())
}
