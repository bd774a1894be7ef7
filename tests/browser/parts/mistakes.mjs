// Every form sent empty and sent wrong: the answer says what to do, the focus goes to it, nothing typed is lost.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { check } from '../harness.mjs';
import { DEMO_PASSWORD, INSURERS, PASSWORD } from '../people.mjs';
import { codeIn, fillAccount, fillIdentity, goesBack, isAt, logIn, mailTo, press, says, texts } from '../steps.mjs';

const insurer = INSURERS[32290413];
const other = INSURERS['06139992'];
const person = insurer.people.mistaken;
const email = 'mistaken@example.jp';

/** The one answer, whatever it was that did not fit. */
const NOT_MATCHED =
  '入力した内容では登録に進めませんでした。記号・番号・生年月日・氏名をもう一度お確かめください。すでに登録した方は、ログインするか、ユーザーIDをお調べください。お困りのときは窓口へお電話ください。';

export default function register(site) {
  test('identity: what is missing and what can’t be is said field by field', async () => {
    const page = await site.page(390);
    await page.goto('/portal/signup');
    await refused(page, '認証', ['保険者指定コードを入力してください', '番号を入力してください', /生年月日/, '氏名（カナ）を入力してください']);
    await check(page, 'mistake-identity-empty');

    await fillIdentity(page, { typed: { symbol: '100', number: '12a', birth: [1980, 4, 31], kana: '健保' } }, '32290412');
    await refused(page, '認証', [/保険者指定コード.*お確かめください/, /4月は30日までです/, /ひらがなかカタカナ/]);
    await keeps(page, { insurer_code: '32290412', symbol: '100', number: '12a', birth_year: '1980', birth_month: '4', birth_day: '31', kana_name: '健保' });
    await check(page, 'mistake-identity-wrong');
    await goesBack(page);

    // Well-formed and nobody's; the page stays the platform's.
    await page.fill('#f-insurer_code', '12345672');
    await refused(page, '認証', [/保険者指定コード.*お確かめください/, /4月は30日まで/, /ひらがな/]);
    await page.context().close();
  });

  test('a form whose sending came to nothing can be sent again within seconds', async () => {
    const page = await site.page(390);
    await page.goto('/portal/password');
    await page.fill('#f-user_id', 'nobody-here');
    let sent = 0;
    // 204 leaves the page as it is, as Stop does.
    await page.route('**/portal/password', (route) => {
      sent += route.request().method() === 'POST' ? 1 : 0;
      return sent === 1 ? route.fulfill({ status: 204 }) : route.continue();
    });
    const button = page.getByRole('button', { name: 'メールを送る' });
    await button.click();
    await page.waitForTimeout(500);
    await button.dispatchEvent('click');
    assert.equal(await button.getAttribute('aria-disabled'), 'true');
    assert.equal(sent, 1, 'a second click at once sends nothing');
    // Waits until it may be pressed.
    await button.click({ timeout: 8000 });
    await page.waitForURL('**/portal/password?sent=1');
    assert.equal(sent, 2);
    await page.context().close();
  });

  test('identity: one answer to every mismatch, in the look of the insurer, with ways on', async () => {
    const page = await site.page(1280);
    await page.goto('/portal/signup');
    const nobody = { typed: { symbol: '9999', number: '1', birth: [1980, 4, 1], kana: 'ダレデモナイ' } };
    const registered = { typed: { symbol: '100', number: '106', birth: [1982, 9, 3], kana: 'キョウサイ ハナコ' } };
    const child = { typed: { symbol: '100', number: '105', birth: [2006, 5, 30], kana: 'ケンポ ハルカ' } };
    for (const [who, typed] of Object.entries({ nobody, registered, child })) {
      await fillIdentity(page, typed, insurer.code);
      assert.equal(await press(page, '認証'), 200, who);
      assert.match(await page.title(), /^エラー：.+｜奈良県市町村職員共済組合$/);
      assert.ok((await page.locator('#errs').innerText()).includes(NOT_MATCHED), who);
      assert.deepEqual(await texts(page, '#errs a'), ['ログインする', 'ユーザーIDを調べる', '窓口の電話番号を見る', '登録できる方について（よくあるご質問）'], who);
    }
    await check(page, 'mistake-identity-mismatch');
    await page.getByRole('link', { name: '窓口の電話番号を見る' }).click();
    assert.equal(await page.evaluate(() => document.activeElement.id), 'desk');
    // Whoever is registered is told by mail, to the address they proved.
    assert.match((await mailTo(page, 'hanako@example.jp', '登録済み')).text, /すでに登録済みです/);
    await page.context().close();
  });

  test('identity: where an employee number is asked for, it is asked for by name', async () => {
    const page = await site.page(390);
    await page.goto(`/portal/signup?insurer=${other.code}`);
    await refused(page, '認証', ['番号を入力してください', /生年月日/, '氏名（カナ）を入力してください', '社員番号を入力してください']);
    await page.context().close();
  });

  test('identity: the sixth try on one number has to wait, and is told until when', async () => {
    const page = await site.page(390);
    await page.goto(`/portal/signup?insurer=${insurer.code}`);
    await fillIdentity(page, { typed: { symbol: '7777', number: '7', birth: [1980, 4, 1], kana: 'ダレデモナイ' } });
    for (let tries = 0; tries < 6; tries += 1) assert.equal(await press(page, '認証'), 200);
    assert.match(await page.locator('#errs').innerText(), /しばらくお待ちください[^]*\d+時(\d+分)?から、もう一度お試しください/);
    await check(page, 'mistake-identity-wait');
    await page.context().close();
  });

  test('account and code: rules, taken names, wrong and superseded codes', async () => {
    const page = await site.page(390);
    await page.goto(`/portal/signup?insurer=${insurer.code}`);
    await fillIdentity(page, person);
    await press(page, '認証');
    await isAt(page, '/portal/signup/account');

    await refused(page, '作成する', ['ユーザーIDを入力してください', 'パスワードを入力してください', 'メールアドレスを入力してください']);
    await check(page, 'mistake-account-empty');
    await page.fill('#f-user_id', 'Demo-32290413');
    await page.fill('#f-password', 'abc');
    await page.fill('#f-email', 'mistaken＠example');
    await refused(page, '作成する', [/ユーザーIDは、すでに使われています/, /パスワード.*8文字以上20文字以内/, /メールアドレス.*name@example\.jp/]);
    await keeps(page, { user_id: 'Demo-32290413', email: 'mistaken＠example', password: '' });
    await check(page, 'mistake-account-wrong');
    await goesBack(page);
    await page.fill('#f-user_id', 'a.b');
    await page.fill('#f-password', 'password1!');
    await page.fill('#f-email', email);
    await refused(page, '作成する', [/ユーザーID/, /見破られやすい/]);

    // Full width and an odd but deliverable address: accepted, with a warning.
    await fillAccount(page, { userId: 'ｍｉｓｔａｋｅｎ', email: 'Ｍistaken..x@example.jp' });
    assert.equal(await press(page, '作成する'), 200);
    await isAt(page, '/portal/signup/code');
    await says(page, '認証番号が届かない場合があります');
    await page.getByRole('link', { name: 'メールアドレスを直す' }).click();
    await page.waitForURL(/account/);
    assert.equal(await page.inputValue('#f-user_id'), 'mistaken');
    await fillAccount(page, { userId: 'mistaken', email });
    // A minute between two codes, whatever the address.
    assert.equal(await press(page, '作成する'), 200);
    assert.match(await page.locator('#errs').innerText(), /少しお待ちください/);
    await page.waitForTimeout(61_000);
    await fillAccount(page, { userId: 'mistaken', email });
    assert.equal(await press(page, '作成する'), 200);
    await isAt(page, '/portal/signup/code');
    const code = codeIn(await mailTo(page, email, '認証番号'));

    await refused(page, 'OK', ['認証番号を入力してください']);
    await page.fill('#f-code', code === '000000' ? '111111' : '000000');
    await refused(page, 'OK', [/認証番号が違います。.*あと4回/]);
    await check(page, 'mistake-code-wrong');
    await goesBack(page);
    assert.equal(await press(page, '再送する'), 200);
    await isAt(page, '/portal/signup/code');
    assert.match(await page.locator('.note[role=status]').innerText(), /さきほどメールをお送りしたばかりです/);
    assert.equal(await page.locator('#errs').count(), 0, 'nothing is wrong');
    await check(page, 'mistake-code-too-soon');
    await page.fill('#f-code', code.replace(/\d/g, (digit) => String.fromCharCode(digit.charCodeAt(0) + 0xfee0)));
    assert.equal(await press(page, 'OK'), 200);
    await isAt(page, '/portal/', 'ログイン');

    // Log-in and terms.
    await page.fill('#f-user_id', '');
    await refused(page, 'ログイン', ['ユーザーIDを入力してください', 'パスワードを入力してください']);
    await check(page, 'mistake-log-in-empty');
    assert.equal(await logIn(page, 'mistaken', 'Wrong&12345'), 200);
    await says(page, 'ログインできませんでした', 'ユーザーIDまたはパスワードが違います');
    await keeps(page, { user_id: 'mistaken', password: '' });
    await check(page, 'mistake-log-in-wrong');
    await goesBack(page);
    assert.equal(await logIn(page, 'mistaken'), 200);
    await isAt(page, '/portal/terms');
    await refused(page, '次へ', ['利用規約に同意する場合は、チェックを入れてください']);
    await check(page, 'mistake-terms');
    await goesBack(page);
    await press(page, '同意しない（ログアウト）');
    await isAt(page, '/portal/', 'ログイン');
    await page.context().close();
  });

  test('recovery: empty forms, a link that is used up, a weak password', async () => {
    const page = await site.page(390);
    await page.goto('/portal/password');
    await refused(page, 'メールを送る', ['ユーザーIDを入力してください']);
    await check(page, 'mistake-password');
    await goesBack(page);
    await page.goto('/portal/user-id');
    await refused(page, 'メールを送る', ['保険者指定コードを入力してください', '番号を入力してください', /生年月日/, '氏名（カナ）を入力してください']);
    await check(page, 'mistake-user-id');
    await goesBack(page);
    const response = await page.goto('/portal/password/reset?token=7.AAAA');
    assert.ok(response.status() >= 400 && response.status() < 500, String(response.status()));
    await says(page, 'このリンクは使えなくなりました', 'パスワード再設定のメールを申し込む');
    await check(page, 'mistake-reset-link');
    await page.context().close();
  });

  test('account pages: wrong present password, a password known to all, a broken address', async () => {
    const page = await site.page(390);
    await logIn(page, insurer.registered.userId, DEMO_PASSWORD);
    if (await page.locator('#f-agree').count()) {
      await page.check('#f-agree');
      await press(page, '次へ');
    }
    await page.goto('/portal/account/password');
    await refused(page, '変更する', ['今のパスワードを入力してください', '新しいパスワードを入力してください']);
    await check(page, 'mistake-change-password-empty');
    await goesBack(page);
    await page.fill('#f-current_password', 'Wrong&12345');
    await page.fill('#f-password', PASSWORD);
    await refused(page, '変更する', [/今のパスワードが違います/]);
    await page.fill('#f-current_password', DEMO_PASSWORD);
    await page.fill('#f-password', 'password1!');
    await refused(page, '変更する', [/見破られやすい/]);
    await page.goto('/portal/account/email');
    await refused(page, '認証番号を送る', ['新しいメールアドレスを入力してください', '今のパスワードを入力してください']);
    await page.fill('#f-email', 'name＠');
    await page.fill('#f-current_password', DEMO_PASSWORD);
    await refused(page, '認証番号を送る', [/name@example\.jp/]);
    await check(page, 'mistake-change-email');
    await goesBack(page);
    await page.context().close();
  });
}

