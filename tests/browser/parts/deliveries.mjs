// A file of costs on its way to a member: brought, checked, looked at, published, corrected, a claim of it withdrawn, and taken
// back; meanwhile she reads each amount at home. The second file and all of her pages go without scripts.

import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { check, reflow, screenshot, whole, WIDTHS } from '../harness.mjs';
import { DEMO_PASSWORD, INSURERS } from '../people.mjs';
import { acceptTerms, comeIn, follow, isAt, logIn, mailTo, mainText, press, says, texts, untilSays } from '../steps.mjs';

const INSURER = INSURERS['06139992'];
const EMAIL = 'kyufu@example.jp';
/** The newest label that the demo has published; the file is its second version. */
const SAMPLE = new URL('../../../tenants/06139992/samples/costs-2026-10.csv', import.meta.url);
const MEMBER = { number: ['21', '1002', '00'], personalId: 'K0000002', name: INSURER.registered.name };
const CHILD = { personalId: 'K0000005', name: '組合 空' };

/** 処理年月, claim, 個人ID, month, category, days, institution, total, insurer, others, copay, meals, benefit, withdrawn. */
const CLINIC = ['202610', 'M0000001', MEMBER.personalId, '202609', '医科外来', '2', 'ものがたり診療所', '10000', '7000', '0', '3000', '0', '0', ''];
const DENTIST = ['202610', 'M0000002', CHILD.personalId, '202609', '歯科外来', '1', 'ものがたり歯科', '5000', '4000', '0', '1000', '0', '0', ''];
const PHARMACY = ['202610', 'M0000003', MEMBER.personalId, '202609', '調剤', '1', 'ものがたり薬局', '4000', '2800', '0', '1200', '0', '0', ''];
/** Of whom the roster knows nobody. */
const STRANGER = ['202611', 'M0000004', 'K9999999', '202609', '医科外来', '1', 'ものがたり診療所', '1000', '700', '0', '300', '0', '0', ''];
const CORRECTED = ['202611', 'M0000001', MEMBER.personalId, '202609', '医科外来', '3', 'ものがたり診療所', '12000', '8400', '0', '3600', '0', '0', ''];

export default function register(site) {
  test('a delivery of costs is brought, seen beforehand, published, corrected and taken back', async () => {
    await site.command('staff', 'invite', INSURER.code, EMAIL, '--role', 'benefits');
    const page = await site.page(1280);
    await comeIn(page, INSURER, EMAIL, '給付 担当');
    const member = await enter(site);
    const before = await total(member);

    await bring(page, [CLINIC, DENTIST, PHARMACY]);
    await press(page, 'ファイルを確認する');
    await untilSays(page, '取り込む内容の確認');
    await says(page, '2026年10月処理分の内容', 'ファイルの明細', '9行', 'これまでの提供分との比較');
    await both(page, 'run-report');
    await load(page);
    await both(page, 'run-loaded');
    await follow(page, '提供分の画面を開く');
    await says(page, '第2版', '公開している第1版が、この版に置き換わります', '月ごとの内訳');
    await both(page, 'delivery');

    await lookAhead(page, before + 5200);
    assert.equal(await total(member), before);
    await publish(page);
    assert.equal(await total(member), before + 5200);
    await member.goto('/portal/costs/2026-09');
    await says(member, 'ものがたり診療所', '3,000円');
    await isTold(page, member);

    await correctWithoutScripts(site, page);
    await publish(page);
    assert.equal(await total(member), before + 5800);
    await member.goto('/portal/costs/2026-09');
    await says(member, '3,600円', '訂正');
    await plain(member, 'corrected');

    await lookAtHeld(page);
    await lookAtSettings(page);
    await withdrawClaim(page);
    assert.equal(await total(member), before + 4600);
    await takeBack(page);
    assert.equal(await total(member), before + 4000);
    await narrow(page, member);
    await protect(site, member);
    await page.goto('/console/statements');
    await says(page, '2026年11月処理分 第1版 取り下げ');
    await both(page, 'list');
    assert.deepEqual(page.problems, []);
    await member.context().close();
    await page.context().close();
  });

  test('the master of medicines is looked at by the platform', async () => {
    await site.command('staff', 'invite', 'platform', 'unyou.kusuri@example.jp', '--role', 'operator');
    const page = await site.page(1280);
    await comeIn(page, { code: '' }, 'unyou.kusuri@example.jp', '運営 担当', '/operator/');
    assert.equal((await page.goto('/operator/drugs')).status(), 200);
    await says(page, '医薬品マスター');
    await both(page, 'operator-drugs');
    await page.context().close();
  });

  test('whoever only answers the phone comes to none of it', async () => {
    await site.command('staff', 'invite', INSURER.code, 'denwa.kyufu@example.jp', '--role', 'call_centre');
    const page = await site.page(1280);
    await comeIn(page, INSURER, 'denwa.kyufu@example.jp', '電話 給付');
    for (const path of ['', '/import', '/held', '/claims', '/preview', '/disclosures', '/settings']) {
      assert.equal((await page.goto(`/console/statements${path}`)).status(), 403, path);
    }
    await page.context().close();
  });
}

