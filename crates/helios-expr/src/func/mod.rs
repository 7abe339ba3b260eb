//! Functions, one family per file.
//!
//! To add a family: a file with `pub(crate) static FUNCTIONS: &[Function]`, one line here.

pub(crate) mod array;
pub(crate) mod assign;
mod catalog;
mod enums;
mod format;
pub(crate) mod json;
mod math;
mod moment;
pub(crate) mod sample;
mod send;
pub(crate) mod string;
mod system;

pub use json::ROW_AS_JSON;

use crate::function::Function;

/// Every table of functions.
pub(crate) static FAMILIES: &[&[&[Function]]] = &[
    &[
        array::FUNCTIONS,
        math::FUNCTIONS,
        catalog::FUNCTIONS,
        catalog::LENIENT,
        enums::FUNCTIONS,
        send::FUNCTIONS,
        system::FUNCTIONS,
        crate::set_function::COMPOSITES,
    ],
    format::FAMILIES,
    json::FAMILIES,
    moment::FAMILIES,
    string::FAMILIES,
];
