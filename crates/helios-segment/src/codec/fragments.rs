//! Strings by a table of their fragments that was made for a chunk before.
//!
//! A table takes longer to make than a chunk of strings to compress by it, and strings of a column look alike.

use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;
use vortex_array::arrays::primitive::PrimitiveArrayExt;
use vortex_array::arrays::varbin::VarBinArraySlotsExt;
use vortex_array::arrays::{PrimitiveArray, VarBinArray};
use vortex_array::{ExecutionCtx, IntoArray};
use vortex_btrblocks::BtrBlocksCompressor;
use vortex_error::VortexResult;
use vortex_fsst::{
    FSST, FSSTArray, FSSTArrayExt, FSSTArraySlotsExt, fsst_compress, fsst_train_compressor,
};

use super::vortex::VortexArray;

/// What Vortex calls strings by a table of fragments.
pub(super) const FRAGMENTS: &str = "vortex.fsst";

/// A new table is made where an old one makes so much more of strings than of those that it was made for.
const WORSE: f64 = 1.02;

/// A table of the fragments of a column's strings, made when it is first wanted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fragments(Arc<Mutex<Option<Made>>>);

struct Made {
    /// An array without strings: it has the table ready for use.
    none: FSSTArray,
    /// Bytes that it made of one.
    share: f64,
}

impl fmt::Debug for Made {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Made").field("share", &self.share).finish()
    }
}

impl Fragments {
    /// Compresses strings of so many bytes; `compressor` takes their places and lengths.
    pub(super) fn compress(
        &self,
        strings: &VortexArray,
        bytes: usize,
        compressor: &BtrBlocksCompressor,
        context: &mut ExecutionCtx,
    ) -> VortexResult<VortexArray> {
        let mut made = self.0.lock();
        let share = |array: &FSSTArray| array.codes_bytes().len() as f64 / bytes.max(1) as f64;
        if let Some(known) = made.as_ref() {
            let array = fsst_compress(strings, known.none.compressor(), context)?;
            if share(&array) <= known.share * WORSE {
                return with_children(&array, compressor, context);
            }
        }
        let table = fsst_train_compressor(strings, context)?;
        let array = fsst_compress(strings, &table, context)?;
        *made = Some(Made {
            none: without_strings(&array, strings, context)?,
            share: share(&array),
        });
        with_children(&array, compressor, context)
    }
}

/// An array that has nothing but the table of another one.
fn without_strings(
    array: &FSSTArray,
    strings: &VortexArray,
    context: &mut ExecutionCtx,
) -> VortexResult<FSSTArray> {
    let none = fsst_compress(&strings.slice(0..0)?, array.compressor(), context)?;
    let (table, lengths) = (array.symbol_table(), none.uncompressed_lengths().clone());
    FSST::try_new_with_symbol_table(none.dtype().clone(), table, none.codes(), lengths, context)
}

/// The array with compressed places and lengths.
fn with_children(
    array: &FSSTArray,
    compressor: &BtrBlocksCompressor,
    context: &mut ExecutionCtx,
) -> VortexResult<VortexArray> {
    let narrow = |numbers: &VortexArray, context: &mut ExecutionCtx| {
        let numbers = numbers.clone().execute::<PrimitiveArray>(context)?;
        compressor.compress(&numbers.narrow(context)?.into_array(), context)
    };
    let lengths = narrow(array.uncompressed_lengths(), context)?;
    let codes = array.codes();
    let places = narrow(codes.offsets(), context)?;
    let codes = VarBinArray::try_new(
        places,
        codes.bytes().clone(),
        codes.dtype().clone(),
        codes.validity()?,
        context,
    )?;
    let table = array.symbol_table();
    let array =
        FSST::try_new_with_symbol_table(array.dtype().clone(), table, codes, lengths, context)?;
    Ok(array.into_array())
}

#[cfg(test)]
mod tests {
    use arrow_array::cast::AsArray;
    use arrow_array::{Array, ArrayRef, StringViewArray};
    use fastrand::Rng;

    use super::*;
    use crate::codec::{Block, Effort, Encoded, Known, codec};
    use crate::coded::Coded;

