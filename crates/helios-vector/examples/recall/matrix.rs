//! Matrices in files.

use std::error::Error;

/// Rows of equal length.
pub struct Matrix {
    pub values: Vec<f32>,
    pub width: usize,
}

impl Matrix {
    pub fn read(path: &str) -> Result<Self, Box<dyn Error>> {
        let bytes = std::fs::read(path)?;
        if path.ends_with(".npy") {
            Self::npy(&bytes)
        } else {
            Self::fvecs(&bytes)
        }
    }

    fn npy(bytes: &[u8]) -> Result<Self, Box<dyn Error>> {
        if !bytes.starts_with(b"\x93NUMPY\x01") || bytes.len() < 10 {
            return Err("not a NumPy file of version 1".into());
        }
        let start = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
        let head = std::str::from_utf8(bytes.get(10..start).ok_or("it ends early")?)?;
        if !head.contains("'<f4'") || head.contains("'fortran_order': True") {
            return Err("only rows of little-endian 32-bit numbers are read".into());
        }
        let width = head
            .split_once("'shape': (")
            .and_then(|(_, rest)| rest.split_once(')'))
            .and_then(|(shape, _)| shape.split(',').nth(1))
            .ok_or("not a matrix")?;
        Ok(Self {
            values: floats(&bytes[start..]),
            width: width.trim().parse()?,
        })
    }

    fn fvecs(bytes: &[u8]) -> Result<Self, Box<dyn Error>> {
        let (head, _) = bytes.split_first_chunk::<4>().ok_or("it is empty")?;
        let width = u32::from_le_bytes(*head) as usize;
        let rows = bytes.chunks_exact(4 + 4 * width);
        Ok(Self {
            values: rows.flat_map(|row| floats(&row[4..])).collect(),
            width,
        })
    }
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    let (chunks, _) = bytes.as_chunks::<4>();
    chunks
        .iter()
        .map(|chunk| f32::from_le_bytes(*chunk))
        .collect()
}
