// The pages in Chromium, on one server and one browser for all parts: making a database takes longer than most tests.

import { after, before, describe } from 'node:test';

import { open } from './harness.mjs';

const site = {};
before(async () => Object.assign(site, await open()));
after(async () => site.close?.());

// Those that log in as whom the demo registered come before those that change these passwords.
const PARTS = ['console', 'walk', 'no_script', 'keyboard', 'mistakes', 'way_back', 'dead_ends', 'inside', 'statements', 'recovery', 'looks', 'deliveries', 'sandbox', 'story'];
for (const part of PARTS) {
  const { default: register } = await import(`./parts/${part}.mjs`);
  describe(part.replace('_', ' '), () => register(site));
}