/** A file of these rows, and those of the version before where it replaces one; ends at its columns. */
async function bring(page, rows) {
  const folder = await mkdtemp(join(tmpdir(), 'costs-'));
  const [header, ...old] = (await readFile(SAMPLE, 'utf8')).trimEnd().split(/\r?\n/u);
  const isSecondVersion = rows[0][0] === '202610';
  const file = join(folder, '医療費.csv');
  await writeFile(file, [header, ...rows.map((row) => row.join(',')), ...(isSecondVersion ? old : []), ''].join('\r\n'));
  await page.goto('/console/statements');
  await follow(page, '明細のファイルを取り込む');
  await isAt(page, '/console/statements/import', '明細のファイルを選ぶ');
  if (isSecondVersion) await both(page, 'import');
  await page.setInputFiles('#f-costs', file);
  await press(page, '読み込む（医療費通知）');
  await rm(folder, { recursive: true });
  await untilSays(page, 'ファイルの列の確認');
  await says(page, 'はじめの', '列の対応', 'レセプト番号', 'ものがたり診療所');
  if (isSecondVersion) await both(page, 'run-columns');
}

/** From the check's report to where it stands that all of it was taken. */
async function load(page) {
  const agree = page.locator('#f-agree');
  if ((await agree.count()) === 1) await agree.check();
  await press(page, '取り込む');
  await untilSays(page, '取り込みました');
  await says(page, '公開するまで、加入者には見えません');
}

/** What she will see, before she does. */
async function lookAhead(page, expected) {
  const delivery = page.url();
  await follow(page, '公開する前に、加入者に見える画面を確かめる');
  await isAt(page, '/console/statements/preview', '表示の確認');
  const [symbol, number, branch] = MEMBER.number;
  await page.fill('#f-symbol', symbol);
  await page.fill('#f-number', number);
  await press(page, '表示する');
  await says(page, '理由を選んでください');
  await both(page, 'preview-refused');
  await page.fill('#f-branch', branch);
  await page.check('#f-reason-before_publication');
  await both(page, 'preview');
  await press(page, '表示する');
  await says(page, `${MEMBER.name}さん`, 'ものがたり診療所');
  assert.ok((await page.locator('body').innerText()).includes('閲覧は記録され、本人に知らされます'));
  assert.equal(yen(await mainText(page)), expected);
  await both(page, 'preview-shown');
  await page.locator('main .bars a').first().click();
  await both(page, 'preview-month');
  await lookFurther(page);
  await page.goto(delivery);
}

/** What else of hers they look at: the year for the tax return, and her medicines. */
async function lookFurther(page) {
  const reason = new URL(page.url()).search;
  const person = page.url().split('/preview/')[1].split('/')[0];
  for (const [name, way, heading] of [
    ['tax', 'costs/tax/2026', '2026年'],
    ['medicines', 'medicines', 'ジェネリック'],
  ]) {
    await page.goto(`/console/statements/preview/${person}/${way}${name === 'tax' ? reason : '?reason=before_publication'}`);
    await says(page, heading);
    await both(page, `preview-${name}`);
  }
}

