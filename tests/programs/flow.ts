// What an insurer's core system does, by the types that openapi-typescript makes of openapi/v1.json and openapi-fetch.

import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import createClient from 'openapi-fetch';
import { Webhook } from 'standardwebhooks';
import type { paths } from './api.js';

const { BASE, CLIENT_ID, CLIENT_SECRET, ROSTER } = process.env as Record<string, string>;

function done<T>({ data, error, response }: { data?: T; error?: unknown; response: Response }): T {
  if (data === undefined) throw new Error(`${response.status}: ${JSON.stringify(error)}`);
  return data;
}

const api = createClient<paths>({ baseUrl: BASE });
const issued = await api.POST('/oauth/token', {
  body: { grant_type: 'client_credentials', client_id: CLIENT_ID, client_secret: CLIENT_SECRET },
  bodySerializer: (body) => new URLSearchParams(body as Record<string, string>),
  headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
});
const token = done(issued).access_token;
api.use({
  onRequest({ request }) {
    request.headers.set('Authorization', `Bearer ${token}`);
    return request;
  },
});

const messages: { body: string; headers: Record<string, string> }[] = [];
const receiver = createServer(async (request, response) => {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part);
  messages.push({ body: Buffer.concat(parts).toString(), headers: request.headers as Record<string, string> });
  response.writeHead(204).end();
}).listen(0, '127.0.0.1');
await once(receiver, 'listening');
const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`;
const wish = { url, events: ['import.finished', 'notice.published'] } as const;
const webhook = new Webhook(done(await api.POST('/webhooks', { body: { ...wish, events: [...wish.events] } })).secret!);

const begun = done(
  await api.POST('/roster-imports', {
    params: { query: { format: 'csv', mode: 'delta' }, header: { 'Idempotency-Key': crypto.randomUUID() } },
    body: ROSTER,
    bodySerializer: (body) => body,
    headers: { 'Content-Type': 'application/octet-stream' },
  }),
);
const path = { id: begun.id };
let at = done(await api.GET('/roster-imports/{id}', { params: { path } }));
while (at.state !== 'finished') {
  assert(['comparing', 'running'].includes(at.state), JSON.stringify(at));
  await sleep(200);
  at = done(await api.GET('/roster-imports/{id}', { params: { path } }));
}

const people = new Set<string>();
let cursor: string | undefined;
do {
  const page = done(await api.GET('/members', { params: { query: { limit: 5, cursor } } }));
  for (const member of page.members) people.add(member.id);
  cursor = page.next;
} while (cursor);

const draft = done(
  await api.POST('/notices', {
    params: { header: { 'Idempotency-Key': crypto.randomUUID() } },
    body: { title: '連携のお知らせ', body: '本文です。' },
  }),
);
done(
  await api.POST('/notices/{id}/publish', {
    params: { path: { id: draft.id }, header: { 'If-Match': '*' } },
  }),
);

const told: Record<string, string> = {};
for (const until = Date.now() + 60_000; Object.keys(told).length < 2; ) {
  const message = messages.shift();
  if (!message) {
    assert(Date.now() < until, 'no message came');
    await sleep(100);
    continue;
  }
  const event = webhook.verify(message.body, message.headers) as { type: string; data: { subject: { id: string } } };
  assert.throws(() => webhook.verify(`${message.body} `, message.headers), 'a body that was changed is taken');
  told[event.type] = event.data.subject.id;
}
receiver.close();
receiver.closeAllConnections();

console.log(JSON.stringify({ people: people.size, notice: draft.id, new: at.difference?.new, told }));
