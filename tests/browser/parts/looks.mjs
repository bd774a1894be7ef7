// How pages bear being printed, enlarged, respaced and recoloured, how steady they load, and that insurers differ.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { axe, layoutShift, paintSlowly, reflow, screenshot, WIDTHS } from '../harness.mjs';
import { DEMO_PASSWORD, INSURERS } from '../people.mjs';
import { acceptTerms, isAt, logIn, texts } from '../steps.mjs';

const member = INSURERS[32290413];
const PUBLIC = [`/portal/signup?insurer=${member.code}`, '/portal/', '/portal/user-id', '/portal/help'];
const INSIDE = ['/portal/mypage', '/portal/notices', '/portal/account', '/portal/account/password', '/portal/guides/medical-guide'];

export default function register(site) {
  for (const width of WIDTHS) {
    test(`text of twice the size, and widely spaced, still fits at ${width} px; at 320 px axe finds nothing`, async () => {
      const page = await everyPage(site, width, async (page, name) => {
        await page.evaluate(() => (document.documentElement.style.fontSize = '200%'));
        await fits(page, `${name} at 200 %`);
        if (name.startsWith('mypage') || name.startsWith('signup')) await screenshot(page, `large-${name}`);
        await page.evaluate(() => {
          document.documentElement.style.fontSize = '';
          const sheet = new CSSStyleSheet();
          // WCAG 1.4.12.
          sheet.replaceSync('* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important } p { margin-block-end: 2em !important }');
          document.adoptedStyleSheets = [sheet];
        });
        await fits(page, `${name} spaced`);
        await page.evaluate(() => (document.adoptedStyleSheets = []));
        if (width < 600) {
          await page.setViewportSize({ width: 320, height: 640 });
          await axe(page);
          await page.setViewportSize({ width, height: 844 });
        }
      });
      await page.context().close();
    });
  }

  test('nothing moves while loading, slow lines included', async () => {
    const page = await everyPage(site, 390, async (page, name) => {
      const shift = await layoutShift(page);
      assert.ok(shift <= 0.02, `${name}: layout shift ${shift}`);
    });
    for (const path of ['/portal/mypage', '/portal/help']) {
      const { paint, shift } = await paintSlowly(page, path);
      console.log(`${path}: largest paint after ${Math.round(paint)} ms at 400 kbit/s, 400 ms, CPU ÷ 4`);
      assert.ok(shift <= 0.02, `${path}: layout shift ${shift} on a slow line`);
    }
    await page.context().close();
  });

  test('on paper there is what is to be read, and nothing else', async () => {
    const page = await everyPage(site, 1280, async (page, name) => {
      await page.emulateMedia({ media: 'print' });
      for (const selector of ['.top', '.nav', '.foot', '.skip']) assert.ok(!(await page.locator(selector).first().isVisible()), selector);
      assert.ok(await page.locator('h1').isVisible());
      if (/mypage|guides/.test(name)) await screenshot(page, `print-${name}`);
      await page.emulateMedia({ media: 'screen' });
    });
    await page.context().close();
  });

  test('with the colours of the system everything keeps its edges', async () => {
    const page = await everyPage(site, 390, async (page, name) => {
      await page.emulateMedia({ forcedColors: 'active' });
      const bare = await page.locator('main :is(.btn, .inp, .tag, .note)').evaluateAll((all) =>
        all.filter((one) => getComputedStyle(one).borderTopStyle === 'none').map((one) => one.outerHTML.slice(0, 100)),
      );
      assert.deepEqual(bare, []);
      if (/mypage|signup/.test(name)) await screenshot(page, `forced-colors-${name}`);
      await page.emulateMedia({ forcedColors: 'none' });
    });
    await page.context().close();
  });

  test('three insurers: three names, colours, logos and desks', async () => {
    const looks = [];
    for (const { code } of Object.values(INSURERS)) {
      const page = await site.page(390);
      await page.goto(`/portal/signup?insurer=${code}`);
      looks.push(
        await page.evaluate(() => ({
          name: document.querySelector('.name').innerText,
          bar: getComputedStyle(document.querySelector('.top')).borderTopColor,
          button: getComputedStyle(document.querySelector('main .btn')).backgroundColor,
          logo: document.querySelector('.name img').currentSrc,
          phone: document.querySelector('footer .tel').innerText,
        })),
      );
      await page.context().close();
    }
    for (const key of Object.keys(looks[0])) assert.equal(new Set(looks.map((look) => look[key])).size, 3, key);
  });

  for (const width of WIDTHS) {
    test(`a word longer than the window breaks wherever insurers and people write, at ${width} px`, async () => {
      const page = await everyPage(site, width, async (page) => {
        await page.locator('main').evaluate((main, word) => {
          for (const one of main.querySelectorAll('h1, .lines a, .news a, .prose :is(p, li, a), .sum dd')) {
            if (!one.children.length) one.textContent = word;
          }
        }, 'https://www.example.jp/' + 'x'.repeat(200));
        await reflow(page);
      });
      await page.context().close();
    });
  }

  test('fields are large enough not to make a phone zoom, targets large enough to hit', async () => {
    const page = await everyPage(site, 390, async (page, name) => {
      const small = await page.locator(':is(header, .nav, main, footer) :is(.inp, a, button)').evaluateAll((all) =>
        all
          .filter((one) => one.checkVisibility())
          // A link inside a sentence is as high as its line (WCAG 2.5.8 excepts it).
          .filter((one) => !one.matches('a') || one.innerText === one.parentElement.innerText)
          .filter((one) => one.getBoundingClientRect().height < (one.matches('.inp, .btn, .nav a, header *') ? 44 : 24))
          .map((one) => `${Math.round(one.getBoundingClientRect().height)} px: ${one.outerHTML.slice(0, 100)}`),
      );
      assert.deepEqual(small, [], name);
      const zooming = await page.locator('.inp').evaluateAll((all) => all.filter((one) => parseFloat(getComputedStyle(one).fontSize) < 16).length);
      assert.equal(zooming, 0, name);
    });
    await page.context().close();
  });
}

/** Opens each page of both kinds, as a visitor and then as a member, and looks at it. */
async function everyPage(site, width, look) {
  const page = await site.page(width);
  const visit = async (paths) => {
    for (const path of paths) {
      await page.goto(path);
      await look(page, path.replace('/portal/', '').replace(/\?.*/, '').replaceAll('/', '-') || 'log-in');
    }
  };
  await visit(PUBLIC);
  await logIn(page, member.registered.userId, DEMO_PASSWORD);
  await acceptTerms(page);
  await isAt(page, '/portal/mypage');
  await visit(INSIDE);
  assert.deepEqual(page.problems, []);
  return page;
}

/** Nothing sticks out of the window, no text is cut off or lies over other text. */
async function fits(page, name) {
  const trouble = await page.evaluate(() => {
    const wide = document.documentElement.scrollWidth > document.documentElement.clientWidth;
    const all = [...document.body.querySelectorAll('*')].filter((one) => !one.closest('.vh') && one.checkVisibility());
    const cut = all.filter((one) => getComputedStyle(one).overflow !== 'visible' && !one.matches('select, input') && (one.scrollWidth > one.clientWidth + 1 || one.scrollHeight > one.clientHeight + 1));
    return [...(wide ? ['wider than the window'] : []), ...cut.map((one) => one.outerHTML.slice(0, 100))];
  });
  assert.deepEqual(trouble, [], name);
  assert.notEqual((await texts(page, 'h1')).length, 0);
}
