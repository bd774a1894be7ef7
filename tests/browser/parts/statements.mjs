// 医療費通知 as somebody of seventy-five reads it: from the my page into a year, to one person, to one month, to the sheet for the
// tax return on paper, and to who sees what. Nothing of it needs a script.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { budget, check, reflow, screenshot, WIDTHS } from '../harness.mjs';
import { DEMO_PASSWORD, INSURERS } from '../people.mjs';
import { acceptTerms, button, follow, isAt, labels, logIn, mainText, press, says, texts } from '../steps.mjs';

const insurer = INSURERS[32290413];
/** Her mother, who lives with her. */
const MOTHER = '共済 フミ';

/** Of the number that stands on her documents no page may tell. */
const NUMBERS = /記号|番号|(?<![\d,])(100|106)(?![\d,円])/;

export default function register(site) {
  for (const width of WIDTHS) {
    test(`a year is read without scripts at ${width} px, by family, by person and by month`, async () => {
      const page = await enter(site, width, { javaScript: false });
      assert.match(await mainText(page), /最近の医療費 \d{4}年\d{1,2}月 [\d,]+円（窓口負担）/);
      await follow(page, '医療費通知');
      await isAt(page, '/portal/costs', '医療費通知');
      const year = Number(await page.locator('#f-year').inputValue());
      const all = await yearly(page, `${year}年の窓口負担は、あなたとご家族で`);
      assert.equal(all, sum(await texts(page, '.bars tbody td:last-child')));
      assert.deepEqual(new Set(await texts(page, '.costs tbody th[scope="row"]')), new Set([insurer.registered.name, MOTHER]));
      await says(page, '訂正', '遅れて届いた分', '名前の記録なし', '柔整');
      await looks(page, 'costs');

      // One person's part, and the rest is what is missing.
      assert.deepEqual(await labels(page), ['診療を受けた年', '受診者']);
      await page.selectOption('#f-person', { label: MOTHER });
      await press(page, '表示する');
      const hers = await yearly(page, `${year}年の${MOTHER}さんの窓口負担は、`);
      assert.deepEqual(new Set(await texts(page, '.costs tbody th[scope="row"]')), new Set([MOTHER]));
      await page.selectOption('#f-person', { label: insurer.registered.name });
      await press(page, '表示する');
      const own = await yearly(page, `${year}年のあなたの窓口負担は、`);
      assert.equal(hers + own, all);
      await page.selectOption('#f-year', String(year - 1));
      await press(page, '表示する');
      await yearly(page, `${year - 1}年のあなたの窓口負担は、`);
      await looks(page, 'costs-of-one');

      // The month of her mother's stay in hospital.
      await page.goto('/portal/costs/2026-03');
      await isAt(page, '/portal/costs/2026-03', '2026年3月診療分の医療費');
      await says(page, '医科入院', '食事の標準負担額', '支給額', '38,200円', '金額の見かた');
      await looks(page, 'costs-month');
      await follow(page, '医療費通知に戻る');
      await isAt(page, '/portal/costs', '医療費通知');
      await page.context().close();
    });

    test(`the sheet for the tax return is printed without any number of hers at ${width} px`, async () => {
      const page = await enter(site, width);
      await page.goto('/portal/costs/tax/2026');
      await says(page, '① 支払った医療費', '② 支払った医療費', '③ 補てんされる金額', 'この印刷は申告に添付できません');
      await check(page, 'costs-tax');
      await budget(page);
      await page.emulateMedia({ media: 'print' });
      assert.doesNotMatch(await page.locator('body').innerText(), NUMBERS);
      assert.ok(await page.locator('.onpaper').isVisible());
      assert.equal(await page.locator(':is(.top, .nav, .foot, .noprint)').filter({ visible: true }).count(), 0);
      await reflow(page);
      await screenshot(page, 'costs-tax-on-paper');
      await page.context().close();
    });

    test(`pages of statements pass axe and keep their weight at ${width} px`, async () => {
      const page = await enter(site, width);
      for (const path of ['/portal/mypage', '/portal/costs', '/portal/costs?year=2025', '/portal/costs/2026-05', '/portal/costs/files', '/portal/medicines', '/portal/medicines/2026-06', '/portal/medicines/files', '/portal/guides/family-statements']) {
        await page.goto(path);
        await check(page, `inside${path.replace('/portal', '').replaceAll(/[/?=]/g, '-')}`);
        await budget(page);
      }
      await page.context().close();
    });
  }

  test('a file that arrives is told of, and clears what was wrong before', async () => {
    const page = await enter(site, 390);
    await page.goto('/portal/costs/files');
    await page.locator('#f-year option').first().evaluate((option) => (option.value = '1900'));
    await press(page, 'ファイルを保存する');
    await page.locator('#errs').waitFor();
    const [file] = await Promise.all([page.waitForEvent('download'), button(page, 'ファイルを保存する').click()]);
    assert.match(file.suggestedFilename(), /^医療費の明細\d{4}年\.csv$/);
    await page.getByText('保存しました').waitFor();
    assert.equal(await page.locator(':is(#errs, .bad, [aria-invalid])').count(), 0);
    assert.doesNotMatch(await page.title(), /エラー/);
    await check(page, 'files-saved');
    await page.context().close();
  });

  test('a file that does not come is asked for once, and the page that comes instead is shown, or that nothing came', async () => {
    const page = await enter(site, 390);
    await page.goto('/portal/costs/files');
    const answers = [
      (route) => route.fulfill({ status: 503, contentType: 'text/plain', body: 'busy' }),
      (route) => route.abort(),
      (route) => route.fulfill({ status: 503, contentType: 'text/html; charset=utf-8', body: '<!doctype html><title>混雑</title><h1>ただいま混み合っています</h1>' }),
    ];
    let asked = 0;
    await page.route('**/portal/costs/files', (route) => answers[asked++](route));
    for (const times of [1, 2]) {
      await button(page, 'ファイルを保存する').click();
      await page.locator('[data-saved-told] .err').getByText('保存できませんでした').waitFor();
      await isAt(page, '/portal/costs/files');
      assert.equal(asked, times);
    }
    await check(page, 'files-not-saved');
    await button(page, 'ファイルを保存する').click();
    await page.getByText('ただいま混み合っています').waitFor();
    assert.equal(await page.title(), '混雑');
    assert.equal(asked, 3);
    await page.context().close();
  });

  test('who sees what is chosen without scripts, and the page never tells what was', async () => {
    const page = await enter(site, 390, { javaScript: false });
    await page.goto('/portal/account');
    await follow(page, '変更（ご家族への表示）');
    await isAt(page, '/portal/account/family', 'ご家族への表示');
    await says(page, 'ご家族（組合員本人）にも表示する', '過去の月の分にも当てはまります', 'なかったことにはできません');
    const untouched = ['今のまま変えない', '自分だけに表示する', 'だれにも表示しない'];
    assert.deepEqual(await labels(page), ['医療費通知', ...untouched, 'ジェネリック差額明細', ...untouched]);
    await press(page, '保存する');
    await says(page, '何も変更していません');
    const before = await ticked(page);
    await page.check('#f-medicines-self_only');
    await press(page, '保存する');
    await says(page, 'ご希望を承りました');
    assert.deepEqual(await ticked(page), before);
    await looks(page, 'family');
    await page.check('#f-medicines-suppressed');
    await press(page, '保存する');
    await says(page, 'まだ保存していません', 'もう一度見られるようにできるのは、窓口だけです');
    await looks(page, 'family-check');
    await follow(page, '保存せずに戻る');
    await follow(page, 'ご家族への表示について（組合からの説明）');
    await isAt(page, '/portal/guides/family-statements', 'ご家族への明細の表示について');
    await says(page, insurer.phone);
    await page.context().close();
  });

  for (const width of WIDTHS) {
    test(`who sees what passes axe at ${width} px`, async () => {
      const page = await enter(site, width);
      await page.goto('/portal/account/family');
      await check(page, 'family');
      await budget(page);
      await page.context().close();
    });
  }
}

async function enter(site, width, options) {
  const page = await site.page(width, options);
  await logIn(page, insurer.registered.userId, DEMO_PASSWORD);
  await acceptTerms(page);
  await isAt(page, '/portal/mypage');
  return page;
}

/** The sum that a sentence beginning so tells. */
async function yearly(page, begin) {
  const text = await mainText(page);
  const [, yen] = new RegExp(`${begin}([\\d,]+円)でした`).exec(text) ?? assert.fail(`「${begin}」 is not in\n${text}`);
  return sum([yen]);
}

const sum = (amounts) => amounts.map((yen) => Number(yen.replaceAll(/[,円]/g, ''))).reduce((all, yen) => all + yen, 0);

const ticked = (page) => page.locator('input[type=radio]').evaluateAll((all) => all.map((one) => one.checked));

async function looks(page, name) {
  await reflow(page);
  await screenshot(page, `plain-${name}`);
}
