//! The functions SQL knows, for `\df` and completion.

/// One function.
#[derive(Clone, Debug)]
pub struct FunctionInfo {
    /// The name.
    pub name: String,
    /// Types of the arguments.
    pub arguments: String,
    /// Type of the result.
    pub result: String,
    /// `function`, `aggregate` or `window`.
    pub kind: &'static str,
}

/// All functions, by name.
#[must_use]
pub fn functions() -> Vec<FunctionInfo> {
    Vec::new()
}
