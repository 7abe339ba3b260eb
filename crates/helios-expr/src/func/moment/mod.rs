//! Functions on dates, times, timestamps and intervals.

mod age;
mod clock;
mod make;
mod part;
mod zone;

use crate::function::Function;

pub(crate) static FAMILIES: &[&[Function]] = &[
    age::FUNCTIONS,
    clock::FUNCTIONS,
    make::FUNCTIONS,
    part::FUNCTIONS,
    zone::FUNCTIONS,
];
