// openapi/v1.json by the rules that others hold documents to: Spectral's for OpenAPI, and Redocly's recommended ones.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import { createConfig, lintFromString } from '@redocly/openapi-core';
import spectralCore from '@stoplight/spectral-core';
import parsers from '@stoplight/spectral-parsers';
import rulesets from '@stoplight/spectral-rulesets';

const { Document, Spectral } = spectralCore;
const FILE = fileURLToPath(new URL('../../openapi/v1.json', import.meta.url));
const TEXT = await readFile(FILE, 'utf8');

test('Spectral finds nothing by its rules of OpenAPI', async () => {
  const spectral = new Spectral();
  spectral.setRuleset({ extends: [rulesets.oas] });
  const found = await spectral.run(new Document(TEXT, parsers.Json, FILE));
  assert.deepEqual(found.map(({ code, path, message }) => `${path.join('.')}: ${code}: ${message}`), []);
});

test('Redocly finds nothing by its recommended rules', async () => {
  const config = await createConfig({ extends: ['recommended'] });
  const found = await lintFromString({ source: TEXT, absoluteRef: FILE, config });
  assert.deepEqual(found.map(({ ruleId, location, message }) => `${location[0]?.pointer}: ${ruleId}: ${message}`), []);
});
