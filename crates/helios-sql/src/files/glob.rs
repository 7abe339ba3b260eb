//! Patterns of paths: `*`, `?` and `[a-z]` within a name, `**` for folders of any depth.

use std::path::{Path, PathBuf};

use helios_base::{Error, Result, SqlState};

/// Whether `path` is a pattern, not a name.
pub(super) fn is_pattern(path: &str) -> bool {
    path.contains(['*', '?', '['])
}

/// The files that match, in order. Names that begin with a dot only match where the pattern says so.
///
/// # Errors
/// `Io` for a folder that cannot be read; `42602` for a name that is no UTF-8.
pub(super) fn files(pattern: &str) -> Result<Vec<String>> {
    let (mut found, parts) = match pattern.strip_prefix('/') {
        Some(rest) => (vec![PathBuf::from("/")], rest),
        None => (vec![PathBuf::new()], pattern),
    };
    let parts: Vec<&str> = parts.split('/').filter(|part| !part.is_empty()).collect();
    for (number, part) in parts.iter().enumerate() {
        let last = number + 1 == parts.len();
        let mut next = Vec::new();
        for folder in &found {
            if *part == "**" {
                below(folder, last, &mut next)?;
            } else if is_pattern(part) {
                for (name, path) in entries(folder)? {
                    if matches(part, &name) && (last || path.is_dir()) {
                        next.push(path);
                    }
                }
            } else if folder.join(part).exists() {
                next.push(folder.join(part));
            }
        }
        found = next;
    }
    let mut files = Vec::with_capacity(found.len());
    for path in found.into_iter().filter(|path| path.is_file()) {
        files.push(path.into_os_string().into_string().map_err(|path| {
            Error::new(
                SqlState::INVALID_NAME,
                format!("the file name \"{}\" is not UTF-8", path.display()),
            )
        })?);
    }
    files.sort();
    files.dedup();
    Ok(files)
}

/// The folder and all folders below; as the last part, all files below.
fn below(folder: &Path, last: bool, found: &mut Vec<PathBuf>) -> Result<()> {
    if !last {
        found.push(folder.to_owned());
    }
    for (name, path) in entries(folder)? {
        if name.starts_with('.') {
            continue;
        }
        // A link to a folder may lead back.
        if path.is_dir() && !path.is_symlink() {
            below(&path, last, found)?;
        } else if last {
            found.push(path);
        }
    }
    Ok(())
}

fn entries(folder: &Path) -> Result<Vec<(String, PathBuf)>> {
    let real = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let failed = |e| Error::io(format!("read the directory \"{}\"", real.display()), e);
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(real).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        let path = folder.join(&name);
        entries.push((name.to_string_lossy().into_owned(), path));
    }
    Ok(entries)
}

/// Whether `name` matches one part of a pattern.
fn matches(pattern: &str, name: &str) -> bool {
    if name.starts_with('.') && !pattern.starts_with('.') {
        return false;
    }
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    // Where to go on with the last star, should what follows it fail.
    let mut retry: Option<(usize, usize)> = None;
    let (mut p, mut n) = (0, 0);
    while n < name.len() {
        let step = match pattern.get(p) {
            Some('*') => {
                retry = Some((p + 1, n));
                p += 1;
                continue;
            }
            Some('?') => Some(1),
            Some('[') => set(pattern.get(p..).unwrap_or_default(), name.get(n)),
            literal => (literal == name.get(n)).then_some(1),
        };
        match (step, &mut retry) {
            (Some(length), _) => {
                p += length;
                n += 1;
            }
            (None, Some((after, at))) => {
                *at += 1;
                (p, n) = (*after, *at);
            }
            (None, None) => return false,
        }
    }
    pattern
        .get(p..)
        .unwrap_or_default()
        .iter()
        .all(|c| *c == '*')
}

/// The length of the set `[…]` at the start of `pattern`, if `c` is in it.
fn set(pattern: &[char], c: Option<&char>) -> Option<usize> {
    let c = c?;
    let close = pattern.iter().skip(2).position(|c| *c == ']')? + 2;
    let inner = pattern.get(1..close)?;
    let (negated, inner) = match inner.split_first() {
        Some(('!' | '^', rest)) => (true, rest),
        _ => (false, inner),
    };
    let mut found = false;
    let mut at = 0;
    while let Some(low) = inner.get(at) {
        match (inner.get(at + 1), inner.get(at + 2)) {
            (Some('-'), Some(high)) => {
                found |= (low..=high).contains(&c);
                at += 3;
            }
            _ => {
                found |= low == c;
                at += 1;
            }
        }
    }
    (found != negated).then_some(close + 1)
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn names_match_patterns() {
        for (pattern, name, expected) in [
            ("*.csv", "a.csv", true),
            ("*.csv", ".csv", false),
            (".*", ".csv", true),
            ("a*b*c", "a1b2b3c", true),
            ("a*b", "a1c", false),
            ("?é?", "aéb", true),
            ("?", "ab", false),
            ("x[0-3a].p", "x2.p", true),
            ("x[!0-3].p", "x2.p", false),
            ("x[]].p", "x].p", true),
            ("[", "[", false),
            ("**", "abc", true),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }
}