/** The row of nobody: found in the list, sought for, and left as it is. */
async function lookAtHeld(page) {
  await page.goto('/console/statements/held');
  await says(page, '保留の行', STRANGER[2], '名簿に当てはまる方がいない');
  await both(page, 'held');
  await page.locator('main tbody a').first().click();
  await says(page, '保留の行の確認');
  const row = page.url();
  await both(page, 'held-row');
  await press(page, '探す');
  await both(page, 'held-refused');
  await page.fill('#f-symbol', MEMBER.number[0]);
  await page.fill('#f-number', MEMBER.number[1]);
  await press(page, '探す');
  await says(page, MEMBER.name);
  await both(page, 'held-people');
  await follow(page, `この方の行にする（${MEMBER.name}）`);
  await says(page, '行の割り当ての確認');
  await both(page, 'held-settle');
  await page.goto(`${row}/drop`);
  await both(page, 'held-drop');
  await page.goto('/console/statements/held/remembered');
  await both(page, 'held-remembered');
}

/** A setting is changed as people type it, and taken back. */
async function lookAtSettings(page) {
  await page.goto('/console/statements/settings');
  await both(page, 'settings');
  await page.fill('#f-min_month_yen', '1,00');
  await press(page, '保存する');
  await both(page, 'settings-refused');
  await page.fill('#f-min_month_yen', '1,000円');
  await page.fill('#f-why', '削減可能金額の少ない方には提案しない。');
  await press(page, '保存する');
  await says(page, '保存しました', '削減可能金額の少ない方には提案しない。');
  await both(page, 'settings-saved');
  await page.locator('main a[href$="/take-back"]').first().click();
  await both(page, 'settings-back');
  await page.fill('#f-why', 'もとの額に戻す。');
  await press(page, '元に戻す');
  await says(page, '元に戻しました');
}

async function publish(page) {
  await follow(page, '公開へ進む');
  await press(page, '公開する');
  await says(page, '公開する時期');
  await page.check('#f-when-now');
  await both(page, 'publish');
  await press(page, '公開する');
  await says(page, '公開中');
  await both(page, 'published');
}

/** By a mail that tells nothing, and of whoever looked ahead. */
async function isTold(page, member) {
  // A part before this one may have given her a new address.
  await member.goto('/portal/account');
  const [address] = /[\w.-]+@example\.jp/u.exec(await mainText(member));
  const mail = await mailTo(page, address, '新しい医療費のお知らせ');
  assert.doesNotMatch(mail.text, /ものがたり|3,000|5,200|9月|組合 (京子|空)/u);
  await member.goto('/portal/account/looks');
  await says(member, '公開前の確認', '保険者の職員');
  assert.doesNotMatch(await mainText(member), /給付 担当/u);
  await plain(member, 'looks');
}

/** The same clerk on a phone. Ends on the new delivery's page, in the first window. */
async function correctWithoutScripts(site, page) {
  const phone = await site.page(390, { javaScript: false });
  await phone.context().addCookies(await page.context().cookies());
  await bring(phone, [CORRECTED, STRANGER]);
  await press(phone, 'ファイルを確認する');
  await untilSays(phone, '取り込む内容の確認');
  await says(phone, '1件を訂正し（総額+2,000円）');
  await plain(phone, 'run-report');
  await load(phone);
  await follow(phone, '提供分の画面を開く');
  await plain(phone, 'delivery');
  await page.goto(phone.url());
  await phone.context().close();
}

async function withdrawClaim(page) {
  await page.goto('/console/statements');
  await follow(page, 'レセプトの取り下げ');
  await page.check('#f-kind-costs');
  await page.fill('#f-claim', 'M9999999');
  await page.fill('#f-month', '2026年9月');
  await press(page, '探す');
  await both(page, 'claims-refused');
  await page.fill('#f-claim', PHARMACY[1]);
  await press(page, '探す');
  await says(page, 'レセプトの確認', PHARMACY[6], '1,200円', MEMBER.name);
  await both(page, 'claim');
  await page.locator('#f-reason input').first().check();
  await page.fill('#f-text', '薬局から取り下げの連絡がありました。');
  await press(page, 'レセプトを取り下げる');
  await both(page, 'claim-struck');
  await page.goto('/console/statements/claims');
  await says(page, PHARMACY[1], '給付 担当');
  await both(page, 'claims');
}

