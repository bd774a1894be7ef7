// The whole way with scripts switched off, and with an impatient hand: every button is pressed twice at once, which
// sends the form twice.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { reflow, screenshot } from '../harness.mjs';
import { INSURERS } from '../people.mjs';
import { button, codeIn, fillAccount, fillIdentity, isAt, mailTo, mainText, press, says } from '../steps.mjs';
import { PASSWORD } from '../people.mjs';

const insurer = INSURERS[32290413];
const person = insurer.people.plain;
const email = 'plain@example.jp';

export default function register(site) {
  test('without scripts and with double clicks a member comes through once', async () => {
    const page = await site.page(390, { javaScript: false });
    await page.goto(`/portal/signup.ibss?insurer=${insurer.code}`);
    await isAt(page, '/portal/signup', 'ご本人の確認');

    // An error, plainly: the summary stands first, its links lead to the fields.
    assert.equal(await press(page, '認証'), 200);
    assert.match(await page.title(), /^エラー：/);
    await looks(page, 'plain-1-error');
    await page.locator('#errs a').first().click();
    assert.match(page.url(), /#f-/);

    await fillIdentity(page, person);
    await twice(page, '認証', '/portal/signup/account');
    assert.equal(await page.locator('[data-reveal]:visible').count(), 0, 'a button that needs a script is hidden');
    await fillAccount(page, { userId: 'plain-hand', email });
    await looks(page, 'plain-2-account');
    await twice(page, '作成する', '/portal/signup/code');
    const mail = await mailTo(page, email, '認証番号');
    await page.goto('/portal/signup/code');
    await page.fill('#f-code', codeIn(mail));
    await looks(page, 'plain-3-code');
    await twice(page, 'OK', '/portal/');
    assert.equal(await page.inputValue('#f-user_id'), 'plain-hand');
    await says(page, '控えてください');
    await page.fill('#f-password', PASSWORD);
    await looks(page, 'plain-4-log-in');
    await twice(page, 'ログイン', '/portal/terms');
    assert.match(await mainText(page), /印刷するときは、ブラウザーの印刷機能を/);
    await page.check('#f-agree');
    await twice(page, '次へ', '/portal/mypage');
    await says(page, `${person.name}さん`, '組合からのお知らせ');
    await looks(page, 'plain-6-my-page');
    await page.locator('.lines a').first().click();
    await page.waitForURL(/notices\/./);
    await twice(page, 'ログアウト', '/portal/');
    await page.goto('/portal/mypage');
    await isAt(page, '/portal/', 'ログイン');
    await page.context().close();
  });
}

/** Two clicks in one moment: the browser sends the form twice and shows the second answer. */
async function twice(page, name, path) {
  await button(page, name).dblclick();
  const there = () => page.waitForURL((url) => url.pathname === path);
  // The second click breaks off the way that the first one began, also while it is waited for.
  await there().catch((error) => (error.message.includes('ERR_ABORTED') ? there() : Promise.reject(error)));
  await page.waitForLoadState();
}

async function looks(page, name) {
  await reflow(page);
  await screenshot(page, name);
}
