// What a person does on the pages, and what stands there: buttons pressed, forms filled in, mail read in another tab.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import { check } from './harness.mjs';
import { PASSWORD } from './people.mjs';

/** The password of staff whom a part invites. */
const STAFF_PASSWORD = 'tsukimi-to-susuki-2026';

/** How long a mail may take from the button to the mailbox, in milliseconds. */
const MAIL_TIMEOUT = 30_000;

/** Does what leads to another page and waits for it; gives the answer's status. */
export async function going(page, act) {
  const answered = page.waitForResponse(
    (response) => response.request().isNavigationRequest() && response.frame() === page.mainFrame() && (response.status() < 300 || response.status() > 399),
  );
  const [response] = await Promise.all([answered, page.waitForEvent('domcontentloaded'), act()]);
  return response.status();
}

/** Presses the button of this name; gives the status of what it leads to. */
export const press = (page, name) => going(page, () => button(page, name).click());

/** Follows the link of this name. */
export const follow = (page, name) => going(page, () => page.getByRole('link', { name: named(name) }).first().click());

/** A name in full; before the part that only screen readers are told, a blank comes or not. */
function named(name) {
  if (name instanceof RegExp) return name;
  const exactly = name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll('（', '\\s?（');
  return new RegExp(`^${exactly}$`);
}

export const button = (page, name) => page.getByRole('button', { name: named(name) });

/** The texts of all elements that a selector names, white space made one. */
export const texts = (page, selector) =>
  page.locator(selector).evaluateAll((all) => all.map((one) => one.innerText.replace(/\s+/gu, ' ').replaceAll(' （', '（').trim()).filter((text) => text !== ''));

/** The whole main part as one line. */
export const mainText = async (page) => (await page.locator('main').innerText()).replace(/\s+/gu, ' ');

/** Labels and legends of the page's forms in their order, as written. */
export const labels = (page) => texts(page, 'main :is(label, legend, .label)');

/** Names of the buttons in the main part, the header's log-out left out. */
export const buttons = (page) => texts(page, 'main button, main a.btn');

/** Asserts that the page is at this path, with this heading. */
export async function isAt(page, path, heading) {
  assert.equal(new URL(page.url()).pathname, path);
  if (heading) assert.equal(await page.locator('h1').innerText(), heading);
}

/** Asserts that every one of these texts stands in the main part. */
export async function says(page, ...parts) {
  const text = await mainText(page);
  for (const part of parts) assert.ok(text.includes(part), `${page.url()}: 「${part}」 is not in\n${text}`);
}

/** Fills in the identity fields as the person types them; the insurer code stays as the link left it unless given. */
export async function fillIdentity(page, { typed }, code) {
  if (code !== undefined) await page.fill('#f-insurer_code', code);
  await page.fill('#f-symbol', typed.symbol);
  await page.fill('#f-number', typed.number);
  const [year, month, day] = typed.birth.map(String);
  await page.selectOption('#f-birth_year', year);
  await page.selectOption('#f-birth_month', month);
  await page.selectOption('#f-birth_day', day);
  await page.fill('#f-kana_name', typed.kana);
  if (typed.employee) await page.fill('#f-employee_number', typed.employee);
}

/** Fills in the account form; the address only where it may be typed. */
export async function fillAccount(page, { userId, email }) {
  await page.fill('#f-user_id', userId);
  await page.fill('#f-password', PASSWORD);
  if (email) await page.fill('#f-email', email);
}

/** What the mailbox shows of the newest mail to an address that holds `part`: in a tab of its own, as a person would. */
export async function mailTo(page, address, part, isOther = () => true) {
  const tab = await page.context().newPage();
  try {
    const deadline = Date.now() + MAIL_TIMEOUT;
    while (Date.now() < deadline) {
      await tab.goto('/demo/mail');
      const found = (
        await tab.locator('section').evaluateAll((all) =>
          all.map((mail) => ({
            subject: mail.querySelector('h2').textContent,
            to: mail.querySelector('dd').textContent,
            text: mail.querySelector('pre').textContent,
          })),
        )
      ).find((mail) => mail.to === address && `${mail.subject}\n${mail.text}`.includes(part) && isOther(mail));
      if (found) return found;
      await sleep(150);
    }
  } finally {
    await tab.close();
  }
  return assert.fail(`no mail with 「${part}」 to ${address}`);
}

