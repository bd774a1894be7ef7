//! What programs may be told of notices.

use access::scope::NOTICES_READ;
use webhooks::{EventKind, Subject};

/// A notice was published. Those to one person are no program's.
pub(crate) const PUBLISHED: EventKind = EventKind::new(
    ("notice.published", "お知らせの掲載"),
    Subject::Notice,
    NOTICES_READ,
    "/notices/:id",
)
.only(|payload| payload.get("audience").is_some_and(|audience| audience == "insurer"));