    fn texts(random: &mut Rng, words: &[&str], rows: usize, different: usize) -> ArrayRef {
        let text = |random: &mut Rng| {
            let parts = (0..random.usize(0..6)).map(|_| words[random.usize(0..words.len())]);
            let parts = parts.collect::<Vec<_>>().join("/");
            parts + &random.u32(0..different as u32).to_string()
        };
        let known: Vec<String> = (0..different).map(|_| text(random)).collect();
        let one = |random: &mut Rng| {
            (random.u8(0..20) > 0).then(|| known[random.usize(0..different)].as_str())
        };
        let texts: StringViewArray = (0..rows).map(|_| one(random)).collect();
        Arc::new(texts)
    }

    fn compressed(
        array: &ArrayRef,
        coded: Option<&Coded>,
        fragments: Option<&Fragments>,
    ) -> Encoded {
        let encodings = [FRAGMENTS, "vortex.varbin", "fastlanes.bitpacked"].map(str::to_owned);
        let dictionary = ["vortex.dict", FRAGMENTS].map(str::to_owned);
        let known = Known {
            encodings: Some(if coded.is_some() {
                &dictionary
            } else {
                &encodings
            }),
            coded,
            fragments,
        };
        let cascade = codec("cascade").expect("there");
        let encoded = cascade.compress_known(array, Effort::Warm, &known);
        encoded.expect("compresses")
    }

    fn same(array: &ArrayRef, encoded: Encoded) {
        let block = Block {
            bytes: encoded.bytes.into(),
            encodings: encoded.encodings.into(),
            ty: array.data_type().clone(),
            rows: array.len(),
            nullable: array.null_count() > 0,
        };
        let back = codec("cascade").expect("there").decompress(&block);
        assert_eq!(&back.expect("reads"), array);
    }

    // Guards against strings that come back changed, and tables that stay when strings have become others.
    #[test]
    fn a_table_serves_while_strings_look_alike() {
        let mut random = Rng::with_seed(7);
        let english = [
            "https://example.org",
            "package",
            "download",
            "archive",
            "source",
        ];
        let german = [
            "Donaudampfschiff",
            "Gesellschaft",
            "Kapitaen",
            "Muetze",
            "Knopf",
        ];
        let fragments = Fragments::default();
        let mut last = None;
        for (chunk, words) in [english, english, english, german, german]
            .iter()
            .enumerate()
        {
            let array = texts(&mut random, words, 20_000, 20_000);
            let fresh = compressed(&array, None, Some(&Fragments::default()));
            let shared = compressed(&array, None, Some(&fragments));
            let (fresh, bytes) = (fresh.bytes.len() as f64, shared.bytes.len() as f64);
            assert!(
                bytes < fresh * 1.03,
                "chunk {chunk}: {bytes} bytes beside {fresh}"
            );
            assert_eq!(shared.encodings[0], FRAGMENTS);
            same(&array, shared);
            let share = fragments.0.lock().as_ref().map(|made| made.share);
            assert_eq!(last == share, [1, 2, 4].contains(&chunk), "chunk {chunk}");
            last = share;
        }
        // All of them NULL or empty, and none.
        for rows in [0, 1, 100] {
            let empty: ArrayRef = Arc::new(StringViewArray::from_iter_values(vec![""; rows]));
            let shared = compressed(&empty, None, Some(&fragments));
            same(&empty, shared);
        }
        let nulls: ArrayRef = Arc::new(StringViewArray::new_null(100));
        same(&nulls, compressed(&nulls, None, Some(&fragments)));
    }

    #[test]
    fn different_strings_of_dictionaries_share_it_too() {
        let mut random = Rng::with_seed(8);
        let fragments = Fragments::default();
        for _ in 0..3 {
            let array = texts(
                &mut random,
                &["summary", "of", "packages", "and"],
                30_000,
                2_000,
            );
            let coded = Coded::of(array.as_string_view(), 3_000).expect("few");
            let shared = compressed(&array, Some(&coded), Some(&fragments));
            assert!(shared.encodings.iter().any(|name| name == FRAGMENTS));
            same(&array, shared);
        }
        assert!(fragments.0.lock().is_some());
    }
}
