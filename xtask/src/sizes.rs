//! One noun per file keeps files short.

use std::path::Path;

/// No source file may be longer, in lines.
const LIMIT: usize = 800;

/// Adds one fault per file over the limit; returns a summary.
pub fn check(root: &Path, faults: &mut Vec<String>) -> String {
    let mut lengths = Vec::new();
    for folder in ["crates", "xtask"] {
        walk(&root.join(folder), &mut |path, lines| {
            if lines > LIMIT {
                let shown = path.strip_prefix(root).unwrap_or(path).display();
                faults.push(format!(
                    "{shown} has {lines} lines, more than {LIMIT}: split it"
                ));
            }
            lengths.push(lines);
        });
    }
    lengths.sort_unstable();
    let median = lengths.get(lengths.len() / 2).copied().unwrap_or(0);
    let total: usize = lengths.iter().sum();
    format!("{} files, {total} lines, median {median}", lengths.len())
}

fn walk(folder: &Path, seen: &mut impl FnMut(&Path, usize)) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() && !path.ends_with("target") {
            walk(&path, seen);
        } else if path.extension().is_some_and(|extension| extension == "rs")
            && let Ok(text) = std::fs::read_to_string(&path)
        {
            seen(&path, text.lines().count());
        }
    }
}
