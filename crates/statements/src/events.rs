//! What programs may be told of deliveries, and of who sees whose statements.

use access::scope::{DISCLOSURES_WRITE, STATEMENTS_READ};
use webhooks::{EventKind, Subject};

const ONE: &str = "/statement-deliveries/:id";

/// All kinds. Which members a delivery is about is none of them.
pub(crate) const ALL: [EventKind; 4] = [
    EventKind::new(
        ("statement.imported", "医療費・お薬の取り込み"),
        Subject::StatementDelivery,
        STATEMENTS_READ,
        ONE,
    ),
    EventKind::new(
        ("statement.published", "医療費・お薬の公開"),
        Subject::StatementDelivery,
        STATEMENTS_READ,
        ONE,
    ),
    EventKind::new(
        ("statement.withdrawn", "医療費・お薬の公開の取りやめ"),
        Subject::StatementDelivery,
        STATEMENTS_READ,
        ONE,
    ),
    EventKind::new(
        ("disclosure.changed", "医療費・お薬の表示の希望の変更"),
        Subject::Member,
        DISCLOSURES_WRITE,
        "/members/:id/disclosures/:kind",
    ),
];
