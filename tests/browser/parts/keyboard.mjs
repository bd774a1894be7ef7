// Sign-up, log-in and terms with the keyboard alone. Wherever the focus goes it is seen, and nothing covers it.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { INSURERS, PASSWORD } from '../people.mjs';
import { codeIn, going, isAt, mailTo, texts } from '../steps.mjs';

const insurer = INSURERS[32290413];
const person = insurer.people.keyboard;
const email = 'keyboard@example.jp';

export default function register(site) {
  test('the keyboard alone is enough from the first page to the my page', async () => {
    const page = await site.page(1280);
    const keys = keyboard(page);

    await page.goto(`/portal/signup?insurer=${insurer.code}`);
    await page.keyboard.press('Tab');
    assert.equal(await focusedText(page), '本文へ移動');
    await page.keyboard.press('Enter');
    assert.equal(await page.evaluate(() => document.activeElement.id), 'main', 'the skip link moves the focus');

    await keys.type('#f-symbol', person.typed.symbol);
    await keys.type('#f-number', person.typed.number);
    // It opens where most were born; typing the Western year jumps to it.
    assert.equal(await page.inputValue('#f-birth_year'), '');
    assert.equal(await page.locator('#f-birth_year option:checked + option').getAttribute('value'), '1970');
    for (const [index, name] of ['birth_year', 'birth_month', 'birth_day'].entries()) {
      await keys.to(`#f-${name}`);
      await page.keyboard.type(String(person.typed.birth[index]));
      assert.equal(await page.inputValue(`#f-${name}`), String(person.typed.birth[index]));
    }
    await keys.type('#f-kana_name', person.typed.kana);
    await keys.to('main .btn');
    await going(page, () => page.keyboard.press('Enter'));

    await isAt(page, '/portal/signup/account');
    await keys.type('#f-user_id', 'Key+Board_1');
    await keys.type('#f-password', PASSWORD);
    await keys.to('[data-reveal]');
    await page.keyboard.press('Space');
    assert.equal(await page.getAttribute('#f-password', 'type'), 'text');
    await keys.type('#f-email', email);
    // Enter in a field is 作成する, not 戻る.
    await going(page, () => page.keyboard.press('Enter'));

    await isAt(page, '/portal/signup/code');
    await keys.type('#f-code', codeIn(await mailTo(page, email, '認証番号')));
    await going(page, () => page.keyboard.press('Enter'));

    await isAt(page, '/portal/');
    // The user ID's case makes no difference.
    await keys.type('#f-user_id', 'KEY+board_1');
    await keys.type('#f-password', PASSWORD);
    await going(page, () => page.keyboard.press('Enter'));

    await isAt(page, '/portal/terms');
    // Past the articles, each of which can be closed.
    await keys.to('main a[href="#f-agree"]');
    await page.keyboard.press('Enter');
    assert.equal(await page.evaluate(() => document.activeElement.id), 'f-agree');
    await page.keyboard.press('Space');
    await keys.to('main .btn:not(.line)');
    await going(page, () => page.keyboard.press('Enter'));

    await isAt(page, '/portal/mypage');
    // Once round the whole page: every link and button is reached, in the order of the page, and seen.
    const reached = await keys.round();
    assert.deepEqual(reached, await texts(page, 'body :is(a[href], button):not([hidden])'));
    assert.deepEqual(page.problems, []);
    await page.context().close();
  });
}

/** Tab, with a look at each stop. */
function keyboard(page) {
  const step = async () => {
    await page.keyboard.press('Tab');
    await seen(page);
  };
  const to = async (selector, most = 40) => {
    for (let pressed = 0; pressed < most; pressed += 1) {
      await step();
      if (await page.evaluate((selector) => document.activeElement.matches(selector), selector)) return;
    }
    assert.fail(`${page.url()}: ${selector} is not reached`);
  };
  return {
    to,
    async type(selector, text) {
      await to(selector);
      await page.keyboard.press('Control+A');
      await page.keyboard.type(text);
      assert.equal(await page.inputValue(selector), text);
    },
    async round() {
      const stops = [];
      await page.evaluate(() => document.activeElement?.blur());
      await page.reload();
      for (;;) {
        await step();
        const text = await focusedText(page);
        if (text === null || stops.length > 80) return stops;
        stops.push(text);
      }
    },
  };
}

/** What has the focus: null past the last stop. */
const focusedText = (page) =>
  page.evaluate(() => {
    const focused = document.activeElement;
    return focused === document.body ? null : focused.innerText.replace(/\s+/gu, ' ').replaceAll(' （', '（').trim();
  });

/** The focused element has a thick outline, is inside the window and is not covered (WCAG 2.4.7, 2.4.11). */
async function seen(page) {
  const trouble = await page.evaluate(() => {
    const focused = document.activeElement;
    if (focused === document.body) return null;
    const style = getComputedStyle(focused);
    const box = focused.getClientRects()[0];
    const at = [box.left + box.width / 2, box.top + box.height / 2];
    const top = document.elementFromPoint(...at);
    const facts = { what: focused.outerHTML.slice(0, 100), outline: style.outline, box: [box.left, box.top, box.right, box.bottom], top: top?.outerHTML.slice(0, 100) };
    const outlined = style.outlineStyle === 'solid' && parseFloat(style.outlineWidth) >= 3;
    // Text is as high as its font makes it: boxes lie on fractions of a pixel, and scrolling on whole ones.
    const inside = box.top > -1 && box.bottom < innerHeight + 1 && box.left > -1 && box.right < innerWidth + 1;
    const free = top !== null && (focused.contains(top) || top.contains(focused));
    return outlined && inside && free ? null : facts;
  });
  assert.equal(trouble, null, JSON.stringify(trouble));
}
