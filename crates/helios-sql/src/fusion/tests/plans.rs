//! Plans against results worked out by hand.
