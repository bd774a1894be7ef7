// The staff console: an administrator comes in, sets up an authenticator app or a passkey, and opens what there is.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { check, whole, WIDTHS } from '../harness.mjs';
import { INSURERS } from '../people.mjs';
import { isAt, press, says, totp } from '../steps.mjs';

const EMAIL = 'kanri@example.jp';
/** 給付担当 of each insurer of the demo. */
const BENEFITS = 'kyufu-kakari@example.jp';
const PASSWORD = 'asagao-no-niwa-2026';
/** Each has one administrator, who sets up one thing. */
const BY_APP = { 390: INSURERS[32290413], 1280: INSURERS[139998] };
const PAGES = {
  home: ['/console/', 'ホーム'],
  members: ['/console/members?list=1', '加入者'],
  workplaces: ['/console/workplaces', '事業所ごとの登録状況'],
  roster: ['/console/roster', '加入者の名簿'],
  'roster-new': ['/console/roster/new', '名簿のファイルを選ぶ'],
  protections: ['/console/protections', '保護'],
  letters: ['/console/letters?registered=either', '案内状'],
  'member-new': ['/console/members/new', '追加'],
  notices: ['/console/notices', 'お知らせ'],
  'notice-new': ['/console/notices/new', '新しいお知らせ'],
  terms: ['/console/terms', '規約'],
  settings: ['/console/settings', '設定'],
  branding: ['/console/settings/branding', '名前と色'],
  revisions: ['/console/settings/revisions', '設定の変更の記録'],
  staff: ['/console/staff', '職員'],
  invite: ['/console/staff/invite', '職員の招待'],
  clients: ['/console/clients', '連携先'],
  'client-new': ['/console/clients/new', '連携先の追加'],
  'client-vendor': ['/console/clients/vendor', '事業者の連携先の許可'],
  approvals: ['/console/approvals', '承認'],
  switches: ['/console/approvals/settings', '承認'],
  audit: ['/console/audit', '監査記録'],
  support: ['/console/support', '運営サポート'],
  account: ['/console/account', 'アカウント'],
  prove: ['/console/prove', '確認'],
};

export default function register(site) {
  for (const width of WIDTHS) {
    test(`an administrator sets up an authenticator app and opens every page at ${width} px`, async () => {
      const page = await site.page(width);
      await logIn(page, BY_APP[width]);
      await check(page, `console-enrol-${width}`);
      await page.goto('/console/enrol/app');
      await check(page, `console-enrol-app-${width}`);
      await page.fill('#f-app_code', totp(await page.textContent('#secret')));
      await press(page, '登録する');
      for (const [name, [path, heading]] of Object.entries(PAGES)) {
        assert.equal((await page.goto(path)).status(), 200, path);
        await says(page, heading);
        await check(page, `console-${name}-${width}`);
        await whole(page);
      }
      await walkMember(page, width);
      await walkClient(page, width);
      await page.context().close();
    });
  }

  test('the 給付担当 of the demo comes in and finds what is theirs', async () => {
    const page = await site.page(1280);
    await logIn(page, INSURERS[32290413], BENEFITS);
    await page.goto('/console/enrol/app');
    await page.fill('#f-app_code', totp(await page.textContent('#secret')));
    await press(page, '登録する');
    assert.equal((await page.goto('/console/statements')).status(), 200);
    await says(page, '医療費・お薬', '明細のファイルを取り込む');
    await page.context().close();
  });

  test('a passkey is kept and opens the console', async () => {
    const page = await site.page(1280);
    const debug = await page.context().newCDPSession(page);
    await debug.send('WebAuthn.enable');
    const options = {
      protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true,
      automaticPresenceSimulation: true,
    };
    await debug.send('WebAuthn.addVirtualAuthenticator', { options });
    const insurer = Object.values(INSURERS).find((one) => !Object.values(BY_APP).includes(one));
    await logIn(page, insurer);
    await page.goto('/console/enrol/passkey');
    await check(page, 'console-enrol-passkey');
    await Promise.all([page.waitForURL((url) => !url.pathname.endsWith('/passkey')), page.click('[data-passkey]')]);
    await press(page, 'ログアウト');
    await logIn(page, insurer);
    await isAt(page, '/console/login/factor');
    await check(page, 'console-factor');
    await Promise.all([page.waitForURL('**/console/'), page.click('[data-passkey]')]);
    await says(page, 'ホーム');
    await page.context().close();
  });
}

/** A member's page with a long note, and each page on which something is done for them; nothing else is. */
async function walkMember(page, width) {
  await page.goto('/console/members?list=1&registered=yes');
  await page.click('main table a');
  await says(page, '名簿の内容');
  await page.fill('#f-note', ['機種変更の相談。', '折り返し先は090-0000-0000、'.repeat(30), 'a'.repeat(200)].join('\n'));
  await press(page, '記録する');
  await says(page, '折り返し先は');
  await check(page, `console-member-${width}`);
  const member = new URL(page.url()).pathname;
  for (const way of ['logout', 'unlock', 'reset', 'close', 'email', 'proof', 'facts']) {
    assert.equal((await page.goto(`${member}/${way}`)).status(), 200, way);
    await check(page, `console-member-${way}-${width}`);
  }
  await page.fill('#f-kana_name', 'ケンポ　'.repeat(12));
  await page.fill('#f-name', '健保'.repeat(24));
  await page.fill('#f-address', '奈良県奈良市登大路町三十番地の十五'.repeat(6));
  await press(page, '確認へ進む');
  await says(page, '変更の確認');
  await check(page, `console-member-facts-confirm-${width}`);
}

/** A program of another system: made, its secret shown, and the pages on which something is done with it. */
async function walkClient(page, width) {
  await page.goto('/console/clients/new');
  await press(page, '追加する');
  await says(page, '権限の範囲を、1つ以上選んでください');
  await check(page, `console-client-mistakes-${width}`);
  await page.fill('#f-name', '基幹システム'.repeat(8));
  await page.fill('#f-contact', 'system@example.jp');
  await page.check('[name="scopes"][value="notices.read"]');
  await page.fill('#f-expires_on', '令和19年3月31日');
  await press(page, '追加する');
  await says(page, 'この画面は、1回だけ表示されます');
  await check(page, `console-client-secret-${width}`);
  const client = new URL(page.url()).pathname.replace(/\/secret$/, '');
  for (const way of ['', '/change', '/rotate', '/suspend', '/revoke']) {
    assert.equal((await page.goto(client + way)).status(), 200, way);
    await check(page, `console-client${way.replace('/', '-')}-${width}`);
    await whole(page);
  }
}

/** From the console's log-in page to the second factor, or to setting one up. */
export async function logIn(page, insurer, email = EMAIL) {
  await page.goto('/console/login');
  await page.fill('#f-insurer_code', insurer.code);
  await page.fill('#f-email', email);
  await page.fill('#f-password', PASSWORD);
  await press(page, '次へ');
}
