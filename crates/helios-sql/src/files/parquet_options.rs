//! How Parquet is written.

use helios_base::{Error, Result, SqlState};
use parquet::basic::{BrotliLevel, Compression, GzipLevel, ZstdLevel};

/// Codec, level and size of row groups.
#[derive(Clone, Debug)]
pub(crate) struct ParquetOptions {
    codec: Codec,
    /// The codec's own, if not given.
    pub(crate) level: Option<u32>,
    /// The most rows of a group.
    pub(crate) row_group_rows: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Codec {
    Uncompressed,
    Snappy,
    Gzip,
    Lz4,
    Zstd,
    Brotli,
}

impl Default for ParquetOptions {
    fn default() -> Self {
        Self {
            codec: Codec::Zstd,
            level: None,
            // Small enough to be held in memory on the way, large enough to compress well.
            row_group_rows: 122_880,
        }
    }
}

impl ParquetOptions {
    /// Chooses the codec by its name.
    ///
    /// # Errors
    /// `22023` for an unknown one.
    pub(crate) fn set_codec(&mut self, name: &str) -> Result<()> {
        self.codec = match name.to_ascii_lowercase().as_str() {
            "none" | "uncompressed" => Codec::Uncompressed,
            "snappy" => Codec::Snappy,
            "gzip" => Codec::Gzip,
            "lz4" | "lz4_raw" => Codec::Lz4,
            "zstd" => Codec::Zstd,
            "brotli" => Codec::Brotli,
            _ => {
                return Err(Error::new(
                    SqlState::INVALID_PARAMETER_VALUE,
                    format!("Parquet compression \"{name}\" not recognized"),
                )
                .with_hint("Known are zstd, snappy, gzip, lz4, brotli and uncompressed."));
            }
        };
        Ok(())
    }

    /// Whether the codec has the level that was asked for.
    ///
    /// # Errors
    /// `22023` if not.
    pub(crate) fn check(&self) -> Result<()> {
        self.compression().map(drop)
    }

    /// As the writer wants it.
    ///
    /// # Errors
    /// As [`ParquetOptions::check`].
    pub(crate) fn compression(&self) -> Result<Compression> {
        let bad = |error: parquet::errors::ParquetError| {
            Error::new(
                SqlState::INVALID_PARAMETER_VALUE,
                format!(
                    "compression level {} is out of range for this codec",
                    self.level.unwrap_or_default()
                ),
            )
            .with_detail(error.to_string())
        };
        Ok(match (self.codec, self.level) {
            (Codec::Zstd, None) => Compression::ZSTD(ZstdLevel::default()),
            (Codec::Zstd, Some(level)) => {
                let level = i32::try_from(level).unwrap_or(i32::MAX);
                Compression::ZSTD(ZstdLevel::try_new(level).map_err(bad)?)
            }
            (Codec::Gzip, None) => Compression::GZIP(GzipLevel::default()),
            (Codec::Gzip, Some(level)) => {
                Compression::GZIP(GzipLevel::try_new(level).map_err(bad)?)
            }
            (Codec::Brotli, None) => Compression::BROTLI(BrotliLevel::default()),
            (Codec::Brotli, Some(level)) => {
                Compression::BROTLI(BrotliLevel::try_new(level).map_err(bad)?)
            }
            (Codec::Uncompressed | Codec::Snappy | Codec::Lz4, Some(_)) => {
                return Err(Error::new(
                    SqlState::INVALID_PARAMETER_VALUE,
                    "this Parquet compression has no levels",
                )
                .with_hint("zstd, gzip and brotli have."));
            }
            (Codec::Uncompressed, None) => Compression::UNCOMPRESSED,
            (Codec::Snappy, None) => Compression::SNAPPY,
            (Codec::Lz4, None) => Compression::LZ4_RAW,
        })
    }
}
