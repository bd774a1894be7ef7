// An insurer runs its own portal: one administrator from the invitation to the auditor who reads it all. Last of the parts,
// for it changes the insurer that others walk.

import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { check } from '../harness.mjs';
import { DEMO_PASSWORD, INSURERS } from '../people.mjs';
import { acceptTerms, comeIn, follow, logIn as memberLogIn, mailTo, mainText, press, says, untilSays } from '../steps.mjs';

const INSURER = INSURERS['06139992'];
const ROSTER = new URL('../../../tenants/06139992/sample-roster.csv', import.meta.url);

export default function register(site) {
  test('an insurer runs its own portal', async () => {
    await site.command('staff', 'invite', INSURER.code, 'madoguchi.tanto@example.jp', '--role', 'administrator');
    const page = await site.page(1280);
    await comeIn(page, INSURER, 'madoguchi.tanto@example.jp', '窓口 担当');
    await bringRoster(page);
    await mendName(page);
    await protect(page);
    await printLetters(page);
    await publishNotice(page, site);
    await reviseTerms(page);
    await changeColour(page, site);
    await inviteColleague(page, site);
    await readTrail(page, site);
    await page.context().close();
  });
}

/** The sample roster with one more person in it. */
async function bringRoster(page) {
  const folder = await mkdtemp(join(tmpdir(), 'roster-'));
  const text = await readFile(ROSTER, 'utf8');
  const lines = text.trimEnd().split(/\r?\n/u);
  const header = lines[0].replace('\ufeff', '').split(',');
  const person = lines[1].split(',');
  const put = (name, value) => (person[header.indexOf(name)] = value);
  for (const [name, value] of Object.entries({
    個人ID: 'K9990001', 社員コード: '999001', 番号: '9001', '氏名（漢字）': '物語　花', '対象者氏名（カナ）': 'モノカタリ　ハナ', メール: '',
  })) put(name, value);
  const file = join(folder, '名簿.csv');
  await writeFile(file, `${text.trimEnd()}\r\n${person.join(',')}\r\n`);
  await page.goto('/console/roster/new');
  await page.setInputFiles('#f-file', file);
  await press(page, '読み込む');
  await untilSays(page, '列の対応');
  await check(page, 'story-roster-check');
  await press(page, '今の名簿と照合する');
  await untilSays(page, '変わる内容');
  await check(page, 'story-roster-difference');
  await press(page, 'この内容で取り込む');
  await untilSays(page, '取り込みました');
  await check(page, 'story-roster-result');
  await rm(folder, { recursive: true });
}

async function mendName(page) {
  await find(page, '21-9001');
  await follow(page, '名簿の内容を変更する');
  await check(page, 'story-facts');
  await page.fill('[name=kana_name]', 'モノガタリ　ハナ');
  await press(page, '確認へ進む');
  await says(page, 'モノガタリ');
  await check(page, 'story-facts-confirm');
  await press(page, '変更する');
  await find(page, 'モノガタリ');
  await says(page, '物語 花');
}

async function protect(page) {
  await page.goto('/console/protections');
  await page.fill('#f-symbol', '21');
  await page.fill('#f-number', '9001');
  await press(page, '世帯を表示する');
  await page.click('main table a');
  await page.fill('#f-reason', 'ご本人からの申し出です。');
  await check(page, 'story-protections-new');
  await press(page, '確認へ進む');
  await check(page, 'story-protections-confirm');
  await press(page, '1人を保護する');
  await says(page, '物語');
  await check(page, 'story-protections');
}

async function printLetters(page) {
  await page.goto('/console/letters?registered=no');
  await page.goto('/console/letters');
  await page.locator('main tbody input[type=checkbox]').first().check();
  await press(page, '選んだ方の案内状を印刷する');
  await says(page, 'マイページ登録のご案内');
  await check(page, 'story-letter');
}

