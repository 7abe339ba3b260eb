//! `to_char`, `to_date`, `to_timestamp` and `to_number`.

mod date_in;
mod date_out;
mod date_reader;
mod number_in;
mod number_out;
mod number_picture;
mod ordinal;
mod picture;

pub(crate) use date_in::parse_standard;

use crate::function::Function;

pub(crate) static FAMILIES: &[&[Function]] = &[
    date_in::FUNCTIONS,
    date_out::FUNCTIONS,
    number_in::FUNCTIONS,
    number_out::FUNCTIONS,
];
