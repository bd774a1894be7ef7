// A demo server of a test's own, on a free port of this machine: for the browser's tests and those of programs.

import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');
export const TARGET = process.env.MADOGUCHI_TEST_TARGET ?? join(ROOT, 'target');
const BINARY = process.env.MADOGUCHI_TEST_BINARY ?? join(TARGET, 'debug/madoguchi');

/** How long a server may take to make its database and answer, in milliseconds. */
const START_TIMEOUT = 180_000;

/** So that webhooks go to receivers on this machine. */
export const WEBHOOKS_HERE = { MADOGUCHI__WEBHOOKS__ALLOW_HTTP: 'true', MADOGUCHI__WEBHOOKS__ALLOW_NETWORKS: '127.0.0.0/8' };

/** Our own server on data of its own. Its output is shown when it doesn't start or dies. */
export async function serve(environment = {}) {
  await mkdir(join(TARGET, 'demos'), { recursive: true });
  const data = await mkdtemp(join(TARGET, 'demos/demo-'));
  const child = spawn(BINARY, ['demo', '--listen', '127.0.0.1:0', '--data', data], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...environment },
  });
  const output = [];
  let address;
  const listening = new Promise((found) => {
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        output.push(line);
        if (output.length > 200) output.shift();
        const match = address ? null : /listening on (http:\/\/localhost:\d+)/.exec(line);
        if (match) found((address = match[1]));
      });
    }
  });
  const exited = new Promise((ended) => child.on('close', ended).on('error', ended));
  const stop = async () => {
    child.kill('SIGTERM');
    const stopped = await Promise.race([exited.then(() => true), sleep(30_000, false, { ref: false })]);
    if (!stopped) child.kill('SIGKILL');
    // Where the server's user can't reach the checkout, the database is elsewhere.
    const note = join(data, 'postgres.path');
    if (existsSync(note)) await rm((await readFile(note, 'utf8')).trim(), { recursive: true, force: true });
    await rm(data, { recursive: true, force: true });
    if (!stopped) throw new Error(`the server doesn't end on SIGTERM:\n${output.join('\n')}`);
  };
  await Promise.race([listening, exited, sleep(START_TIMEOUT, undefined, { ref: false })]);
  if (!address) {
    await stop().catch(() => {});
    throw new Error(`${BINARY} demo doesn't start:\n${output.join('\n')}`);
  }
  // As somebody pastes the closing box's lines into a second terminal.
  const command = (...words) => {
    const exported = output.filter((line) => line.startsWith('export '));
    return promisify(execFile)('sh', ['-c', [...exported, 'exec "$0" "$@"'].join('\n'), BINARY, ...words], { cwd: ROOT });
  };
  return { url: address, stop, command };
}