/** Of the correction: what was published before it counts again. */
async function takeBack(page) {
  await page.goto('/console/statements');
  await page.locator('main tbody a', { hasText: '2026年11月' }).click();
  await follow(page, '取り下げへ進む');
  await press(page, '取り下げる');
  await says(page, '取り下げる理由を選んでください');
  await page.locator('#f-why input').first().check();
  await both(page, 'withdraw');
  await press(page, '取り下げる');
  await says(page, '取り下げました');
  await both(page, 'withdrawn');
}

/** The desk narrows the child's costs, and she sees the rest alone. */
async function narrow(page, member) {
  const all = await total(member);
  await member.selectOption('#f-person', { label: CHILD.name });
  await press(member, '表示する');
  const theirs = yen(await mainText(member));
  assert.ok(theirs >= 1000);
  await page.goto('/console/statements/disclosures');
  await page.fill('#f-symbol', MEMBER.number[0]);
  await page.fill('#f-number', MEMBER.number[1]);
  await press(page, '世帯を表示する');
  await says(page, '申し出た方を選ぶ', MEMBER.name);
  await both(page, 'disclosures-found');
  await follow(page, CHILD.name);
  await page.check('#f-costs-self_only');
  await both(page, 'disclosure');
  await press(page, '変更する');
  await page.goto('/console/statements/disclosures');
  await says(page, CHILD.name, '自分だけに表示する');
  await both(page, 'disclosures');
  assert.equal(await total(member), all - theirs);
  assert.ok(!(await texts(member, '.costs tbody th[scope="row"]')).includes(CHILD.name));
}

/** Her child must not be found: of medicines and costs she sees what she would of a family without its visits, until that is lifted. */
async function protect(site, member) {
  await site.command('staff', 'invite', INSURER.code, 'shikaku.hogo@example.jp', '--role', 'eligibility');
  const page = await site.page(1280);
  await comeIn(page, INSURER, 'shikaku.hogo@example.jp', '資格 担当');
  await page.goto('/console/statements/disclosures/file');
  await says(page, '表示の希望のCSV');
  await both(page, 'disclosures-file');
  const person = async (path) => {
    await member.goto(path);
    await member.selectOption('#f-person', { label: CHILD.name });
    await press(member, '表示する');
    return mainText(member);
  };
  assert.ok(!(await person('/portal/medicines')).includes('まだデータがありません'));
  await page.goto('/console/protections');
  await page.fill('#f-symbol', MEMBER.number[0]);
  await page.fill('#f-number', MEMBER.number[1]);
  await press(page, '世帯を表示する');
  await follow(page, CHILD.name);
  await page.fill('#f-reason', '親権を持つ方からの申し出です。');
  await both(page, 'protect-child');
  await press(page, '確認へ進む');
  await press(page, '1人を保護する');
  for (const path of ['/portal/medicines', '/portal/costs?year=2026']) {
    assert.ok((await person(path)).includes('まだデータがありません'), path);
  }
  await page.goto('/console/protections');
  await follow(page, `解除する（${CHILD.name}）`);
  await page.fill('#f-reason', '同じ方からの申し出です。');
  await press(page, '保護を解除する');
  assert.ok(!(await person('/portal/medicines')).includes('まだデータがありません'));
  await page.context().close();
}

/** The member at home, without scripts. */
async function enter(site) {
  const page = await site.page(390, { javaScript: false });
  await logIn(page, INSURER.registered.userId, DEMO_PASSWORD);
  // A part before this one gave her a new password.
  if (new URL(page.url()).pathname === '/portal/') await logIn(page, INSURER.registered.userId);
  await acceptTerms(page);
  await isAt(page, '/portal/mypage');
  return page;
}

/** What a year costs her and her family at the window, as her page tells it. */
async function total(page) {
  await page.goto('/portal/costs?year=2026');
  return yen(await mainText(page));
}

function yen(text) {
  const [, amount] = /窓口負担は、[^。]*?([\d,]+)円でした/u.exec(text) ?? assert.fail(text);
  return Number(amount.replaceAll(',', ''));
}

/** Everything that must hold for a page, on the desk and on a phone. */
async function both(page, name) {
  const size = page.viewportSize();
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: size.height });
    await check(page, `deliveries-${name}`);
    await whole(page);
  }
  await page.setViewportSize(size);
}

/** What can be seen of a page without scripts. */
async function plain(page, name) {
  await reflow(page);
  await screenshot(page, `deliveries-plain-${name}`);
}
