//! The span of a connection: what the log says of it with every line, and what traces say of its statements.

use tracing::field::Empty;
use tracing::{Span, info_span};

use crate::Stream;
use crate::rules::Visitor;

/// The span of a connection that has just been accepted.
pub(crate) fn connection(stream: &Stream) -> Span {
    info_span!(
        target: "helios_wire::connection",
        "connection",
        client = stream.peer().map(tracing::field::display),
        session = Empty,
        user = Empty,
        database = Empty,
        branch = Empty,
        sqlstate = Empty,
    )
}

/// Notes who says to connect, and to what.
pub(crate) fn visits(visitor: &Visitor<'_>) {
    let span = Span::current();
    span.record("user", visitor.user);
    span.record("database", visitor.database);
}

/// Notes the number of the session that was opened, and its branch.
pub(crate) fn opened(session: u64, branch: &str) {
    let span = Span::current();
    span.record("session", session);
    span.record("branch", branch);
}
