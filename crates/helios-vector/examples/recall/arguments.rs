//! `KEY=VALUE` on the command line.

use std::collections::HashMap;
use std::str::FromStr;

/// What was given.
pub struct Arguments(HashMap<String, String>);

impl Arguments {
    pub fn new(words: impl Iterator<Item = String>) -> Result<Self, String> {
        words
            .map(|word| match word.split_once('=') {
                Some((key, value)) => Ok((key.to_owned(), value.to_owned())),
                None => Err(format!("\"{word}\" is not of the form KEY=VALUE")),
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    pub fn text<'a>(&'a self, key: &str, usual: &'a str) -> &'a str {
        self.0.get(key).map_or(usual, String::as_str)
    }

    pub fn number<T: FromStr>(&self, key: &str, usual: T) -> Result<T, String> {
        match self.0.get(key) {
            Some(text) => text
                .parse()
                .map_err(|_| format!("{key} must be a number, not \"{text}\"")),
            None => Ok(usual),
        }
    }

    pub fn numbers(&self, key: &str, usual: &str) -> Result<Vec<usize>, String> {
        self.text(key, usual)
            .split(',')
            .map(|part| part.parse().map_err(|_| format!("{key} must be numbers")))
            .collect()
    }
}
