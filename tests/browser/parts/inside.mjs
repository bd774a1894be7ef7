// What a member finds behind the my page: notices, guides, help, the account and its changes, log-out.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { budget, check, WIDTHS } from '../harness.mjs';
import { DEMO_PASSWORD, INSURERS, PASSWORD } from '../people.mjs';
import { acceptTerms, codeIn, follow, isAt, labels, logIn, mailTo, mainText, press, says, texts } from '../steps.mjs';

const insurer = INSURERS['06139992'];
const { registered } = insurer;
const OWN_EMAIL = 'kyoko.kumiai@example.jp';

export default function register(site) {
  test('notices are unread until opened, each at its own address', async () => {
    const page = await enter(site, 390, INSURERS[32290413]);
    await says(page, '未読3件', '未読1件');
    await follow(page, 'マイページへのご登録ありがとうございます');
    assert.match(new URL(page.url()).pathname, /^\/portal\/notices\/[\w-]+$/);
    await says(page, 'このお知らせは、あなただけに届いています。');
    await check(page, 'notice');
    await budget(page);
    await page.goto('/portal/notices');
    await isAt(page, '/portal/notices', 'お知らせ');
    assert.deepEqual(await texts(page, 'main section h2'), ['組合からのお知らせ', '共済 花子さんへのお知らせ']);
    const unread = await texts(page, 'main .tag');
    assert.deepEqual(unread, ['未読', '未読', '未読']);
    await check(page, 'notices');
    await budget(page);
    await page.goto('/portal/mypage');
    assert.doesNotMatch(await mainText(page), /未読1件/);
    await page.goto('/portal/notices/00000000-0000-7000-8000-000000000000');
    await says(page, 'ページが見つかりません');
    await page.context().close();
  });

  for (const width of WIDTHS) {
    test(`guides, help, site notices and the policy read well at ${width} px`, async () => {
      const page = await enter(site, width, insurer);
      for (const [path, heading] of [
        ['/portal/guides/medical-guide', '上手な医療のかかり方'],
        ['/portal/guides/medicine-guide', '上手なお薬との付き合い'],
        ['/portal/help', 'ヘルプ・お問い合わせ'],
        ['/portal/site-notices', 'サイトからのお知らせ'],
        ['/portal/accessibility', 'ウェブアクセシビリティ方針'],
        ['/portal/account', '登録内容の変更'],
        ['/portal/account/password', 'パスワードの変更'],
        ['/portal/account/email', 'メールアドレスの変更'],
        ['/portal/account/consents', '同意した利用規約'],
        ['/portal/account/family', 'ご家族への表示'],
        ['/portal/account/looks', '閲覧の記録'],
        ['/portal/costs', '医療費通知'],
        ['/portal/medicines', 'ジェネリック差額明細'],
      ]) {
        await page.goto(path);
        await isAt(page, path, heading);
        // The same menu and the same desk in the same place everywhere.
        assert.deepEqual(await texts(page, '.nav a'), ['マイページ', 'お知らせ', '登録内容の変更', 'ヘルプ'], path);
        assert.ok((await page.locator('footer').innerText()).includes(insurer.phone), path);
        await check(page, `inside-${path.replace('/portal/', '').replaceAll('/', '-')}`);
        await budget(page);
      }
      await page.goto('/portal/account/consents');
      await follow(page, '窓口 Madoguchi 利用規約（第2版）');
      await says(page, '施行', 'に同意しました', '第1条（適用）');
      await check(page, 'inside-account-consent');
      await page.goto('/portal/site-notices');
      await follow(page, 'Microsoft 社 Internet Explorer のサポート終了について');
      await check(page, 'inside-site-notice');
      await page.goto('/portal/help');
      await says(page, insurer.desk, 'Internet Explorer はお使いいただけません', '社員番号');
      // Each question is one line until it is asked; a link to it opens it.
      assert.equal(await page.locator('.prose details[open]').count(), 0);
      assert.ok((await page.locator('.prose details').count()) > 15);
      await page.goto('/portal/help#to-family');
      await page.locator('.prose details[open] h4', { hasText: '家族も登録できますか' }).waitFor();
      await page.goto('/portal/guides/medical-guide');
      const numbers = await page.locator('a[href^="tel:"]').evaluateAll((all) => all.map((one) => one.getAttribute('href')));
      for (const number of ['tel:119', 'tel:%237119', 'tel:%238000']) assert.ok(numbers.includes(number), number);
      await page.context().close();
    });
  }

  test('password and e-mail are changed, other devices are sent away', async () => {
    const page = await enter(site, 390, insurer);
    const elsewhere = await enter(site, 1280, insurer);

    await page.goto('/portal/account');
    await says(page, registered.userId, '今ログインしている機器', 'この機器');
    await check(page, 'account-two-devices');

    await page.goto('/portal/account/email');
    assert.deepEqual(await labels(page), ['新しいメールアドレス', '今のパスワード']);
    await page.fill('#f-email', 'new-kyoko@example.jp');
    await page.fill('#f-current_password', DEMO_PASSWORD);
    await press(page, '認証番号を送る');
    await isAt(page, '/portal/account/email/code', '認証番号の入力');
    await check(page, 'account-email-code');
    await page.fill('#f-code', codeIn(await mailTo(page, 'new-kyoko@example.jp', '認証番号')));
    await press(page, 'OK');
    await isAt(page, '/portal/account');
    await says(page, 'メールアドレスを変更しました');
    await check(page, 'account-email-changed');
    // The old address learns of it, and not the whole new one.
    const told = await mailTo(page, OWN_EMAIL, 'メールアドレスが変更されました');
    assert.ok(!told.text.includes('new-kyoko@example.jp') && told.text.includes('***'), told.text);

    await page.goto('/portal/account/password');
    await page.fill('#f-current_password', DEMO_PASSWORD);
    await page.fill('#f-password', PASSWORD);
    await press(page, '変更する');
    await isAt(page, '/portal/account');
    await says(page, 'パスワードを変更しました');
    await mailTo(page, 'new-kyoko@example.jp', 'パスワードが変更されました');
    await elsewhere.goto('/portal/account');
    await isAt(elsewhere, '/portal/', 'ログイン');
    assert.equal(await logIn(elsewhere, registered.userId, DEMO_PASSWORD), 200);
    await says(elsewhere, 'ユーザーIDまたはパスワードが違います');

    await press(page, 'ログアウト');
    await isAt(page, '/portal/', 'ログイン');
    await page.goto('/portal/account');
    await isAt(page, '/portal/', 'ログイン');
    assert.equal(await logIn(page, registered.userId), 200);
    await isAt(page, '/portal/account');
    await elsewhere.context().close();
    await page.context().close();
  });

  test('what isn’t there is said kindly, in the look of the insurer', async () => {
    const page = await site.page(390);
    await page.goto(`/portal/signup?insurer=${insurer.code}`);
    for (const [path, status] of [['/portal/nothing', 404], ['/nowhere', 404], ['/portal/site-notices/1', 404]]) {
      assert.equal((await page.goto(path)).status(), status, path);
      await says(page, 'ページが見つかりません', 'はじめの画面へ');
      assert.ok((await page.title()).endsWith(insurer.name));
    }
    await check(page, 'not-found');
    await page.goto('/portal/logout');
    await isAt(page, '/portal/logout', 'ログアウト');
    await check(page, 'log-out');
    await page.context().close();
  });
}

/** Logged in as the one whom the demo registered, on the my page. */
async function enter(site, width, { registered }) {
  const page = await site.page(width);
  await logIn(page, registered.userId, DEMO_PASSWORD);
  await acceptTerms(page);
  await isAt(page, '/portal/mypage', `${registered.name}さん`);
  return page;
}
