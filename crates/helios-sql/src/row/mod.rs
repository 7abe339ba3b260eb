//! The row executor: plans compiled to operators that pull one row at a time.