async function publishNotice(page, site) {
  await page.goto('/console/notices/new');
  await page.fill('#f-title', '健診のご案内が始まります');
  await page.fill('#f-body', '12月から健診の予約を受け付けます。\n\n- 会場は本社です\n- 費用はかかりません');
  await page.check('#f-aim-everybody');
  await page.check('#f-mail');
  await check(page, 'story-notice-new');
  await press(page, '保存して確認する');
  await check(page, 'story-notice-draft');
  await follow(page, '公開へ進む');
  await check(page, 'story-notice-publish');
  await press(page, '公開する');
  await check(page, 'story-notice-published');
  const mail = await mailTo(page, 'kyoko.kumiai@example.jp', 'お知らせ', ({ subject, text }) => text.includes(INSURER.name) && !/医療費|お薬/.test(subject));
  assert.ok(!`${mail.subject}${mail.text}`.includes('健診'), mail.text);
  const member = await site.page(390);
  await memberLogIn(member, INSURER.registered.userId, DEMO_PASSWORD);
  // A part before this one gave the member a new password.
  if (new URL(member.url()).pathname === '/portal/') await memberLogIn(member, INSURER.registered.userId);
  await acceptTerms(member);
  await member.goto('/portal/notices');
  await says(member, '健診のご案内が始まります');
  await member.context().close();
}

async function reviseTerms(page) {
  await page.goto('/console/terms');
  await check(page, 'story-terms');
  await page.locator('main a.btn').first().click();
  await page.fill('#f-effective_on', dayAfter(2));
  await page.fill('#f-changes', 'お問い合わせ先を改めました。');
  const body = await page.inputValue('#f-body');
  await page.fill('#f-body', `${body.trimEnd()}\n\n## 附則\n\nこの版は、施行日から適用します。\n`);
  await page.check('#f-again-yes');
  await check(page, 'story-terms-draft');
  await press(page, '保存して公開の確認へ進む');
  await says(page, '本文の違い');
  await check(page, 'story-terms-publish');
  await press(page, '公開する');
  await page.goto('/console/terms');
  await says(page, '施行前');
}

async function changeColour(page, site) {
  await page.goto('/console/settings');
  await check(page, 'story-settings');
  await page.goto('/console/settings/branding');
  await page.fill('form[action="/console/settings/branding"] [name=brand_color], form[action="/console/settings/branding"] [name=color]', '#0b5394');
  await page.fill('#f-why', '新しい色に合わせるため');
  await check(page, 'story-settings-branding');
  await press(page, '保存する');
  await page.goto('/console/settings/revisions');
  await says(page, '新しい色に合わせるため');
  await check(page, 'story-settings-revisions');
}

async function inviteColleague(page, site) {
  await invite(page, 'denwa@example.jp', '電話 係', 'call_centre');
  const other = await site.page(1280);
  await comeIn(other, INSURER, 'denwa@example.jp', '電話 係');
  const menu = await other.locator('nav').first().innerText();
  for (const hidden of ['職員', '設定を変える', '監査記録', '保護', '案内状']) assert.ok(!menu.includes(hidden), `${hidden} in ${menu}`);
  for (const path of ['/console/staff', '/console/audit', '/console/protections', '/console/letters', '/console/roster/new']) {
    assert.equal((await other.goto(path)).status(), 403, path);
  }
  await check(other, 'story-forbidden');
  await find(other, '21-9001');
  await says(other, '資格担当へ');
  assert.ok(!(await mainText(other)).includes('モノガタリ'));
  await other.context().close();
}

async function readTrail(page, site) {
  await invite(page, 'kansa@example.jp', '監査 係', 'auditor');
  const other = await site.page(1280);
  await comeIn(other, INSURER, 'kansa@example.jp', '監査 係');
  await other.goto('/console/audit');
  await check(other, 'story-audit');
  const text = await mainText(other);
  assert.ok(text.includes('窓口 担当'), text);
  await other.context().close();
}

async function invite(page, email, name, role) {
  await page.goto('/console/staff');
  await follow(page, '職員を招待する');
  await page.fill('#f-email', email);
  await page.fill('#f-name', name);
  await page.check(`#f-role-${role}`);
  await check(page, 'story-staff-invite');
  await press(page, '招待する');
  await page.goto('/console/staff');
  await says(page, name);
  await check(page, 'story-staff');
}

async function find(page, term) {
  await page.goto('/console/members');
  await page.fill('#f-q', term);
  await press(page, '検索する');
  const link = page.locator('main tbody th a');
  if ((await link.count()) === 1) await link.click();
}

function dayAfter(days) {
  const day = new Date(Date.now() + 9 * 3_600_000 + days * 86_400_000);
  return day.toISOString().slice(0, 10);
}