/** Presses the button and asserts the form comes back with exactly these mistakes, the summary focused, its links live. */
async function refused(page, name, mistakes) {
  const { pathname } = new URL(page.url());
  assert.equal(await press(page, name), 200);
  assert.equal(new URL(page.url()).pathname, pathname);
  assert.match(await page.title(), /^エラー：/);
  const errors = page.locator('#errs');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'errs', 'the summary has the focus');
  assert.ok((await errors.locator('h2').innerText()).endsWith(`（${mistakes.length}件）`), await errors.innerText());
  const links = await errors.locator('a').all();
  assert.equal(links.length, mistakes.length, await errors.innerText());
  for (const [index, mistake] of mistakes.entries()) {
    const text = await links[index].innerText();
    if (mistake instanceof RegExp) assert.match(text, mistake);
    else assert.equal(text, mistake);
    assert.doesNotMatch(text, /不正|無効|エラー|必須/);
    const field = (await links[index].getAttribute('href')).slice(1);
    await links[index].click();
    assert.equal(await page.evaluate(() => document.activeElement.id), field, `「${text}」 leads into its field`);
    assert.equal(await page.getAttribute(`#${field}`, 'aria-invalid'), 'true', field);
    const described = (await page.getAttribute(`#${field}`, 'aria-describedby')).split(' ').pop();
    assert.ok((await page.locator(`#${described}`).innerText()).endsWith(text), `「${text}」 stands beside ${field}`);
  }
}

/** The fields hold what was typed; passwords never do. */
async function keeps(page, values) {
  for (const [name, value] of Object.entries(values)) assert.equal(await page.inputValue(`#f-${name}`), value, name);
}
