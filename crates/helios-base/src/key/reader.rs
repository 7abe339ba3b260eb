//! Reading key bytes, complemented or not.

use crate::Result;
use crate::codec::{take, take_array};

/// The rest of a key; under `DESC` its bytes read complemented.
pub(super) struct KeyReader<'a> {
    rest: &'a [u8],
    mask: u8,
}

impl<'a> KeyReader<'a> {
    pub(super) fn new(input: &'a [u8]) -> Self {
        Self {
            rest: input,
            mask: 0,
        }
    }

    /// Complements, or no longer complements, what is read from here on.
    pub(super) fn invert(&mut self) {
        self.mask = !self.mask;
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(super) fn byte(&mut self) -> Result<u8> {
        let [byte] = self.array()?;
        Ok(byte)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let bytes: [u8; N] = take_array(&mut self.rest)?;
        Ok(bytes.map(|byte| byte ^ self.mask))
    }

    /// The bytes up to the next `end`, which is taken as well.
    pub(super) fn until(&mut self, end: u8) -> Result<Vec<u8>> {
        let length = self
            .rest
            .iter()
            .position(|&byte| byte ^ self.mask == end)
            .unwrap_or(self.rest.len());
        let bytes = take(&mut self.rest, length)?;
        let bytes = bytes.iter().map(|byte| byte ^ self.mask).collect();
        self.byte()?;
        Ok(bytes)
    }
}
