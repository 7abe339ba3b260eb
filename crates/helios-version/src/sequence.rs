//! Sequences: numbers handed out once, whatever becomes of the transaction.

/// The definition of a sequence, kept by the layer above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SequenceSpec {
    /// First value.
    pub start: i64,
    /// Step, not 0.
    pub increment: i64,
    /// Smallest value.
    pub min: i64,
    /// Largest value.
    pub max: i64,
    /// Start again after the last value.
    pub cycle: bool,
}

/// Where a sequence stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SequenceState {
    /// The last value handed out, or the next one if `called` is false.
    pub value: i64,
    /// Whether `value` has been handed out.
    pub called: bool,
}
