// Pages that no step has: an address that is none, a form that can't be read or isn't ours, one shown to somebody else.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { check, WIDTHS } from '../harness.mjs';
import { DEMO_PASSWORD, INSURERS, PASSWORD } from '../people.mjs';
import { acceptTerms, buttons, fillIdentity, follow, isAt, logIn, press, says } from '../steps.mjs';

const insurer = INSURERS[32290413];
const member = INSURERS[139998];
const NANAKA = { typed: { symbol: '公立-12', number: '102', birth: [1994, 2, 20], kana: 'コウノ ナナ' } };
const YUNA = { typed: { symbol: '200', number: '102', birth: [1999, 11, 20], kana: 'フクダ ユナ' } };
const OF_ANOTHER = 'この画面を開いたあとに、別の方の手続きが始まっています';

export default function register(site) {
  for (const width of WIDTHS) {
    test(`each dead end says what to do and passes axe at ${width} px`, async () => {
      const page = await site.page(width);
      await page.goto(`/portal/signup?insurer=${insurer.code}`);
      assert.equal((await page.goto('/portal/nothing-here')).status(), 404);
      await leadsOn(page, 'ページが見つかりません', 'dead-end-404');

      assert.equal(await sent(page, (form) => form.setAttribute('action', '/portal/help')), 405);
      await leadsOn(page, 'もう一度、はじめの画面からお進みください', 'dead-end-405');
      assert.equal(await sent(page, (form) => (form.user_id.value = 'x'.repeat(70_000))), 413);
      await leadsOn(page, '入力した内容が長すぎます', 'dead-end-413');
      assert.equal(await sent(page, (form) => (form.enctype = 'text/plain')), 415);
      await leadsOn(page, '入力した内容を受け取れませんでした', 'dead-end-415');
      const sentAsShiftJis = (form) => Object.assign(form, { acceptCharset: 'shift_jis' }).user_id.setAttribute('value', '窓口');
      assert.equal(await sent(page, sentAsShiftJis), 400);
      await leadsOn(page, '入力した内容を読み取れませんでした', 'dead-end-400');

      // From elsewhere: an empty page of no origin. No cookie comes along, so nobody knows the insurer.
      await page.goto('about:blank');
      await page.setContent(`<form method="post" action="${site.url}/portal/password"><button>送る</button></form>`);
      assert.equal(await press(page, '送る'), 403);
      await leadsOn(page, 'もう一度、画面を開いてください', 'dead-end-403', '窓口 Madoguchi');
      await page.context().close();
    });

    test(`a form shown to one member is not taken for the next, at ${width} px`, async () => {
      const page = await site.page(width);
      await logIn(page, insurer.registered.userId, DEMO_PASSWORD);
      await acceptTerms(page);
      await page.goto('/portal/account/password');
      const tab = await page.context().newPage();
      await tab.goto('/portal/mypage');
      await press(tab, 'ログアウト');
      await logIn(tab, member.registered.userId, DEMO_PASSWORD);
      await acceptTerms(tab);
      await page.fill('#f-current_password', DEMO_PASSWORD);
      await page.fill('#f-password', PASSWORD);
      assert.equal(await press(page, '変更する'), 409);
      await says(page, OF_ANOTHER, '送信した内容は、保存していません');
      assert.deepEqual(await buttons(page), ['ログアウトして、ログインし直す']);
      await check(page, 'another-member');
      assert.equal(await page.getByRole('link', { name: '今ログインしている方のマイページへ' }).getAttribute('href'), '/portal/mypage');
      await press(page, 'ログアウトして、ログインし直す');
      await isAt(page, '/portal/', 'ログイン');
      await page.context().close();
    });

    test(`a form shown in one sign-up is not taken for the next, at ${width} px`, async () => {
      const page = await site.page(width);
      await identify(page, NANAKA);
      const tab = await page.context().newPage();
      await identify(tab, YUNA);
      assert.equal(await press(page, '作成する'), 409);
      await says(page, OF_ANOTHER, '送信した内容は、保存していません');
      await check(page, 'another-sign-up');
      await follow(page, '途中の登録を続ける');
      await isAt(page, '/portal/signup/account');
      await tab.goto('/portal/signup');
      await says(tab, '登録の途中の方は、こちらから続けられます');
      await page.goto('/portal/signup?new=1');
      await isAt(page, '/portal/signup', 'ご本人の確認');
      assert.equal(await page.getByRole('link', { name: '登録の途中の方は' }).count(), 0);
      await page.context().close();
    });
  }
}

async function identify(page, person) {
  await page.goto(`/portal/signup?insurer=${insurer.code}`);
  await fillIdentity(page, person);
  await press(page, '認証');
  await isAt(page, '/portal/signup/account');
}

/** Sends the form of the forgotten password after changing it, as no page of ours does; gives the answer's status. */
async function sent(page, change) {
  await page.goto('/portal/password');
  await page.locator('main form').evaluate(change);
  return press(page, 'メールを送る');
}

/** Says what happened and has a way on, in the look of the insurer, if it can be known. */
async function leadsOn(page, heading, name, owner = insurer.name) {
  assert.equal(await page.locator('h1').innerText(), heading);
  assert.ok((await page.title()).endsWith(`｜${owner}`), await page.title());
  assert.notEqual(await page.locator('main a').count(), 0);
  await check(page, name);
}
