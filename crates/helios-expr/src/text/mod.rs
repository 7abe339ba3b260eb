//! Text algorithms that several families share.

pub(crate) mod json_text;
pub(crate) mod keywords;
pub(crate) mod letter;
pub(crate) mod like;
pub(crate) mod regex;
pub(crate) mod to_json;
