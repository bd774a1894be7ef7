// Going back, reloading, coming late: no step loses what was done, and each says how to go on.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { check } from '../harness.mjs';
import { DEMO_PASSWORD, INSURERS, PASSWORD } from '../people.mjs';
import { acceptTerms, codeIn, fillAccount, fillIdentity, isAt, logIn, mailTo, press, says } from '../steps.mjs';

const insurer = INSURERS[32290413];
const member = INSURERS[139998];
const person = insurer.people.inside;
const email = 'inside@example.jp';

export default function register(site) {
  test('the back button and reloading after every step', async () => {
    const page = await site.page(390);
    await page.goto(`/portal/signup?insurer=${insurer.code}`);
    await fillIdentity(page, person);
    await press(page, '認証');

    // Account → back: the same page again, and on without a second ticket.
    await isAt(page, '/portal/signup/account');
    await page.goBack();
    await isAt(page, '/portal/signup');
    await fillIdentity(page, person);
    await press(page, '認証');
    await isAt(page, '/portal/signup/account');
    await page.reload();
    await isAt(page, '/portal/signup/account');

    // 戻る keeps what was typed, but for the password.
    await fillAccount(page, { userId: 'inside-1', email });
    await press(page, '戻る');
    await isAt(page, '/portal/signup');
    assert.equal(await page.inputValue('#f-kana_name'), person.typed.kana);
    assert.equal(await page.inputValue('#f-birth_year'), String(person.typed.birth[0]));
    await check(page, 'back-identity');
    await press(page, '認証');
    await isAt(page, '/portal/signup/account');
    assert.deepEqual(
      [await page.inputValue('#f-user_id'), await page.inputValue('#f-email'), await page.inputValue('#f-password')],
      ['inside-1', email, ''],
    );
    await page.fill('#f-password', PASSWORD);
    await press(page, '作成する');

    // Code → back → forward, reload.
    await isAt(page, '/portal/signup/code');
    await page.goBack();
    await isAt(page, '/portal/signup/account');
    assert.equal(await page.inputValue('#f-user_id'), 'inside-1');
    await page.goForward();
    await isAt(page, '/portal/signup/code');
    await page.reload();
    await page.fill('#f-code', codeIn(await mailTo(page, email, '認証番号')));
    await press(page, 'OK');

    // Registered → back: there is nothing left to do there, and it says so.
    await isAt(page, '/portal/');
    await page.reload();
    await says(page, '控えてください', 'inside-1');
    await page.goBack();
    assert.ok(['/portal/signup', '/portal/'].includes(new URL(page.url()).pathname), page.url());
    await page.goto('/portal/');
    await logIn(page, 'inside-1');

    // Terms → back: log-in leads on to the terms again.
    await isAt(page, '/portal/terms');
    await page.goBack();
    await isAt(page, '/portal/terms');
    await acceptTerms(page);
    await isAt(page, '/portal/mypage');
    await page.goBack();
    assert.ok(['/portal/mypage', '/portal/terms'].includes(new URL(page.url()).pathname), page.url());
    await page.goto('/portal/terms');
    await isAt(page, '/portal/mypage');

    // After log-out the back button shows nothing of the member's.
    await press(page, 'ログアウト');
    await page.goBack();
    await isAt(page, '/portal/', 'ログイン');
    assert.deepEqual(page.problems, []);
    await page.context().close();
  });

  test('steps can’t be skipped', async () => {
    const page = await site.page(390);
    for (const step of ['/portal/signup/account', '/portal/signup/code']) {
      await page.goto(step);
      await isAt(page, '/portal/signup', 'ご本人の確認');
      await says(page, 'もう一度はじめから登録してください');
    }
    await check(page, 'back-no-ticket');
    await page.goto('/portal/mypage');
    await isAt(page, '/portal/', 'ログイン');
    await page.context().close();
  });

  test('a session that ended in the middle of a form: log in and go on there', async () => {
    const page = await site.page(390);
    await logIn(page, member.registered.userId, DEMO_PASSWORD);
    await acceptTerms(page);
    await page.goto('/portal/account/password');
    await page.fill('#f-current_password', DEMO_PASSWORD);
    await page.fill('#f-password', PASSWORD);

    // Meanwhile, on another machine: this one is logged out.
    const elsewhere = await site.page(1280);
    await logIn(elsewhere, member.registered.userId, DEMO_PASSWORD);
    await elsewhere.goto('/portal/account');
    await press(elsewhere, /^ログアウトさせる/);
    await says(elsewhere, '選んだ機器をログアウトしました');
    await elsewhere.context().close();

    await press(page, '変更する');
    await isAt(page, '/portal/', 'ログイン');
    await says(page, '入力の途中だった内容は、保存されていません', 'もう一度ログインすると、元の画面に戻ります');
    await check(page, 'back-session-ended');
    await logIn(page, member.registered.userId, DEMO_PASSWORD);
    await isAt(page, '/portal/account/password', 'パスワードの変更');
    await page.context().close();
  });

  test('a sign-up that ran out in the middle starts again, and says why', async () => {
    const page = await site.page(390);
    await page.goto(`/portal/signup?insurer=${insurer.code}`);
    await fillIdentity(page, { typed: { symbol: '200', number: '2', birth: [1989, 1, 8], kana: 'フクイヘイタ' } });
    await press(page, '認証');
    await fillAccount(page, { userId: 'too-late-1', email: 'late@example.jp' });
    const cookies = await page.context().cookies();
    await page.context().clearCookies();
    await page.context().addCookies(cookies.filter(({ name }) => !name.endsWith('ticket')));
    await press(page, '作成する');
    await isAt(page, '/portal/signup', 'ご本人の確認');
    await says(page, 'もう一度はじめから登録してください');
    await page.context().close();
  });
}
