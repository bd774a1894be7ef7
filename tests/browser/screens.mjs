// The README's pictures, taken anew: `node tests/browser/screens.mjs` after `cargo build --package madoguchi`. Small WebP
// files in tests/browser/screens/; what the tests take of every page lies in target/screens/ and is not kept.

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { open } from './harness.mjs';
import { logIn as logInAsStaff } from './parts/console.mjs';
import { INSURERS } from './people.mjs';
import { acceptTerms, codeIn, fillAccount, fillIdentity, follow, logIn, mailTo, press, totp } from './steps.mjs';

const FOLDER = join(dirname(fileURLToPath(import.meta.url)), 'screens');
const PHONE = 390;
const DESKTOP = 1280;
const NOTICE = `今年も、インフルエンザの予防接種の費用を補助します。

## 対象になる方

- 組合員と被扶養者の方
- 10月1日から1月31日までに接種した方

**領収書**を、なくさないように取っておいてください。`;

await mkdir(FOLDER, { recursive: true });
const site = await open();
try {
  const insurer = INSURERS[32290413];
  const phone = await site.page(PHONE);
  const email = 'taro@example.jp';

  await phone.goto(`/portal/signup?insurer=${insurer.code}`);
  await fillIdentity(phone, insurer.people.desktop);
  await press(phone, '認証');
  await fillAccount(phone, { userId: 'kenpo-taro', email });
  await press(phone, '作成する');
  await take(phone, 'code');
  await phone.fill('#f-code', codeIn(await mailTo(phone, email, '認証番号')));
  await press(phone, 'OK');
  await logIn(phone, 'kenpo-taro');
  await take(phone, 'terms');
  await acceptTerms(phone);
  await press(phone, 'ログアウト');
  await logIn(phone, 'kenpo-taro');
  await take(phone, 'my-page-phone');

  const desktop = await site.page(DESKTOP);
  await desktop.goto(`/portal/signup?insurer=${insurer.code}`);
  await take(desktop, 'sign-up');
  await logIn(desktop, 'kenpo-taro');
  await take(desktop, 'my-page');

  // Three phones side by side, as one picture.
  const shots = [];
  for (const { code } of Object.values(INSURERS)) {
    const page = await site.page(PHONE);
    await page.goto(`/portal/signup?insurer=${code}`);
    shots.push(`data:image/png;base64,${(await page.screenshot()).toString('base64')}`);
  }
  const table = await site.page(DESKTOP);
  await table.setViewportSize({ width: 3 * PHONE + 40, height: 844 });
  await table.setContent(
    `<body style="margin:0;display:flex;gap:20px;background:#767676">${shots.map((shot) => `<img src="${shot}" width="${PHONE}" alt="">`).join('')}</body>`,
  );
  await take(table, 'three-insurers');

  await takeConsole(await site.page(DESKTOP), insurer);
} finally {
  await site.close();
}

/** The console, as the insurer's administrator sees it on a first day. Nothing is imported, published or saved for good. */
async function takeConsole(page, insurer) {
  await logInAsStaff(page, insurer);
  await page.goto('/console/enrol/app');
  await page.fill('#f-app_code', totp(await page.textContent('#secret')));
  await press(page, '登録する');

  await page.goto('/console/');
  await take(page, 'console-home');
  await page.goto('/console/members?list=1');
  await take(page, 'console-members');

  await page.goto('/console/roster/new');
  await page.setInputFiles('#f-file', { name: '名簿.csv', mimeType: 'text/csv', buffer: await laterRoster(insurer) });
  await press(page, '読み込む');
  await press(page, '今の名簿と照合する');
  // The comparison is a job: with scripts the page itself goes on when it is done.
  await page.waitForSelector('h2:text-is("変わる方の例")', { timeout: 60_000 });
  await take(page, 'console-roster');

  await page.goto('/console/notices/new');
  await page.fill('#f-title', 'インフルエンザ予防接種の補助について');
  await page.fill('#f-body', NOTICE);
  await page.check('#f-aim-everybody');
  await press(page, '保存して確認する');
  await take(page, 'console-notice');

  await page.goto('/console/terms');
  await follow(page, '次の版の下書きを作る');
  const body = await page.inputValue('#f-body');
  await page.fill('#f-body', body.replace('5年間保存します', '7年間保存します'));
  await page.fill('#f-effective_on', new Date(Date.now() + 30 * 24 * 3_600_000).toISOString().slice(0, 10));
  await page.fill('#f-changes', '利用の記録を保存する期間を変えました。');
  await press(page, '保存して公開の確認へ進む');
  await take(page, 'console-terms');

  await page.goto('/console/settings/branding/preview?color=%23f39800');
  await take(page, 'console-branding');
  await page.goto('/console/approvals/settings');
  await take(page, 'console-approvals');
  await page.goto('/console/audit');
  await take(page, 'console-audit');
}


/** The insurer's roster a month later: somebody has moved, somebody is gone, somebody is new. */
async function laterRoster({ code }) {
  const roster = join(FOLDER, '../../../tenants', code, 'sample-roster.csv');
  const [header, first, ...rest] = (await readFile(roster, 'utf8')).trimEnd().split(/\r?\n/);
  const moved = first.replace('若草台2丁目5番15号', '若草台3丁目1番2号');
  const joined =
    '300,9001,00,アタラシ　ヒトミ,新　ひとみ,2,19920418,一般組合員,本人,20250401,,000-0021,奈良県みほん市見本町1丁目1番1号,,000-0000-1999,,1000,10,1,,N0009001';
  return Buffer.from([header, moved, ...rest.slice(0, -1), joined, ''].join('\r\n'));
}

/** What the window shows, as WebP. */
async function take(page, name) {
  // Chromium pictures only a page that it is drawing.
  await page.bringToFront();
  const debug = await page.context().newCDPSession(page);
  const { data } = await debug.send('Page.captureScreenshot', { format: 'webp', quality: 60 });
  const picture = Buffer.from(data, 'base64');
  await writeFile(join(FOLDER, `${name}.webp`), picture);
  console.log(`${name}.webp  ${Math.ceil(picture.length / 1024)} KB`);
}
