// The manual from 1-1 to 1-7, for each insurer on a phone and on a desktop: labels and buttons word for word.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { budget, check, WIDTHS } from '../harness.mjs';
import { INSURERS } from '../people.mjs';
import {
  acceptTerms, button, buttons, codeIn, fillAccount, fillIdentity, follow, isAt, labels, logIn, mailTo, mainText, press, says, texts,
} from '../steps.mjs';

export default function register(site) {
  for (const insurer of Object.values(INSURERS)) {
    for (const width of WIDTHS) {
      const person = width < 600 ? insurer.people.phone : insurer.people.desktop;
      test(`${insurer.name}: ${person.name} comes from the first page to the my page at ${width} px`, async () => {
        const page = await site.page(width);
        await walk(page, insurer, person, `walk-${insurer.code}-${width}`);
        await page.context().close();
      });
    }
  }

  test('before an insurer is known, the pages are the platform’s', async () => {
    const page = await site.page(390);
    await page.goto('/portal/signup');
    await wears(page, { name: '窓口 Madoguchi', desk: '窓口 Madoguchi 運営事務局', phone: '000-0000-0001' });
    assert.equal(await page.inputValue('#f-insurer_code'), '');
    await check(page, 'sign-up-platform');
    await page.context().close();
  });
}

