//! Whom of the roster the staged rows mean.

use super::{Merge, execute};
use crate::held;
use database::{DatabaseError, TenantTransaction};

impl Merge<'_> {
    /// Finds whom the rows mean: by personal id; else, of whom staff have mended something, by what the last file said; else by
    /// number, branch and birth date; else, where one side has no
    /// branch, by number, birth date and name; else by number, branch and name, for a birth date may be corrected; and last,
    /// where one side has no branch, by number and birth date alone. The last three only where that leaves no choice. Two
    /// different personal ids are two persons whatever else is the same.
    pub(in crate::import) async fn match_persons(
        &self,
        tx: &mut TenantTransaction,
        rows: u64,
    ) -> Result<(), DatabaseError> {
        let has_facts = held::is_any(tx).await?;
        let mut matched = 0;
        for rule in [
            BY_PERSONAL_ID,
            BY_FILE,
            BY_BRANCH,
            BY_NAME,
            BY_CORRECTION,
            BY_BIRTH_DATE,
        ] {
            // Where nothing was set by hand, the file need not be read for it.
            let is_idle = rule == BY_FILE && !has_facts;
            if matched < rows && !is_idle {
                matched += execute(tx, rule, |query| query).await?;
            }
        }
        Ok(())
    }
}

// That neither is empty is said of both: the index is of persons who have one.
const BY_PERSONAL_ID: &str = "
    INSERT INTO roster_matches (tenant_id, line, person_id)
    SELECT s.tenant_id, s.line, p.person_id
    FROM roster_staging s JOIN persons p ON p.personal_id = s.personal_id
    WHERE s.tenant_id = $1 AND p.tenant_id = $1 AND s.personal_id <> '' AND p.personal_id <> ''";

/// A fact that was mended by hand is none that the files know. A look-up for each who was mended: joined, the whole roster
/// would be read for them.
const BY_FILE: &str = "
    INSERT INTO roster_matches (tenant_id, line, person_id)
    SELECT tenant_id, line, person_id
    FROM (
        SELECT s.tenant_id, s.line, filed.person_id,
            count(*) OVER (PARTITION BY s.line) AS persons, count(*) OVER (PARTITION BY filed.person_id) AS rows
        FROM (
            SELECT p.person_id, p.personal_id,
                coalesce(max(split_part(f.from_file, chr(31), 1)) FILTER (WHERE f.field = 'number'), p.symbol) AS symbol,
                coalesce(max(split_part(f.from_file, chr(31), 2)) FILTER (WHERE f.field = 'number'), p.number) AS number,
                coalesce(max(split_part(f.from_file, chr(31), 3)) FILTER (WHERE f.field = 'number'), p.branch) AS branch,
                coalesce(max(f.from_file) FILTER (WHERE f.field = 'kana_name'), p.kana_name) AS kana_name,
                coalesce(max(f.from_file) FILTER (WHERE f.field = 'birth_date'), p.birth_date::text) AS birth_date
            FROM facts_by_hand f
            CROSS JOIN LATERAL (
                SELECT * FROM persons q WHERE q.tenant_id = $1 AND q.person_id = f.person_id OFFSET 0
            ) AS p
            WHERE f.tenant_id = $1 AND f.field IN ('number', 'kana_name', 'birth_date')
            GROUP BY p.person_id, p.personal_id, p.symbol, p.number, p.branch, p.kana_name, p.birth_date
        ) AS filed
        JOIN roster_staging s ON s.symbol = filed.symbol AND s.number = filed.number
            AND s.branch IN ('', filed.branch) AND s.kana_name = filed.kana_name
            AND s.birth_date::text = filed.birth_date
        WHERE s.tenant_id = $1 AND (s.personal_id = '' OR filed.personal_id = '')
          AND NOT EXISTS (SELECT FROM roster_matches m WHERE m.tenant_id = $1 AND m.line = s.line)
          AND NOT EXISTS (SELECT FROM roster_matches m WHERE m.tenant_id = $1 AND m.person_id = filed.person_id)
    ) AS pairs
    WHERE persons = 1 AND rows = 1";

/// A branch is unique among those in the roster; among former holders the latest counts.
const BY_BRANCH: &str = "
    INSERT INTO roster_matches (tenant_id, line, person_id)
    SELECT DISTINCT ON (s.line) s.tenant_id, s.line, p.person_id
    FROM roster_staging s
    JOIN persons p ON p.symbol_key = s.symbol_key AND p.number_key = s.number_key
        AND p.branch_key = s.branch_key AND p.birth_date = s.birth_date
    WHERE s.tenant_id = $1 AND p.tenant_id = $1 AND s.branch_key <> ''
      AND (s.personal_id = '' OR p.personal_id = '')
      AND NOT EXISTS (SELECT FROM roster_matches m WHERE m.tenant_id = $1 AND m.line = s.line)
      AND NOT EXISTS (SELECT FROM roster_matches m WHERE m.tenant_id = $1 AND m.person_id = p.person_id)
    ORDER BY s.line, p.present DESC, p.person_id DESC";

macro_rules! without_choice {
    ($same:literal) => {
        concat!(
            "
    INSERT INTO roster_matches (tenant_id, line, person_id)
    SELECT tenant_id, line, person_id
    FROM (
        SELECT s.tenant_id, s.line, p.person_id,
            count(*) OVER (PARTITION BY s.line) AS persons, count(*) OVER (PARTITION BY p.person_id) AS rows
        FROM roster_staging s
        JOIN persons p ON p.symbol_key = s.symbol_key AND p.number_key = s.number_key AND ",
            $same,
            "
        WHERE s.tenant_id = $1 AND p.tenant_id = $1 AND (s.personal_id = '' OR p.personal_id = '')
          AND NOT EXISTS (SELECT FROM roster_matches m WHERE m.tenant_id = $1 AND m.line = s.line)
          AND NOT EXISTS (SELECT FROM roster_matches m WHERE m.tenant_id = $1 AND m.person_id = p.person_id)
    ) AS pairs
    WHERE persons = 1 AND rows = 1"
        )
    };
}

const BY_NAME: &str = without_choice!(
    "p.birth_date = s.birth_date AND p.kana_strict = s.kana_strict AND (s.branch_key = '' OR p.branch_key = '')"
);

/// Only of who was in the last roster: a number may be given anew, and a namesake must not come into an account. Of names
/// in kanji the blanks do not count.
const BY_CORRECTION: &str = without_choice!(
    "p.present AND p.branch_key = s.branch_key AND (p.kana_strict = s.kana_strict
         OR (s.name <> '' AND translate(p.name, ' 　', '') = translate(s.name, ' 　', '')))"
);

/// A name may change with a marriage.
const BY_BIRTH_DATE: &str = without_choice!("p.birth_date = s.birth_date AND (s.branch_key = '' OR p.branch_key = '')");
