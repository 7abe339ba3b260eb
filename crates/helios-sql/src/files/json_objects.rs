//! JSON objects one after another: on lines of their own, spread over lines, or in one array.

use std::io::{BufRead, BufReader, Read};

use helios_base::json::JsonObject;
use helios_base::{Error, Json, Result};

use super::bad_file;

/// The largest object.
const OBJECT_MAX: usize = 1 << 30;

/// Cuts a stream into objects without reading it whole.
pub(super) struct JsonObjects {
    path: String,
    input: BufReader<Box<dyn Read + Send>>,
    /// Number of the line that is being read, from 1.
    line: u64,
    /// Number of the line where the last object began.
    began: u64,
    /// Inside the array around all objects.
    in_array: bool,
    /// In the array, what comes next must be a comma or the end.
    after_item: bool,
    ended: bool,
}

impl JsonObjects {
    pub(super) fn new(path: &str, input: Box<dyn Read + Send>) -> Self {
        Self {
            path: path.to_owned(),
            input: BufReader::with_capacity(64 * 1024, input),
            line: 1,
            began: 1,
            in_array: false,
            after_item: false,
            ended: false,
        }
    }

    /// The line where the last object began.
    pub(super) fn began(&self) -> u64 {
        self.began
    }

    /// The next object and its text, `None` at the end.
    ///
    /// # Errors
    /// `22P04` for what is no object; `Io` if reading fails.
    pub(super) fn next_object(&mut self) -> Result<Option<(JsonObject, String)>> {
        loop {
            let Some(byte) = self.peek()? else {
                return if self.in_array && !self.ended {
                    Err(self.bad("the array does not end"))
                } else {
                    Ok(None)
                };
            };
            match byte {
                b' ' | b'\t' | b'\r' | b'\n' => self.skip(byte),
                _ if self.ended => return Err(self.bad("there is something after the array")),
                b'[' if !self.in_array && self.began == 1 && !self.after_item => {
                    self.in_array = true;
                    self.skip(byte);
                }
                b']' if self.in_array => {
                    self.ended = true;
                    self.skip(byte);
                }
                b',' if self.in_array && self.after_item => {
                    self.after_item = false;
                    self.skip(byte);
                }
                b'{' if !self.in_array || !self.after_item => {
                    self.began = self.line;
                    self.after_item = true;
                    return self.object().map(Some);
                }
                0xef | 0xbb | 0xbf if self.line == 1 && !self.after_item => self.skip(byte),
                _ => return Err(self.bad("expected a JSON object")),
            }
        }
    }

    fn object(&mut self) -> Result<(JsonObject, String)> {
        let mut text = Vec::new();
        let mut depth = 0_u32;
        let (mut quoted, mut escaped) = (false, false);
        loop {
            let Some(byte) = self.peek()? else {
                return Err(self.bad_at(self.began, "the JSON object does not end"));
            };
            self.skip(byte);
            text.push(byte);
            if text.len() > OBJECT_MAX {
                return Err(self.bad_at(self.began, "the JSON object is too long"));
            }
            match byte {
                _ if escaped => escaped = false,
                b'\\' if quoted => escaped = true,
                b'"' => quoted = !quoted,
                b'{' | b'[' if !quoted => depth += 1,
                b'}' | b']' if !quoted => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        break;
                    }
                }
                _ => {}
            }
        }
        let text = String::from_utf8(text)
            .map_err(|_| self.bad_at(self.began, "the text is not UTF-8"))?;
        let json = Json::parse(&text).map_err(|error| {
            let why = error.detail().unwrap_or(error.message());
            self.bad_at(self.began, format_args!("invalid JSON: {why}"))
        })?;
        match json {
            Json::Object(object) => Ok((object, text)),
            _ => Err(self.bad_at(self.began, "expected a JSON object")),
        }
    }

    fn peek(&mut self) -> Result<Option<u8>> {
        let bytes = self.input.fill_buf();
        let bytes = bytes.map_err(|e| Error::io(format!("read \"{}\"", self.path), e))?;
        Ok(bytes.first().copied())
    }

    fn skip(&mut self, byte: u8) {
        self.line += u64::from(byte == b'\n');
        self.input.consume(1);
    }

    fn bad(&self, what: &str) -> Error {
        self.bad_at(self.line, what)
    }

    fn bad_at(&self, line: u64, what: impl std::fmt::Display) -> Error {
        bad_file(&self.path, what).with_context(format!("file \"{}\", line {line}", self.path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<(u64, usize)>, String> {
        let bytes = std::io::Cursor::new(text.as_bytes().to_vec());
        let mut objects = JsonObjects::new("x", Box::new(bytes));
        let mut found = Vec::new();
        loop {
            match objects.next_object() {
                Ok(Some((object, _))) => found.push((objects.began(), object.len())),
                Ok(None) => return Ok(found),
                Err(error) => return Err(error.context().unwrap_or_default().to_owned()),
            }
        }
    }

    #[test]
    fn objects_in_all_arrangements() {
        assert_eq!(read(""), Ok(vec![]));
        assert_eq!(read(" [ ] "), Ok(vec![]));
        assert_eq!(read("{}\n\n{\"a\": \"}\\\"\"}"), Ok(vec![(1, 0), (3, 1)]));
        assert_eq!(
            read("{\n\"a\": [{}]\n}{\"b\": 1}"),
            Ok(vec![(1, 1), (3, 1)])
        );
        assert_eq!(read("[{\"a\": 1},\n {}]\n"), Ok(vec![(1, 1), (2, 0)]));
        assert_eq!(read("\u{feff}{}"), Ok(vec![(1, 0)]));
    }

    #[test]
    fn what_is_none_is_told() {
        for (text, line) in [
            ("1", 1),
            ("{}\n[", 2),
            ("[{}\n{}]", 2),
            ("[{},{}", 1),
            ("[{}]\n{}", 2),
            ("[,{}]", 1),
            ("\n{\"a\":", 2),
            ("\n{\"a\"}", 2),
        ] {
            assert_eq!(
                read(text),
                Err(format!("file \"x\", line {line}")),
                "{text}"
            );
        }
    }
}
