// How pages bear being printed, enlarged, respaced and recoloured, how steady they load, and that insurers differ.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { axe, layoutShift, paintSlowly, reflow, screenshot, WIDTHS } from '../harness.mjs';
import { DEMO_PASSWORD, INSURERS } from '../people.mjs';
import { acceptTerms, isAt, logIn, press, texts } from '../steps.mjs';

const member = INSURERS[32290413];
const PUBLIC = [`/portal/signup?insurer=${member.code}`, '/portal/', '/portal/user-id', '/portal/help'];
const INSIDE = [
  '/portal/mypage', '/portal/notices', '/portal/account', '/portal/account/password', '/portal/account/family', '/portal/account/looks', '/portal/costs', '/portal/costs/2026-03', '/portal/costs/tax/2026', '/portal/medicines', '/portal/medicines/2026-07',
  '/portal/guides/medical-guide',
];

export default function register(site) {
  for (const width of WIDTHS) {
    test(`text of twice the size, and widely spaced, still fits at ${width} px; at 320 px axe finds nothing`, async () => {
      const page = await everyPage(site, width, async (page, name) => {
        await page.evaluate(() => (document.documentElement.style.fontSize = '200%'));
        await fits(page, `${name} at 200 %`);
        await isLegible(page, `${name} at 200 %`);
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

  test('on paper there is what is to be read with insurer, day and person, and nothing else', async () => {
    const page = await everyPage(site, 1280, async (page, name, isMembers) => {
      assert.ok(!(await page.locator('.onpaper').isVisible()), name);
      await page.emulateMedia({ media: 'print' });
      for (const selector of ['.top', '.nav', '.foot', '.skip', '.menu']) assert.equal(await page.locator(selector).filter({ visible: true }).count(), 0, selector);
      const person = isMembers ? `　${member.registered.name}さん` : '';
      assert.match(await page.locator('.onpaper').innerText(), new RegExp(`^${member.name}　\\d{4}年（令和\\d+年）\\d+月\\d+日${person}$`), name);
      // As the head of a table it is on each page.
      assert.deepEqual(await page.locator('.onpaper').evaluate((one) => [getComputedStyle(one).display, getComputedStyle(one).breakInside]), ['table-header-group', 'avoid']);
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
          isOwn: getComputedStyle(document.querySelector('main .btn')).backgroundColor === getComputedStyle(document.querySelector('.top')).borderTopColor,
          logo: document.querySelector('.name img').currentSrc,
          phone: document.querySelector('footer .tel').innerText,
        })),
      );
      await page.context().close();
    }
    for (const { isOwn, name } of looks) assert.ok(isOwn, `${name}: the button has the insurer’s own colour`);
    for (const key of ['name', 'bar', 'button', 'logo', 'phone']) assert.equal(new Set(looks.map((look) => look[key])).size, 3, key);
  });

  test('at 195 px, which is a phone at twice its size, everything is still there and nothing beside it', async () => {
    const page = await everyPage(site, 195, async (page, name) => {
      await fits(page, name);
      await isLegible(page, name);
      if (name.startsWith('signup')) {
        await press(page, '認証');
        await fits(page, `${name} refused`);
      }
    });
    await page.context().close();
  });

  test('the header is one row on a phone, the date of birth one line, and an error’s box as wide as the form', async () => {
    const page = await site.page(390);
    await page.goto(PUBLIC[0]);
    await inOneRow(page, '.top .wrap > *');
    await inOneRow(page, '.date select');
    const gaps = await page.locator('.field > label + .inp, .field > label + .reveal, .row label + .inp').evaluateAll((all) =>
      all.map((one) => one.getBoundingClientRect().top - one.previousElementSibling.getBoundingClientRect().bottom),
    );
    assert.ok(gaps.length > 0 && gaps.every((gap) => gap >= 4), JSON.stringify(gaps));
    await page.setViewportSize({ width: 1280, height: 900 });
    await press(page, '認証');
    const width = (selector) => page.locator(selector).evaluate((one) => Math.round(one.getBoundingClientRect().width));
    assert.equal(await width('#errs'), await width('main > .read'));
    await inOneRow(page, '.date select');
    // It has the focus, and no second and third frame for that.
    const frames = await page.locator('#errs').evaluate((one) => [document.activeElement === one, getComputedStyle(one).outlineStyle, getComputedStyle(one).boxShadow]);
    assert.deepEqual(frames, [true, 'none', 'none']);
    await page.context().close();
  });

  for (const width of WIDTHS) {
    test(`a word longer than the window breaks wherever insurers and people write, at ${width} px`, async () => {
      const page = await everyPage(site, width, async (page) => {
        await page.locator('main').evaluate((main, word) => {
          for (const one of main.querySelectorAll('h1, .lines a, .prose :is(p, li, a), .sum dd')) {
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
      const small = await page.locator(':is(header, .nav, main, footer) :is(.inp, a, button, summary)').evaluateAll((all) => {
        // Excepted as WCAG 2.5.8 excepts it: a link inside a sentence, in our words or in what insurers write.
        const isInSentence = (one) => one.matches('.prose a') || (one.matches('p a') && one.innerText !== one.closest('p').innerText);
        // Measured as what takes the tap: a notice is its whole row.
        const target = (one) => one.closest('.lines li') ?? one;
        return all
          .filter((one) => one.checkVisibility() && !isInSentence(one))
          .filter((one) => target(one).getBoundingClientRect().height < 44)
          .map((one) => `${Math.round(one.getBoundingClientRect().height)} px: ${one.outerHTML.slice(0, 100)}`);
      });
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
      await look(page, path.replace('/portal/', '').replace(/\?.*/, '').replaceAll('/', '-') || 'log-in', paths === INSIDE);
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

/** The middles of these stand at one height. */
async function inOneRow(page, selector) {
  const middles = await page.locator(selector).evaluateAll((all) => all.map((one) => one.getBoundingClientRect()).map((box) => box.top + box.height / 2));
  assert.ok(middles.length > 1 && Math.max(...middles) - Math.min(...middles) <= 2, `${selector}: ${middles}`);
}

/** Nothing sticks out of the window, no text is cut off or lies over other text. */
async function fits(page, name) {
  const trouble = await page.evaluate(() => {
    const wide = document.documentElement.scrollWidth > document.documentElement.clientWidth;
    const all = [...document.body.querySelectorAll('*')].filter((one) => !one.closest('.vh, .stack thead') && one.checkVisibility());
    // A table of many columns may be moved within a region that has a name, where there is room for a table at all.
    const moves = (one) => innerWidth > 640 && one.matches('.scroll[role="region"]');
    const cut = all.filter((one) => getComputedStyle(one).overflow !== 'visible' && !one.matches('select, input') && !moves(one) && (one.scrollWidth > one.clientWidth + 1 || one.scrollHeight > one.clientHeight + 1));
    return [...(wide ? ['wider than the window'] : []), ...cut.map((one) => one.outerHTML.slice(0, 100))];
  });
  assert.deepEqual(trouble, [], name);
  assert.notEqual((await texts(page, 'h1')).length, 0);
}

/** In a table no amount is torn, and no name stands a few letters to a line. */
async function isLegible(page, name) {
  const torn = await page.locator('main tbody td').evaluateAll((all) => {
    const lines = (one) => {
      const range = document.createRange();
      range.selectNodeContents(one);
      return new Set([...range.getClientRects()].map((box) => Math.round(box.top))).size;
    };
    const most = (one) => (one.matches('.num') ? 1 : Math.ceil(one.textContent.length / 4));
    return all.filter((one) => one.checkVisibility() && !one.children.length && lines(one) > most(one)).map((one) => one.outerHTML);
  });
  assert.deepEqual(torn, [], name);
}
