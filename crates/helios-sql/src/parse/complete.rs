//! Whether a text is complete: what a shell asks before it sends a line.

use super::lexer::{Kind, Lexer};

/// Whether `source` ends at the end of a statement: nothing but blanks and comments after the last
/// semicolon, and no quote, comment or parenthesis left open. An empty text is complete.
///
/// A text with a mistake counts as complete as soon as it ends with a semicolon, so that the
/// mistake is shown.
#[must_use]
pub fn is_complete(source: &str) -> bool {
    let tokens = match Lexer::new(source).run() {
        Ok(tokens) => tokens,
        Err(failure) => return !failure.open,
    };
    let mut depth = 0i64;
    let mut ended = true;
    let mut begins = false;
    for token in &tokens {
        let text = source.get(token.start..token.end).unwrap_or_default();
        match (&token.kind, text) {
            (Kind::End, _) => break,
            (Kind::Punct, "(" | "[") => depth += 1,
            (Kind::Punct, ")" | "]") => depth = (depth - 1).max(0),
            (Kind::Punct, ";") if depth == 0 => {
                ended = true;
                continue;
            }
            _ => {}
        }
        // The body of a function has semicolons of its own.
        match &token.kind {
            Kind::Word(word) if word == "atomic" && begins => depth += 1,
            Kind::Word(word) if word == "case" && depth > 0 => depth += 1,
            Kind::Word(word) if word == "end" => depth = (depth - 1).max(0),
            _ => {}
        }
        begins = matches!(&token.kind, Kind::Word(word) if word == "begin");
        ended = false;
    }
    ended && depth == 0
}
