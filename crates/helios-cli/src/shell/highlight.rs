//! Colours while typing.

use nu_ansi_term::{Color, Style};
use reedline::{Highlighter, StyledText};

use super::words;
use crate::lexer::{self, Kind};

/// Colours SQL by its lexis.
pub struct SqlHighlighter;

impl Highlighter for SqlHighlighter {
    fn highlight(&self, line: &str, _cursor: usize) -> StyledText {
        let mut styled = StyledText::new();
        let mut at = 0;
        if line.trim_start().starts_with('\\') {
            styled.push((Style::new().fg(Color::Magenta), line.to_owned()));
            return styled;
        }
        for token in lexer::tokens(line) {
            let text = &line[token.span.clone()];
            styled.push((Style::new(), line[at..token.span.start].to_owned()));
            let style = match token.kind {
                Kind::Word if words::is_keyword(text) => Style::new().fg(Color::Blue).bold(),
                Kind::String => Style::new().fg(Color::Green),
                Kind::Number => Style::new().fg(Color::Cyan),
                Kind::Comment => Style::new().fg(Color::DarkGray).italic(),
                Kind::Backslash => Style::new().fg(Color::Magenta),
                _ => Style::new(),
            };
            styled.push((style, text.to_owned()));
            at = token.span.end;
        }
        styled.push((Style::new(), line[at..].to_owned()));
        styled
    }
}
