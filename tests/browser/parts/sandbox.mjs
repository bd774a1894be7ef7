// The sandbox: somebody signs up with the code that its console shows, and every page says where one is, on paper too.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { check, reflow, WIDTHS } from '../harness.mjs';
import { codeIn, fillAccount, fillIdentity, follow, going, isAt, press, says, totp, untilSays } from '../steps.mjs';
import { logIn } from './console.mjs';

const INSURER = { code: '06139901' };
const TOLD = 'お試し環境です。実在する方の情報は入力しないでください。';
const MAILS = '/console/sandbox/mails';
/** Each signs up as somebody else of its roster. */
const PEOPLE = {
  390: { typed: { symbol: '100', number: '105', birth: [1975, 4, 12], kana: 'ケンポ　タロウ' } },
  1280: { typed: { symbol: '100', number: '106', birth: [1982, 9, 3], kana: 'キョウサイ　ハナコ' } },
};

export default function register(site) {
  test('on the narrowest phone the mail address of its desk stays within the window', async () => {
    const page = await site.page(195);
    await page.goto(`/portal/signup?insurer=${INSURER.code}`);
    assert.match(await page.locator('.foot').innerText(), /desk@sandbox\.example/);
    await reflow(page);
    await page.context().close();
  });

  let desk;
  for (const width of WIDTHS) {
    test(`a sign-up at the sandbox is finished by the code in its console at ${width} px`, async () => {
      const page = await site.page(width);
      await page.goto(`/portal/signup?insurer=${INSURER.code}`);
      await fillIdentity(page, PEOPLE[width]);
      await press(page, '認証');
      await told(page);
      await check(page, `sandbox-sign-up-${width}`);
      const email = `sandbox-${width}@example.jp`;
      await fillAccount(page, { userId: `sandbox-${width}`, email });
      await press(page, '作成する');
      await isAt(page, '/portal/signup/code');

      desk ??= await administrator(site);
      await desk.setViewportSize({ width, height: 900 });
      await desk.goto('/console/');
      await told(desk);
      await check(desk, `sandbox-console-${width}`);
      await follow(desk, 'お試し環境のメール');
      await untilSays(desk, email);
      await says(desk, 'ユーザーID作成用の認証番号');
      await check(desk, `sandbox-mails-${width}`);
      await going(desk, () => desk.locator('main tr', { hasText: email }).getByRole('link').click());
      await says(desk, email);
      await told(desk);
      await check(desk, `sandbox-mail-${width}`);

      await page.fill('#f-code', codeIn({ text: await desk.innerText('.mail') }));
      await press(page, 'OK');
      await isAt(page, '/portal/');
      await told(page);
      await page.goto('/portal/nothing-here');
      await told(page);
      await check(page, `sandbox-nowhere-${width}`);
      await page.context().close();
    });
  }
}

/** Its administrator, with a second factor just set up. */
async function administrator(site) {
  const desk = await site.page(1280);
  await logIn(desk, INSURER);
  await desk.goto('/console/enrol/app');
  await desk.fill('#f-app_code', totp(await desk.textContent('#secret')));
  await press(desk, '登録する');
  return desk;
}

/** A line above everything, on a phone two, and on paper at the head of each sheet. */
async function told(page) {
  const line = page.locator('.sandbox');
  assert.equal(await line.innerText(), TOLD);
  const { height } = await line.boundingBox();
  assert.ok(height < 72, `${height} px: more than two lines`);
  assert.equal(await line.evaluate((element) => getComputedStyle(element).fontSize), '16px');
  await page.emulateMedia({ media: 'print' });
  assert.ok(await page.locator('.onpaper', { hasText: TOLD }).isVisible(), 'on paper');
  await page.emulateMedia({ media: 'screen' });
}
