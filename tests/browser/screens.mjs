// The README's pictures, taken anew: `node tests/browser/screens.mjs` after `cargo build --package madoguchi`. Small WebP
// files in tests/browser/screens/; what the tests take of every page lies in target/screens/ and is not kept.

import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { open } from './harness.mjs';
import { INSURERS } from './people.mjs';
import { acceptTerms, codeIn, fillAccount, fillIdentity, logIn, mailTo, press } from './steps.mjs';

const FOLDER = join(dirname(fileURLToPath(import.meta.url)), 'screens');
const PHONE = 390;
const DESKTOP = 1280;

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
} finally {
  await site.close();
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
