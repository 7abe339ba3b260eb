//! Texts of statements without the passwords in them.

use crate::parse::lexer::{Kind, tokenize};

/// What stands in the place of a password.
const HIDDEN: &str = "'********'";

/// The text, with every string that follows the word `PASSWORD` hidden. A text that cannot be read into words is
/// shown up to that word.
pub(in crate::session) fn without_passwords(text: &str) -> String {
    let mentioned = text
        .as_bytes()
        .windows(8)
        .position(|part| part.eq_ignore_ascii_case(b"password"));
    let Some(first) = mentioned else {
        return text.to_owned();
    };
    let Ok(tokens) = tokenize(text) else {
        return format!("{} …", text.get(..first).unwrap_or_default());
    };
    let mut shown = String::with_capacity(text.len());
    let (mut copied, mut hides) = (0, false);
    for token in &tokens {
        match &token.kind {
            Kind::Word(word) if word == "password" => hides = true,
            Kind::Text(_) if hides => {
                shown.push_str(text.get(copied..token.start).unwrap_or_default());
                shown.push_str(HIDDEN);
                copied = token.end;
                hides = false;
            }
            _ => hides = false,
        }
    }
    shown.push_str(text.get(copied..).unwrap_or_default());
    shown
}

#[cfg(test)]
mod tests {
    use super::without_passwords;

    #[test]
    fn passwords_do_not_show() {
        for (text, shown) in [
            ("SELECT 'password'", "SELECT 'password'"),
            (
                "CREATE ROLE a LOGIN ENCRYPTED PASSWORD 's''ecret' VALID UNTIL '2030-01-01'",
                "CREATE ROLE a LOGIN ENCRYPTED PASSWORD '********' VALID UNTIL '2030-01-01'",
            ),
            (
                "alter user a password $$secret$$",
                "alter user a password '********'",
            ),
            (
                "alter user a password /* the */ E'\\x41'",
                "alter user a password /* the */ '********'",
            ),
            ("alter user a password 'open", "alter user a  …"),
            ("ALTER ROLE a PASSWORD NULL", "ALTER ROLE a PASSWORD NULL"),
        ] {
            assert_eq!(without_passwords(text), shown);
        }
    }
}