async function walk(page, insurer, person, userId) {
  const width = page.viewportSize().width;
  const picture = (name) => check(page, `${insurer.code}-${name}`);

  // 1-1: the link of the letter, here of the demo's start page.
  await page.goto('/demo');
  await page.locator('section', { hasText: `（${insurer.code}）` }).getByRole('link', { name: '初回登録を始める' }).click();
  await page.waitForURL(/signup/);

  // 1-2
  await isAt(page, '/portal/signup', 'ご本人の確認');
  await wears(page, insurer);
  assert.deepEqual(await labels(page), [
    '保険者指定コード', '記号', '番号', '生年月日', '年', '月', '日', '氏名（カナ）', ...(insurer.asksEmployeeNumber ? ['社員番号'] : []),
  ]);
  assert.deepEqual(await buttons(page), ['認証']);
  assert.equal(await page.inputValue('#f-insurer_code'), insurer.code);
  await says(page, 'ステップ1／3', '登録', 'ご用意いただくもの', 'メールを受け取れるメールアドレス');
  await drawsWhereTheNumbersStand(page);
  await picture('1-sign-up');
  await budget(page);
  await fillIdentity(page, person);
  assert.equal(await press(page, '認証'), 200);

  // 1-3
  await isAt(page, '/portal/signup/account', 'ユーザーIDの作成');
  await wears(page, insurer);
  assert.deepEqual(await texts(page, 'main dl.sum > div'), [`記号 ${person.symbol}`, `番号 ${person.number}`]);
  assert.deepEqual(await labels(page), ['ユーザーID', 'パスワード', 'メールアドレス']);
  assert.deepEqual(await buttons(page), ['表示（パスワード）', '作成する', '戻る']);
  await says(page, '6文字以上50文字以内', '@ - _ +', insurer.passwordRule, '?!@#%&()_+');
  const email = person.registered ? null : `${userId}@example.jp`;
  assert.equal(await page.locator('#f-email').count(), email ? 1 : 0);
  if (!email) await says(page, person.registered.mask, '変更できません');
  await picture('2-account');
  await budget(page);
  await fillAccount(page, { userId, email });
  await button(page, '表示（パスワード）').click();
  assert.equal(await page.getAttribute('#f-password', 'type'), 'text');
  await button(page, '非表示（パスワード）').click();
  assert.equal(await page.getAttribute('#f-password', 'type'), 'password');
  assert.equal(await press(page, '作成する'), 200);

  // 1-4
  await isAt(page, '/portal/signup/code', '認証番号の入力');
  await says(
    page,
    '登録したメールアドレスに認証番号を送信しました。',
    '10分以内',
    '本文に記載されている認証番号を入力し、メールアドレス登録の手続きを完了してください。',
    '迷惑メールのフォルダー',
  );
  assert.deepEqual(await labels(page), ['認証番号']);
  assert.deepEqual(await buttons(page), ['OK', '再送する', ...(email ? ['メールアドレスを直す'] : [])]);
  await says(page, email ?? person.registered.mask);
  await picture('3-code');
  await budget(page);
  const mail = await mailTo(page, email ?? person.registered.email, '認証番号');
  assert.equal(mail.subject, '【ユーザーID 作成用認証番号のお知らせ】');
  for (const part of [
    '自動送信されています', '下記の認証番号を入力してユーザーID作成の手続きを行ってください。', '有効期限は発行より10分', 'お心当たりのない場合', insurer.phone,
  ]) {
    assert.ok(mail.text.includes(part), `${part}\n${mail.text}`);
  }
  // Having been away in the mail app.
  await page.reload();
  await page.fill('#f-code', codeIn(mail).replace(/(\d{3})(\d{3})/, '$1 $2'));
  assert.equal(await press(page, 'OK'), 200);

  // 1-5
  await isAt(page, '/portal/', 'ログイン');
  await wears(page, insurer);
  assert.equal(await page.inputValue('#f-user_id'), userId);
  await says(
    page, userId, '控えてください', 'パスワードを忘れた方はこちら', 'ユーザーIDを忘れた方はこちら', 'ユーザーIDの作成がまだの方はこちら', 'サイトからのお知らせ',
    '2024.04.01 【お知らせ】 2024年度 定期システムメンテナンス 年間スケジュール', '2024.04.05 「i B s s 関連の利用規約」新設と改訂のお知らせ',
    '2022.09.14 Microsoft 社 Internet Explorer のサポート終了について',
  );
  assert.deepEqual(await labels(page), ['ユーザーID', 'パスワード', '次からこの機器では、ユーザーIDの入力を省く（共用の機器では選ばないでください）']);
  assert.deepEqual(await buttons(page), ['表示（パスワード）', 'ログイン', 'ユーザーIDの作成がまだの方はこちら']);
  await picture('4-log-in');
  await budget(page);
  assert.equal(await logIn(page, userId), 200);

  // 1-6
  await isAt(page, '/portal/terms', '利用規約');
  assert.deepEqual(await texts(page, 'main article > h2'), insurer.terms);
  await says(page, '第1条（適用）', '第2条（サービスの提供）', '施行日');
  assert.equal(await page.locator('#changes').count(), 0);
  const marked = page.locator('.marked > li').first();
  assert.match(await marked.innerText(), /^\(1\)/);
  assert.equal(await marked.evaluate((one) => getComputedStyle(one).listStyleType), 'none');
  assert.deepEqual(await labels(page), ['利用規約に同意する']);
  assert.deepEqual(await buttons(page), ['次へ', '同意しない（ログアウト）', '印刷する']);
  assert.equal(await page.isChecked('#f-agree'), false);
  // Down to the tick without the text; an article that is read can be closed.
  await page.getByRole('link', { name: '同意のチェックへ進む' }).click();
  assert.equal(await page.evaluate(() => document.activeElement.id), 'f-agree');
  const article = page.locator('.terms details').first();
  await article.locator('summary').click();
  assert.equal(await article.evaluate((one) => one.open), false);
  await article.locator('summary').click();
  await picture('5-terms');
  await budget(page);
  // Nothing else opens before.
  await page.goto('/portal/account');
  await isAt(page, '/portal/terms');
  await page.goto('/portal/terms');
  await acceptTerms(page);

  // 1-7
  await isAt(page, '/portal/mypage', `${person.name}さん`);
  await says(page, 'はじめてのログインです');
  await hasTheManualsMenu(page, insurer, person);
  await picture('6-my-page');
  await budget(page);
  if (width < 600) await showsFirst(page);
  await page.goto('/portal/');
  await isAt(page, '/portal/mypage');

  // And the next time: no terms, and the time of this log-in.
  await press(page, 'ログアウト');
  await isAt(page, '/portal/', 'ログイン');
  await logIn(page, userId);
  await isAt(page, '/portal/mypage');
  assert.match(await mainText(page), /前回ログイン \d{4}年\d{2}月\d{2}日 \d{2}:\d{2}:\d{2}/);
  await picture('7-my-page-again');
}

