// What every browser test stands on: a demo server of its own on a free port, Chromium, and the checks that hold for
// each page (axe, reflow, size). It never reaches past this machine; a request that tries to is a failure.

import assert from 'node:assert/strict';
import { mkdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { TARGET, serve } from '../demo.mjs';

const CHROMIUM = process.env.MADOGUCHI_TEST_CHROMIUM ?? '/usr/bin/chromium';
const AXE = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** WCAG 2.2 AA and axe's own advice; `target-size` runs only when wcag22aa is named. */
const AXE_RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** Bytes as sent, compressed, of one page opened with an empty cache; `requests` counts the page itself. */
export const BUDGET = { document: 15 * 1024, stylesheet: 6 * 1024, script: 10 * 1024, image: 30 * 1024, font: 0, requests: 4 };

/** The phone and the desktop that every step is walked on. */
export const WIDTHS = [390, 1280];

/** How long anything on a page may take, in milliseconds. */
const TIMEOUT = 15_000;

/**
 * Starts a server and a browser; `close()` ends both. With MADOGUCHI_TEST_URL a running demo is used instead, whose data
 * then change.
 */
export async function open() {
  const server = process.env.MADOGUCHI_TEST_URL ? { url: process.env.MADOGUCHI_TEST_URL, stop: async () => {} } : await serve();
  try {
    const browser = await chromium.launch({
      executablePath: CHROMIUM,
      args: [
        '--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking', '--no-first-run',
        '--disable-component-update', '--disable-sync',
      ],
    });
    return {
      url: server.url,
      page: (width, options) => page(browser, server.url, width, options),
      command: server.command,
      close: async () => {
        await browser.close();
        await server.stop();
      },
    };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

/**
 * A page in a browser profile of its own, as a Japanese visitor has it. `javaScript: false` switches scripts off. What
 * goes wrong in it (script errors, refused content, requests to other hosts) gathers in `page.problems`.
 */
async function page(browser, url, width, { javaScript = true } = {}) {
  const phone = width < 600;
  const context = await browser.newContext({
    baseURL: url,
    viewport: { width, height: phone ? 844 : 900 },
    isMobile: phone,
    hasTouch: phone,
    javaScriptEnabled: javaScript,
    locale: 'ja-JP',
    timezoneId: 'Asia/Tokyo',
  });
  context.setDefaultTimeout(TIMEOUT);
  const page = await context.newPage();
  page.problems = [];
  page.on('pageerror', (error) => page.problems.push(String(error)));
  page.on('console', (message) => {
    // Chromium itself reports every 4xx answer; a refused form is one on purpose.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) page.problems.push(message.text());
  });
  context.on('request', (request) => {
    if (isForeign(request, url)) page.problems.push(`request to ${request.url()}`);
  });
  return page;
}

/** Everything that must hold for a page as it stands, and a picture of it in target/screens/. */
export async function check(page, name) {
  await axe(page);
  await reflow(page);
  await screenshot(page, name);
  assert.deepEqual(page.problems, [], `${page.url()}: problems in the browser`);
}

/** No violation of any axe rule we run. */
export async function axe(page) {
  // Through the debugger, which the page's content security policy doesn't bind; a script element it would refuse.
  await page.evaluate(AXE);
  const violations = await page.evaluate(async (values) => {
    const { violations } = await globalThis.axe.run(document, { runOnly: { type: 'tag', values } });
    return violations.map(({ id, help, nodes }) => ({ id, help, nodes: nodes.map(({ html, failureSummary }) => `${html}\n${failureSummary}`) }));
  }, AXE_RULES);
  assert.deepEqual(violations, [], `${page.url()}: axe\n${JSON.stringify(violations, null, 2)}`);
}

/** Nothing is wider than the window, as it is and at 320 px (WCAG 1.4.10). */
export async function reflow(page) {
  const size = page.viewportSize();
  for (const width of [size.width, 320]) {
    await page.setViewportSize({ width, height: size.height });
    const wide = await page.evaluate(() => {
      const width = document.documentElement.clientWidth;
      if (document.documentElement.scrollWidth <= width) return [];
      const outside = [...document.body.querySelectorAll('*')].filter((element) => element.getBoundingClientRect().right > width + 1);
      return ['the document', ...outside.map((element) => element.outerHTML.slice(0, 120))];
    });
    await page.setViewportSize(size);
    assert.deepEqual(wide, [], `${page.url()}: wider than ${width} px`);
  }
}

/** In tables no date and no button is torn. */
export async function whole(page) {
  const torn = await page.locator('main table').evaluateAll((tables) => {
    const lines = (node, from, to) => {
      const range = document.createRange();
      range.setStart(node, from);
      range.setEnd(node, to);
      return new Set([...range.getClientRects()].map((box) => Math.round(box.top))).size;
    };
    const torn = [];
    for (const cell of tables.flatMap((table) => [...table.querySelectorAll('.day, .keep, .btn')]).filter((one) => one.checkVisibility())) {
      const texts = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
      while (texts.nextNode()) {
        const { data, parentElement } = texts.currentNode;
        if (parentElement.closest('.vh')) continue;
        for (const { 0: text, index } of data.matchAll(cell.matches('.btn') ? /\S.*/gu : /\d+年\d+月\d+日/gu)) {
          if (lines(texts.currentNode, index, index + text.length) > 1) torn.push(text);
        }
      }
    }
    return torn;
  });
  assert.deepEqual(torn, [], `${page.url()}: torn in a table`);
}

/** The page's address opened anew with an empty cache keeps to BUDGET. For pages that a GET shows. */
export async function budget(page, limits = BUDGET) {
  const { url, sizes, foreign } = await weigh(page);
  const over = Object.entries(sizes).filter(([kind, size]) => size > (limits[kind] ?? 0));
  assert.deepEqual(Object.fromEntries(over), {}, `${url}: over ${JSON.stringify(limits)}`);
  assert.deepEqual(foreign, [], `${url}: asks other hosts`);
}

/** Bytes by kind of resource and the number of requests of one cold opening of the page's address. */
export async function weigh(page) {
  const other = await page.context().newPage();
  try {
    const debug = await page.context().newCDPSession(other);
    await debug.send('Network.enable');
    await debug.send('Network.setCacheDisabled', { cacheDisabled: true });
    const requests = [];
    other.on('requestfinished', (request) => requests.push(request));
    const url = page.url();
    await other.goto(url);
    // The logo is the page's icon too: the second time it comes from the cache, which is off here.
    const once = new Map(requests.map((request) => [request.url(), request]));
    const sizes = { requests: once.size };
    for (const request of once.values()) {
      // What Chromium calls "other" is the icon.
      const kind = request.resourceType() === 'other' ? 'image' : request.resourceType();
      sizes[kind] = (sizes[kind] ?? 0) + (await request.sizes()).responseBodySize;
    }
    return { url, sizes, foreign: requests.filter((request) => isForeign(request, url)).map((request) => request.url()) };
  } finally {
    await other.close();
  }
}

/** How far the page's parts have moved since it was opened (cumulative layout shift). */
export const layoutShift = (page) =>
  page.evaluate(
    () =>
      new Promise((found) => {
        let shift = 0;
        const add = (entries) => entries.filter((entry) => !entry.hadRecentInput).forEach((entry) => (shift += entry.value));
        const observer = new PerformanceObserver((list) => add(list.getEntries()));
        observer.observe({ type: 'layout-shift', buffered: true });
        requestAnimationFrame(() =>
          setTimeout(() => {
            add(observer.takeRecords());
            found(shift);
          }),
        );
      }),
  );

/** The largest paint and the layout shift of an address on the slow line of ui/guide.md §4, with an empty cache. */
export async function paintSlowly(page, path) {
  const other = await page.context().newPage();
  try {
    const debug = await page.context().newCDPSession(other);
    await debug.send('Network.enable');
    await debug.send('Network.setCacheDisabled', { cacheDisabled: true });
    await debug.send('Network.emulateNetworkConditions', { offline: false, latency: 400, downloadThroughput: 50_000, uploadThroughput: 50_000 });
    await debug.send('Emulation.setCPUThrottlingRate', { rate: 4 });
    await other.goto(path, { waitUntil: 'networkidle' });
    const paint = await other.evaluate(
      () => new Promise((found) => new PerformanceObserver((list) => found(list.getEntries().at(-1).startTime)).observe({ type: 'largest-contentful-paint', buffered: true })),
    );
    return { paint, shift: await layoutShift(other) };
  } finally {
    await other.close();
  }
}

/** The whole page as a picture: target/screens/NAME-WIDTH.png. */
export async function screenshot(page, name) {
  const folder = join(TARGET, 'screens');
  await mkdir(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}-${page.viewportSize().width}.png`), fullPage: true });
}

/** Presses Tab until the element that `selector` names has the focus: what can't be reached so can't be used by keyboard. */
export async function tabTo(page, selector, most = 60) {
  for (let pressed = 0; pressed < most; pressed += 1) {
    await page.keyboard.press('Tab');
    if (await page.evaluate((selector) => document.activeElement?.matches(selector) ?? false, selector)) return;
  }
  assert.fail(`${page.url()}: ${selector} is not reached in ${most} tabs`);
}

function isForeign(request, url) {
  const address = new URL(request.url());
  return address.protocol.startsWith('http') && address.origin !== new URL(url).origin;
}
