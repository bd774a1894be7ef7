// Clients that generators make of openapi/v1.json, each doing against a running server what an insurer's core system does: a token, a
// webhook, a file of changes and its import, the people page by page, a notice, and the messages that tell of both, verified.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ROOT, TARGET, WEBHOOKS_HERE, serve } from '../demo.mjs';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const DOCUMENT = join(ROOT, 'openapi/v1.json');
const PYTHON = process.env.MADOGUCHI_TEST_PYTHON ?? join(TARGET, 'tools/python/bin/python');
/** Where clients are generated and built. */
const MADE = join(TARGET, 'programs');
const INSURER = '32290413';
const SCOPES = ['members.read', 'imports.read', 'imports.write', 'notices.read', 'notices.write', 'webhooks.manage'];

const run = (file, words, { env, ...options } = {}) =>
  promisify(execFile)(file, words, { cwd: MADE, env: { ...process.env, ...env }, maxBuffer: 1 << 26, ...options });

describe('generated clients', () => {
  let server;
  before(async () => {
    await mkdir(MADE, { recursive: true });
    server = await serve(WEBHOOKS_HERE);
  });
  after(() => server?.stop());

  /** What a program in another language is run with: a client of its own, and a file that brings one person. */
  async function environment(number) {
    const scopes = SCOPES.flatMap((scope) => ['--scope', scope]);
    const words = ['create', INSURER, '--name', '基幹システム', '--contact', 'system@example.jp', ...scopes, '--json'];
    const made = JSON.parse((await server.command('client', ...words)).stdout);
    return {
      BASE: `${server.url}/api/v1`,
      CLIENT_ID: made.client_id,
      CLIENT_SECRET: made.client_secret,
      ROSTER:
        '被保険者証記号,番号,枝番,対象者氏名（カナ）,生年月日,続柄名称,異動区分\n' +
        `100,${number},00,レンケイ　ハナコ,1980-01-02,本人,追加\n`,
    };
  }

  /** One person came, everybody was read, and both messages were about what was done. */
  async function holds({ stdout }) {
    const { people, notice, new: arrived, told } = JSON.parse(stdout);
    // Five make a page.
    assert.ok(people > 5, `${people} people`);
    assert.equal(arrived, 1);
    assert.deepEqual(Object.keys(told).sort(), ['import.finished', 'notice.published']);
    assert.equal(told['notice.published'], notice);
  }

  test('Python, by openapi-python-client', async () => {
    const config = join(MADE, 'python.yaml');
    // What is generated is run, not read: nothing formats it.
    await writeFile(config, 'post_hooks: []\n');
    await rm(join(MADE, 'python'), { recursive: true, force: true });
    const words = ['generate', '--path', DOCUMENT, '--config', config, '--output-path', join(MADE, 'python')];
    const { stdout, stderr } = await run(PYTHON, ['-m', 'openapi_python_client', ...words, '--fail-on-warning']);
    assert.doesNotMatch(stdout + stderr, /warning/i);
    const env = { ...(await environment(900_001)), PYTHONPATH: join(MADE, 'python'), PYTHONDONTWRITEBYTECODE: '1' };
    await holds(await run(PYTHON, [join(HERE, 'flow.py')], { env }));
  });

  test('TypeScript, by openapi-typescript and openapi-fetch', async () => {
    const folder = join(MADE, 'typescript');
    const bin = (name) => join(HERE, 'node_modules/.bin', name);
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
    await symlink(join(HERE, 'node_modules'), join(folder, 'node_modules'));
    await cp(join(HERE, 'flow.ts'), join(folder, 'flow.ts'));
    await writeFile(join(folder, 'package.json'), '{"type": "module"}');
    // What has a default may be left out of a request.
    const words = [DOCUMENT, '--default-non-nullable', 'false', '--output', join(folder, 'api.d.ts')];
    await run(bin('openapi-typescript'), words);
    const strict = ['--strict', '--target', 'es2022', '--module', 'nodenext', '--types', 'node', '--skipLibCheck'];
    await run(bin('tsc'), [...strict, 'flow.ts'], { cwd: folder });
    await holds(await run(process.execPath, ['flow.js'], { cwd: folder, env: await environment(900_002) }));
  });

  // Cargo makes and builds it anew only when the document changed.
  test('Rust, by progenitor', async () => {
    const words = ['build', '--locked', '--quiet', '--target-dir', join(MADE, 'rust')];
    await run('cargo', words, { cwd: join(HERE, 'rust'), env: { RUSTFLAGS: '', CARGO_INCREMENTAL: '0' } });
    await holds(await run(join(MADE, 'rust/debug/flow'), [], { env: await environment(900_003) }));
  });
});