/** Name, colours and desk are the insurer's. */
async function wears(page, { name, desk, phone, colour }) {
  assert.ok((await page.title()).endsWith(`｜${name}`), await page.title());
  assert.ok((await page.locator('header .name').innerText()).includes(name));
  const footer = await page.locator('footer').innerText();
  for (const part of [desk, phone]) assert.ok(footer.includes(part), footer);
  assert.match(footer, /受付中 .+まで受け付けています|受付時間外 次の受付は.+からです/);
  if (colour) {
    const brand = await page.evaluate(() => getComputedStyle(document.documentElement).getPropertyValue('--brand').trim());
    assert.equal(brand, colour);
  }
}

async function hasTheManualsMenu(page, insurer, person) {
  // Beside the page where there is room; on a phone its features stand in the page itself, each once with its state.
  const isPhone = page.viewportSize().width < 896;
  assert.equal(await page.locator('.menu').isVisible(), !isPhone);
  if (isPhone) {
    assert.deepEqual(await texts(page, '.rows .card'), insurer.menu['各種申請・登録'].map((label) => `${label} 準備中`));
    const features = (await texts(page, '.leads li')).map((text) => text.replace(' 準備中', ''));
    assert.deepEqual(features, [...insurer.menu.通院, ...insurer.menu.お薬]);
    assert.equal((await mainText(page)).match(/使えるようになりましたら/g).length, 1);
  } else {
    assert.deepEqual(await texts(page, '.menu h2'), ['マイページ', ...Object.keys(insurer.menu)]);
    // Its state is said once, in the feature's row.
    assert.deepEqual(await texts(page, '.menu li'), Object.values(insurer.menu).flat());
  }
  const headings = await texts(page, '.matter h2');
  assert.match(headings[0], /^組合からのお知らせ 未読\d+件$/);
  assert.ok(headings[1].startsWith(`${person.name}さんへのお知らせ`), headings[1]);
  assert.deepEqual(headings.slice(-2), ['通院', 'お薬']);
  await says(page, '最近の医療費', 'ジェネリック利用状況', '準備中', '未読');
  assert.doesNotMatch(await mainText(page), /¥\s?0|(?<!\d)0円/);
  await follow(page, '上手な医療のかかり方');
  await isAt(page, '/portal/guides/medical-guide', '上手な医療のかかり方');
  await page.goBack();
}

/** Each document can be opened, and only then is its drawing loaded. */
async function drawsWhereTheNumbersStand(page) {
  for (const document of ['マイナポータル', '資格情報のお知らせ', '資格確認書']) {
    const part = page.locator('details', { has: page.getByText(document, { exact: true }) });
    const drawing = part.locator('img');
    assert.equal(await drawing.evaluate((one) => one.currentSrc), '', document);
    await part.locator('summary').click();
    await drawing.evaluate((one) => one.decode());
    assert.ok((await drawing.evaluate((one) => one.naturalWidth)) > 0, document);
    assert.match(await drawing.getAttribute('alt'), /記号.*番号/, document);
  }
}

/** The first notice and the first card stand in a phone's window without scrolling. */
async function showsFirst(page) {
  await page.evaluate(() => scrollTo(0, 0));
  const window = page.viewportSize().height;
  for (const selector of ['.matter .lines a', '.matter .card h3']) {
    const box = await page.locator(selector).first().boundingBox();
    assert.ok(box.y + box.height <= window, `${selector} ends at ${box.y + box.height} of ${window}`);
  }
}