/** The six digits of a mail. */
export function codeIn(mail) {
  const code = /(?<!\d)\d{6}(?!\d)/.exec(mail.text)?.[0];
  assert.ok(code, mail.text);
  return code;
}

/** From the first page to the log-in page, without looking left or right. */
export async function signUp(page, insurer, person, userId, email) {
  await page.goto(`/portal/signup?insurer=${insurer.code}`);
  await fillIdentity(page, person);
  await press(page, '認証');
  await isAt(page, '/portal/signup/account');
  await fillAccount(page, { userId, email });
  await press(page, '作成する');
  await isAt(page, '/portal/signup/code');
  await page.fill('#f-code', codeIn(await mailTo(page, email ?? person.registered.email, '認証番号')));
  await press(page, 'OK');
  await isAt(page, '/portal/');
}

/** From the log-in page to wherever it leads. */
export async function logIn(page, userId, password = PASSWORD) {
  if (new URL(page.url(), 'http://x').pathname !== '/portal/') await page.goto('/portal/');
  await page.fill('#f-user_id', userId);
  await page.fill('#f-password', password);
  return press(page, 'ログイン');
}

/** Agrees to the terms, where they are asked for. */
export async function acceptTerms(page) {
  if (new URL(page.url()).pathname !== '/portal/terms') return;
  await page.check('#f-agree');
  await press(page, '次へ');
}

/** Asserts of a page that a refused form led back to: a reload and the back button show it without sending anything again,
 * never the browser's own error page; without its token it is a page like any other. Ends on the page as it was. */
export async function goesBack(page) {
  const { href } = new URL(page.url());
  const plain = new URL(href);
  plain.searchParams.delete('again');
  assert.notEqual(plain.href, href);
  const sent = [];
  const note = (request) => request.method() === 'POST' && sent.push(request.url());
  page.on('request', note);
  await page.reload();
  assert.match(await page.title(), /^エラー：/);
  await page.goto('/portal/help');
  await page.goBack();
  assert.equal(page.url(), href);
  await page.goto(plain.pathname + plain.search);
  assert.doesNotMatch(await page.title(), /^エラー：/);
  await page.goBack();
  assert.equal(page.url(), href);
  assert.match(await page.title(), /^エラー：/);
  page.off('request', note);
  assert.deepEqual(sent, []);
}

/** Staff of an insurer, from the mail that invites them to the console's home. */
export async function comeIn(page, insurer, email, name, home = '/console/') {
  const mail = await mailTo(page, email, '/console/invitation');
  await page.goto(/\/console\/invitation\S+/.exec(mail.text)[0]);
  await check(page, `invitation-${email.split('@')[0]}`);
  await page.fill('#f-name', name);
  await page.fill('#f-password', STAFF_PASSWORD);
  await press(page, '次へ');
  if (new URL(page.url()).pathname === '/console/login') {
    await page.fill('#f-insurer_code', insurer.code);
    await page.fill('#f-email', email);
    await page.fill('#f-password', STAFF_PASSWORD);
    await press(page, '次へ');
  }
  await page.goto('/console/enrol/app');
  await page.fill('#f-app_code', totp(await page.textContent('#secret')));
  await press(page, '登録する');
  await page.goto(home);
  await isAt(page, home);
}

/** Reloads until the page says it: what the worker does in the background. */
export async function untilSays(page, text) {
  for (let tries = 0; tries < 60; tries += 1) {
    if ((await mainText(page)).includes(text)) return;
    await page.waitForTimeout(500);
    await page.reload();
  }
  await says(page, text);
}

/** The six digits that an authenticator app shows now (RFC 6238). */
export function totp(secret) {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  const bits = [...secret.replace(/\s/g, '')].map((letter) => letters.indexOf(letter).toString(2).padStart(5, '0')).join('');
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000)));
  const hash = createHmac('sha1', key).update(step).digest();
  const digits = (hash.readUInt32BE(hash[19] & 15) & 0x7fffffff) % 1_000_000;
  return String(digits).padStart(6, '0');
}
