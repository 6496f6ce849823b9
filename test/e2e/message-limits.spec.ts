/** A limit of messages holds for all processes together, to the message. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbeddedRedis, type EmbeddedRedis } from '../../src/store/embedded-redis.js';

const CHILD = join(import.meta.dirname, 'message-limits.child.mjs');
const PROCESSES = 4;
const PER_HOUR = 1_000;
const TRIES = 1_500;

let dataDir: string;
let redis: EmbeddedRedis;

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'posthorn-limits-'));
  const started = await startEmbeddedRedis({ dataDir, durability: 'memory', log: () => undefined });
  if (started.kind !== 'running') throw new Error(started.why);
  redis = started;
});
afterAll(async () => {
  await redis.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

it('of 1,000 an hour, four processes that try 6,000 times at once get exactly 1,000', async () => {
  const children = Array.from({ length: PROCESSES }, () =>
    fork(CHILD, [redis.url, String(PER_HOUR), String(TRIES)], { execArgv: [] }),
  );
  await Promise.all(children.map((child) => once(child, 'message')));
  const reports = children.map((child) => once(child, 'message') as Promise<[{ allowed: number }]>);
  const ends = children.map((child) => once(child, 'exit'));
  for (const child of children) child.send('go');
  const allowed = (await Promise.all(reports)).map(([report]) => report.allowed);
  await Promise.all(ends);
  expect(allowed.filter((count) => count > 0)).toHaveLength(PROCESSES);
  expect(allowed.reduce((sum, count) => sum + count, 0)).toBe(PER_HOUR);
});
