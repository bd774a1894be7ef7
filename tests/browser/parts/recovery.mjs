// Forgotten password and forgotten user ID: one answer whatever is true, the rest by mail.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { budget, check } from '../harness.mjs';
import { DEMO_PASSWORD, INSURERS, PASSWORD } from '../people.mjs';
import { fillIdentity, follow, goesBack, isAt, labels, logIn, mailTo, mainText, press, says } from '../steps.mjs';

const { registered } = INSURERS[139998];
const EMAIL = 'hanako@example.jp';
const NEW_PASSWORD = 'Asagao3rin#97';

export default function register(site) {
  test('a forgotten password is set anew by the link in the mail, which works once', async () => {
    const page = await site.page(390);
    await page.goto('/portal/');
    await follow(page, 'パスワードを忘れた方はこちら');
    await isAt(page, '/portal/password', 'パスワードの再設定');
    assert.deepEqual(await labels(page), ['ユーザーID']);
    await check(page, 'password');
    await budget(page);

    await page.fill('#f-user_id', 'nobody-at-all');
    await press(page, 'メールを送る');
    const answer = await mainText(page);
    await page.goto('/portal/password');
    await page.fill('#f-user_id', registered.userId.toUpperCase());
    await press(page, 'メールを送る');
    await isAt(page, '/portal/password', 'メールをご確認ください');
    assert.equal(await mainText(page), answer, 'whoever asks learns nothing');
    await check(page, 'password-sent');

    const [link] = /https?:\/\/\S+\/portal\/password\/reset\S+/.exec((await mailTo(page, EMAIL, 'パスワード再設定のご案内')).text);
    const { pathname, search } = new URL(link);
    await page.goto(pathname + search);
    await isAt(page, '/portal/password/reset', '新しいパスワードの設定');
    await check(page, 'password-reset');
    await page.fill('#f-password', 'abc');
    assert.equal(await press(page, '変更する'), 200);
    await says(page, '8文字以上20文字以内');
    await check(page, 'password-reset-refused');
    await goesBack(page);
    await page.fill('#f-password', NEW_PASSWORD);
    await press(page, '変更する');
    await isAt(page, '/portal/', 'ログイン');
    await says(page, 'パスワードを変更しました');
    await check(page, 'password-changed');
    await mailTo(page, EMAIL, 'パスワードが変更されました');

    assert.equal(await logIn(page, registered.userId, DEMO_PASSWORD), 200);
    await says(page, 'ユーザーIDまたはパスワードが違います');
    assert.equal(await logIn(page, registered.userId, NEW_PASSWORD), 200);
    await page.context().clearCookies();
    await page.goto(pathname + search);
    await says(page, 'このリンクは使えなくなりました');
    await page.context().close();
  });

  test('a forgotten user ID comes by mail', async () => {
    const page = await site.page(390);
    await page.goto('/portal/');
    await follow(page, 'ユーザーIDを忘れた方はこちら');
    await isAt(page, '/portal/user-id', 'ユーザーIDのお知らせ');
    await check(page, 'user-id');
    await budget(page);
    const nobody = { typed: { symbol: '10', number: '9999', birth: [1972, 1, 25], kana: 'ムナカタヨシコ' } };
    await fillIdentity(page, nobody, '139998');
    await press(page, 'メールを送る');
    const answer = await mainText(page);
    await page.goto('/portal/user-id');
    await fillIdentity(page, { typed: { ...nobody.typed, symbol: '１０', number: '2002' } }, '１３９９９８');
    await press(page, 'メールを送る');
    await isAt(page, '/portal/user-id', 'メールをご確認ください');
    assert.equal(await mainText(page), answer, 'whoever asks learns nothing');
    await check(page, 'user-id-sent');
    const mail = await mailTo(page, EMAIL, registered.userId);
    assert.match(mail.subject, /ユーザーIDのお知らせ/);
    assert.ok(!mail.text.includes(PASSWORD));
    await page.context().close();
  });
}
