//! What a statement may look at: the few rows that it is about, and by name those that look at more by design.

/// Rows that one step of a plan may look at, those it throws away included: a workplace of two hundred is the most that
/// anything here is about.
const ROWS: f64 = 200.0;
/// Blocks that a statement may touch, with its indexes: of each of fifty people in a list some three things are asked of an
/// index, whether they are protected among them, and each who is shown is a row.
const BLOCKS: f64 = 1000.0;

/// Tables of a handful of rows, which PostgreSQL rightly reads whole; the last two hold what an import brings, until it ends.
pub(super) const SMALL: [&str; 4] = ["jobs", "roster_runs", "roster_staging", "roster_matches"];

/// The one statement that reads an insurer's rows of a table whole, as its migration explains.
pub(super) const WHOLE: &str = "DELETE FROM \"throttles\"";
/// What reads more by design: a node's look at all insurers' revisions, a batch of a thousand changes to be pruned, a segment of the
/// trail, the counts of an insurer's workplaces, summed up after each change, and its former numbers, looked through by an undoing.
pub(super) const MORE: &[&str] = &[
    "\n    UPDATE roster_tallies t SET insured = s.insured",
    "\n    DELETE FROM person_numbers n",
    // A segment of the trail, read to be sealed, and again for what came late.
    "SELECT e.audit_id, ARRAY[",
    "SELECT s.audit_id, ARRAY[",
    "SELECT e.audit_id FROM audit_events e WHERE e.tenant_id = $1 AND e.audit_id >= $2",
    "SELECT \"insurers\".\"tenant_id\", \"insurers\".\"insurer_code\", \"insurers\".\"revision\", \"maintenances\"",
    "SELECT \"roster_changes\".\"position\", \"roster_changes\".\"at\" FROM \"roster_changes\"",
    // Publishing, and what stands in its way: the claims that a delivery shares with others, those of the version that it replaces,
    // and the years there are.
    "UPDATE cost_rows r SET superseded_by",
    "SELECT count(*) AS claims FROM unnest",
    "\n    SELECT right(c.relname, 4)::int AS year",
];
/// Whether an insurer has a thousand long forms, which looks at no more than these, however many there are.
const COUNT: (&str, f64) = ("SELECT \"kept_forms\".\"kept_until\" FROM \"kept_forms\"", 1000.0);

/// What counts everybody, by an index: how many are registered of those whom a notice is for, and of how many a file of changes, or
/// its undoing, loses some.
const ALL: [&str; 3] = [
    "SELECT count(*) AS people FROM persons p",
    "SELECT (SELECT count(*) FROM persons WHERE tenant_id = $1 AND emptied_at IS NULL)",
    "\n    SELECT (SELECT count(*) FROM persons WHERE tenant_id = $1 AND emptied_at IS NULL)",
];
/// What is sent to a webhook once more, and counted before: so many of its messages, by an index, as are changed.
const AGAIN: [&str; 3] = [
    "SELECT count(*) AS deliveries FROM (",
    "UPDATE webhook_deliveries SET state = 'waiting', tries = 0",
    "UPDATE webhook_deliveries SET tries = 0, next_at = $3",
];
/// The protected are in no count of readers: what they have read of a page of notices is looked up once, by all of them.
const READS: (&str, f64, f64) = ("\n    WITH theirs AS MATERIALIZED", 1000.0, 4000.0);
/// What is due next at an endpoint of which thousands of messages were sent once more a moment ago: as long as another transaction may
/// still see what they were, places in the index and rows of that are passed.
const DUE: (&str, f64) = ("SELECT d.event_id, d.kind, d.subject", 4_000.0);
/// Of so many members at a time it is asked whether they are told of a publication: whether they wish it and may come in, and
/// whether they see something new, some look-ups by key each.
const TOLD: [(&str, f64, f64); 2] = [
    ("\n    SELECT a.account_id, a.person_id, a.proof", 500.0, 8_000.0),
    ("SELECT v.place FROM unnest", 4_000.0, 40_000.0),
];

/// Tables of which each is asked by an index on the way.
pub(super) const ASKED: [&str; 51] = [
    "accounts",
    "audit_events",
    "audit_subjects",
    "client_days",
    "client_grants",
    "client_tokens",
    "codes",
    "consents",
    "cost_rows_2023",
    "cost_rows_2026",
    "disclosures",
    "drugs",
    "due",
    "email_changes",
    "insurers",
    "kept_forms",
    "letters",
    "held_rows",
    "idempotency_keys",
    "links",
    "login_names",
    "mail_wishes",
    "mails",
    "medicine_rows_2023",
    "medicine_rows_2026",
    "member_notes",
    "notice_drafts",
    "notice_reads",
    "notices",
    "person_numbers",
    "persons",
    "protections",
    "registration_days",
    "remembered_numbers",
    "roster_before",
    "roster_changes",
    "roster_tallies",
    "roster_workplaces",
    "sessions",
    "shared_claims",
    "sign_up_tickets",
    "statement_deliveries",
    "statement_mailings",
    "statement_marks",
    "statement_runs",
    "struck_claims",
    "throttles",
    "webhook_cursors",
    "webhook_deliveries",
    "webhook_endpoints",
    "webhook_sequences",
];

/// How many rows a step of a statement's plan may look at, and the statement how many blocks.
pub(super) fn of(text: &str) -> (f64, f64) {
    match text {
        text if text.starts_with(COUNT.0) => (COUNT.1, BLOCKS),
        text if text.starts_with(DUE.0) => (ROWS, DUE.1),
        text if text.starts_with(READS.0) => (READS.1, READS.2),
        text if ALL.iter().chain(&AGAIN).any(|all| text.starts_with(all)) => (f64::INFINITY, f64::INFINITY),
        text => TOLD
            .iter()
            .find(|told| text.starts_with(told.0))
            .map_or((ROWS, BLOCKS), |told| (told.1, told.2)),
    }
}
