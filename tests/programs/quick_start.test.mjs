// The quick start of the reference page, run as it stands there.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { TARGET, WEBHOOKS_HERE, serve } from '../demo.mjs';

const PYTHON = process.env.MADOGUCHI_TEST_PYTHON ?? join(TARGET, 'tools/python/bin/python');
const PATIENCE = 60_000;

/** Runs a program that is handed in, and gives what it prints. */
async function run(program, words, input, env) {
  const child = spawn(program, words, { env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(input);
  const [out, [code]] = await Promise.all([text(child.stdout), once(child, 'close')]);
  assert.equal(code, 0, `${program}: ${out}`);
  return out;
}

describe('quick start', () => {
  let server, receiver, reference, env;
  const messages = [];
  before(async () => {
    server = await serve(WEBHOOKS_HERE);
    receiver = createServer(async (request, response) => {
      messages.push({ body: await text(request), headers: request.headers });
      response.writeHead(204).end();
    }).listen(0, '127.0.0.1');
    await once(receiver, 'listening');
    reference = await (await fetch(`${server.url}/api/`)).text();
    const scopes = ['insurer.read', 'imports.read', 'webhooks.manage'].flatMap((scope) => ['--scope', scope]);
    const words = ['create', '32290413', '--name', '基幹システム', '--contact', 'system@example.jp', ...scopes, '--json'];
    const made = JSON.parse((await server.command('client', ...words)).stdout);
    env = {
      BASE: `${server.url}/api/v1`,
      CLIENT_ID: made.client_id,
      CLIENT_SECRET: made.client_secret,
      RECEIVER: `http://127.0.0.1:${receiver.address().port}/`,
    };
  });
  after(async () => {
    receiver?.close();
    receiver?.closeAllConnections();
    await server?.stop();
  });

  /** What stands on the page, as text. */
  function code(id) {
    const [, html] = new RegExp(`id="${id}"><code>(.*?)</code>`, 's').exec(reference);
    const plain = html.replaceAll(/&#(\d+);/g, (_, digits) => String.fromCodePoint(Number(digits)));
    return plain.replaceAll('&quot;', '"').replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
  }

  test('curl gets a token, the first answer and a webhook; Python the same, and believes what is signed alone', async () => {
    const printed = await run('sh', ['-eu'], code('program-curl'), env);
    const [client, webhook] = printed.replace('}{', '}\n{').split('\n').map((line) => JSON.parse(line));
    assert.equal(client.insurer.code, '32290413', printed);

    const token = await fetch(`${env.BASE}/oauth/token`, {
      method: 'POST',
      headers: { Authorization: `Basic ${btoa(`${env.CLIENT_ID}:${env.CLIENT_SECRET}`)}` },
      body: new URLSearchParams({ grant_type: 'client_credentials' }),
    });
    const { access_token } = await token.json();
    const tried = await fetch(`${env.BASE}/webhooks/${webhook.id}/test`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${access_token}` },
    });
    assert.equal(tried.status, 200, await tried.text());
    for (const until = Date.now() + PATIENCE; messages.length === 0; ) {
      assert.ok(Date.now() < until, 'no message came');
      await new Promise((later) => setTimeout(later, 100));
    }

    const message = { ...messages[0], secret: webhook.secret };
    const program = `${code('program-python')}

message = json.loads(os.environ["MESSAGE"])
body = message["body"].encode()
print(json.dumps(receive(body, message["headers"], message["secret"])))
try:
    receive(body + b" ", message["headers"], message["secret"])
except Exception as refused:
    print(type(refused).__name__)
`;
    const said = (await run(PYTHON, ['-'], program, { ...env, MESSAGE: JSON.stringify(message) })).trim().split('\n');
    assert.match(said[0], /32290413/);
    assert.deepEqual(JSON.parse(said[1]), JSON.parse(message.body).data.subject);
    assert.equal(said[2], 'WebhookVerificationError');
  });
});
