//! Conditions on people of the roster for statements of other crates, which name its tables nowhere. The tenant is always
//! `$1`.

/// True for a person, by this column, who was born after a day. Asked by key: without `OFFSET` the planner may read the whole
/// insurer into a table of its own once it expects many people.
pub fn is_born_after(person: &str, day: &str) -> String {
    format!(
        "EXISTS (
            SELECT FROM persons c
            WHERE c.tenant_id = $1 AND c.person_id = {person} AND c.birth_date > {day} OFFSET 0)"
    )
}

/// When a person, by this column, was born; null of whom the roster has no more.
pub fn birth_date(person: &str) -> String {
    format!("(SELECT c.birth_date FROM persons c WHERE c.tenant_id = $1 AND c.person_id = {person})")
}

/// True for a person who is no dependant of a principal any more on a day: under another number, or lost before them. Whoever was
/// lost with the principal hasn't left them, and nobody leaves themself. Asked by key, too.
pub fn has_left(person: &str, principal: &str, day: &str) -> String {
    format!(
        "({person} <> {principal} AND NOT EXISTS (
            SELECT FROM persons b JOIN persons h ON h.symbol_key = b.symbol_key AND h.number_key = b.number_key
            WHERE b.tenant_id = $1 AND h.tenant_id = $1 AND b.person_id = {person} AND h.person_id = {principal}
              AND (b.lost_on IS NULL OR b.lost_on > {day} OR (h.lost_on IS NOT NULL AND h.lost_on <= b.lost_on))
            OFFSET 0))"
    )
}
