//! Who and what there is where the plans are looked at.

use super::{statements, webhooks};
use kernel::FOLD_VERSION;

/// What an insurer has few of: colleagues, drafts, imports.
const FEW: u32 = 50;

/// A large insurer, and many small ones. Written by the superuser, past every use case: it is only mass. What an insurer has
/// few of in life, however many members, it has few of here (`few`): statements on it are planned as they are then.
pub(crate) fn crowd(tenant: i32, members: u32) -> String {
    let (elsewhere, insurers) = (members / 2, members / 10);
    format!(
        "INSERT INTO insurers SELECT 100000 + n, lpad((n + 100000)::text, 6, '0'), name, kind, state, revision, settings,
             created_at, updated_at, applied_by
         FROM insurers, generate_series(1, {insurers}) n WHERE tenant_id = {tenant};
         CREATE TEMP TABLE crowd AS
             SELECT {tenant} AS tenant, n, md5('person' || n)::uuid AS person, md5('account' || n)::uuid AS account
             FROM generate_series(1, {members}) n
             UNION ALL
             SELECT 100000 + n % {insurers} + 1, n, md5('person' || n)::uuid, md5('account' || n)::uuid
             FROM generate_series({members} + 1, {members} + {elsewhere}) n;
         CREATE TEMP TABLE few AS SELECT * FROM crowd WHERE tenant <> {tenant} OR n <= {FEW};
         INSERT INTO persons SELECT tenant, person, '200', '200', n::text, n::text, '00', '0', 'ケンポ タロウ', 'ケンポ タロウ',
             'ケンポタロウ', 'ケンポタロウ', {FOLD_VERSION}, '健保 太郎', '', '1985-04-01', '', '本人', true, NULL, NULL, true, '', '', '', '', '', '',
             '', '', '', '', '', now(), now() FROM crowd;
         UPDATE persons SET name_key = '健保太郎', employee_number = 'E-' || number, employee_key = 'E-CROWD-' || number,
             email_key = 'crowd-' || number || '@example.jp', phone_key = '03' || lpad(number, 8, '0'), workplace_code = 'W' || number::int % 100,
             registered = true,
             birth_date = CASE WHEN number::int % 1000 = 0 THEN date '1940-01-01' ELSE birth_date END
             WHERE symbol = '200';
         INSERT INTO person_numbers SELECT tenant, person, person, '199', '199', n::text, n::text, '00', '0', '2026-04-01'
             FROM crowd;
         INSERT INTO roster_changes SELECT tenant, 1000000 + n, person, person, 'new', '{{}}', now() FROM crowd WHERE tenant = {tenant};
         UPDATE roster_heads SET position = 1000000 + {members} WHERE tenant_id = {tenant};
         INSERT INTO roster_heads (tenant_id, position, fold_version) SELECT 100000 + n, 0, {FOLD_VERSION} FROM generate_series(1, {insurers}) n;
         INSERT INTO accounts SELECT tenant, account, person, 'crowd-' || n, '', now(), 'crowd@example.jp', now(), timestamptz '2020-01-01',
             timestamptz '2020-01-01' FROM crowd;
         INSERT INTO login_names SELECT sha256(('crowd-' || n)::bytea), tenant, account FROM crowd;
         INSERT INTO mail_wishes SELECT tenant, account, 'notices', md5('wish' || n), NULL FROM crowd;
         INSERT INTO consents SELECT tenant, gen_random_uuid(), account, 0, d, 1, d, '', now(), 'portal', NULL
             FROM crowd, unnest(ARRAY['service', 'points']) d;
         INSERT INTO sessions SELECT tenant, sha256((account::text || s)::bytea), gen_random_uuid(), 'member', account, now(),
             now(), now() + interval '1 day', 1800, NULL, '' FROM crowd, generate_series(1, 2) s;
         INSERT INTO sign_up_tickets SELECT tenant, md5('ticket' || n)::uuid, sha256(n::text::bytea), person, '', '', NULL, NULL,
             NULL, NULL, 0, 0, NULL, NULL, now(), now() + interval '1 hour', NULL FROM crowd;
         INSERT INTO codes SELECT tenant, account, 'sign_up', gen_random_uuid(), '', now() + interval '1 hour' FROM crowd;
         INSERT INTO links SELECT tenant, sha256(n::text::bytea), account, 'reset', now() + interval '1 hour' FROM crowd;
         INSERT INTO email_changes SELECT tenant, account, '', 0, 0, now(), account, now() + interval '1 hour' FROM crowd;
         INSERT INTO wrong_codes SELECT tenant, person, 1 FROM crowd;
         INSERT INTO throttles SELECT t, 'log_in', sha256(n::text::bytea), 1, now(), 0, true, NULL, now()
             FROM crowd, unnest(ARRAY[tenant, 0]) t;
         INSERT INTO mails SELECT tenant, gen_random_uuid(), 'code', '', '', account, NULL, 'sent', 1, NULL, NULL, NULL, now(), now()
             FROM crowd;
         INSERT INTO due SELECT tenant, 'mail', account, at, at, 2, at
             FROM (SELECT *, now() + interval '1 year' + n * 7919 % 20011 * interval '1 second' AS at FROM crowd) AS lines;
         INSERT INTO due SELECT tenant, 'nobodys', gen_random_uuid(), now(), now(), 2, now() FROM crowd;
         INSERT INTO events SELECT tenant, ('f' || right(gen_random_uuid()::text, 35))::uuid, 'account.registered', account, '{{}}', now() FROM crowd;
         INSERT INTO audit_events SELECT tenant, ('f' || right(gen_random_uuid()::text, 35))::uuid, now(), 'member', account, 'session.open', 'done', 'account',
             account, 'portal', NULL, NULL, '{{}}' FROM crowd;
         INSERT INTO audit_subjects SELECT tenant_id, object_id, audit_id, at FROM audit_events
             WHERE object_id IS NOT NULL;
         INSERT INTO audit_looks SELECT tenant, md5('clerk' || n % 100)::uuid, person, now() FROM crowd;
         INSERT INTO notices SELECT {tenant}, md5('to all' || n)::uuid, 'insurer', NULL, NULL, 'お知らせ', '本文',
             timestamptz '2026-11-22' - n * interval '1 minute', NULL, now(), now() FROM generate_series(1, 3000) n;
         INSERT INTO notices SELECT tenant, md5('to one' || n)::uuid, 'person', person, NULL, 'お知らせ', '本文',
             timestamptz '2026-10-01', NULL, now(), now() FROM crowd;
         UPDATE notices SET workplace_code = 'W9', with_dependants = true, age_from = 40
             WHERE title = 'お知らせ' AND audience = 'insurer' AND published_at::time < '00:10';
         INSERT INTO staff SELECT tenant, account, 'staff' || n, 'staff' || n, '', NULL, NULL, 0, 0, 0, now(), NULL, NULL, NULL,
             NULL, NULL FROM few;
         INSERT INTO clients SELECT tenant, account, 'x', ''::bytea, '{{}}', NULL, 'active', now(), NULL, NULL FROM few;
         INSERT INTO client_secrets SELECT tenant, account, account, ''::bytea, now(), NULL FROM few;
         INSERT INTO client_grants SELECT tenant, account, account, tenant, 'x', '{{}}', '{{}}', NULL, 'active', 'active', now(), NULL,
             NULL, NULL FROM few;
         INSERT INTO client_tokens SELECT tenant, sha256((account::text || s)::bytea), account, '{{}}', '{{}}', timestamptz '2040-01-01'
             FROM few, generate_series(1, CASE tenant WHEN {tenant} THEN 400 ELSE 1 END) s;
         INSERT INTO client_scopes_used SELECT tenant, account, s, now() FROM few, unnest(ARRAY['a', 'b', 'c', 'd', 'e', 'f']) s;
         INSERT INTO client_days SELECT tenant, account, date '2026-10-01' + d, 1, 0, 0 FROM few, generate_series(1, 30) d;
         INSERT INTO idempotency_keys SELECT tenant, person, sha256(n::text::bytea), ''::bytea, timestamptz '2035-01-01' + n * interval '1 second',
             timestamptz '2035-01-01', ''::bytea FROM crowd;
         INSERT INTO staff_roles SELECT tenant, account, 'viewer', NULL, NULL, NULL, now() FROM few;
         INSERT INTO tasks SELECT tenant, account, person, NULL, 'survey', person, 'open', true, NULL, NULL, '{{}}', now() FROM crowd;
         INSERT INTO roster_imports SELECT tenant, ('0' || right(gen_random_uuid()::text, 35))::uuid, 'finished', now(), now(), '',
             '', '', 0, 0, 0, 0, 0, 0, 0 FROM few;
         INSERT INTO member_notes SELECT tenant, person, person, ''::bytea, person, now(), NULL FROM crowd;
         INSERT INTO protections SELECT tenant, person, person, NULL, ''::bytea, person, now() - interval '1 day' * (n % 900),
             account, now(), ''::bytea, 'ケンポタロウ' FROM crowd;
         UPDATE protections SET lifted_by = NULL, lifted_at = NULL, lifted_reason = NULL
             WHERE tenant_id % 3 = 0 AND tenant_id > 100000 AND person_id IN (SELECT person FROM crowd WHERE n % 7 = 0);
         UPDATE protections x SET position = c.n FROM crowd c WHERE x.tenant_id = c.tenant AND x.protection_id = c.person;
         INSERT INTO registrations SELECT tenant, 1000000 + n, account, person, 'registered', now() FROM crowd;
         INSERT INTO feed_heads SELECT DISTINCT tenant, 'registrations', 9000000 FROM crowd
             ON CONFLICT (tenant_id, feed) DO UPDATE SET position = 9000000;
         INSERT INTO letters SELECT tenant, person, person, 'print', now(), account FROM crowd;
         INSERT INTO registration_days SELECT {tenant}, d, 1 FROM generate_series(date '2025-11-20', '2026-11-15', '1 day') d
             UNION ALL SELECT 100000 + n, d, 1
             FROM generate_series(1, {insurers}) n, generate_series(date '2026-11-10', '2026-11-15', '1 day') d;
         INSERT INTO sign_up_failures SELECT {tenant}, d, 'other_facts', w::text, '200', 1
             FROM generate_series(date '2025-11-20', '2026-10-01', '1 day') d, generate_series(1, 50) w;
         INSERT INTO roster_workplaces SELECT {tenant}, 'W' || n, '300', '300', n, 0 FROM generate_series(1, 5000) n;
         INSERT INTO roster_tallies SELECT 100000 + n, now(), '2026-11-22', 0, 0 FROM generate_series(1, {insurers}) n;
         INSERT INTO pages SELECT tenant_id, 'medical-guide', '', '', now() FROM insurers ON CONFLICT DO NOTHING;
         INSERT INTO terms_documents SELECT tenant_id, 'addendum', 1, 1, '', now(), NULL, '', ''
             FROM insurers ON CONFLICT DO NOTHING;
         INSERT INTO notice_reads SELECT tenant, account, md5('to one' || n)::uuid, now() FROM crowd;
         INSERT INTO notice_reads SELECT tenant, account, md5('to all' || n % 3000 + 1)::uuid, now()
             FROM crowd WHERE tenant = {tenant};
         INSERT INTO desk_email_changes SELECT tenant, account, ''::bytea, person, 0, 0, now(), account, now(), NULL,
             now() + interval '1 year' FROM crowd;
         INSERT INTO notice_drafts SELECT tenant, md5('draft' || n)::uuid, 1, 'お知らせ', '本文', NULL, NULL, NULL, NULL, false, NULL,
             NULL, false, NULL, now(), timestamptz '2026-10-01' + n * interval '1 second', person FROM few;
         INSERT INTO roster_before SELECT tenant, lpad(to_hex(1000000 + n), 32, '0')::uuid, ''::bytea FROM crowd;
         INSERT INTO facts_by_hand SELECT tenant, person, 'phone', '', now() FROM few;
         INSERT INTO roster_mappings SELECT 100000 + n, '電話', 'TEL' FROM generate_series(1, {insurers}) n;
         INSERT INTO facts_ended SELECT tenant, md5('ended' || n)::uuid, person, person, ''::bytea FROM crowd;
         INSERT INTO approvals SELECT tenant, md5('wish' || n)::uuid, 'grant', '', person, NULL, NULL, ''::bytea, 'done', account,
             timestamptz '2026-10-01', timestamptz '2026-10-08', person, timestamptz '2026-10-02', NULL FROM crowd;
         INSERT INTO audit_seals SELECT 100000 + n, s, md5('seal' || s)::uuid, 0, 0, 0, '', '', '', now()
             FROM generate_series(1, {insurers}) n, generate_series(1, 10) s;
         INSERT INTO audit_segments SELECT tenant_id, segment, ''::bytea FROM audit_seals WHERE tenant_id > 100000;
         INSERT INTO kept_forms SELECT tenant, gen_random_uuid(), '', timestamptz '2026-11-22' + d * interval '1 year'
             FROM crowd, unnest(ARRAY[-1, 1]) d;
         {}
         {}
         ANALYZE",
        statements::treated(tenant, insurers),
        webhooks::told(tenant, members / 10)
    )
}
