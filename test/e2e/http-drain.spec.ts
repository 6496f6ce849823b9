/** Connections to the HTTP API that are kept alive do not hold up the end of the service. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { connect } from 'node:net';
import { RunningPosthorn } from './running-posthorn.js';
import { withPatience } from '../patience.js';

const CLIENTS = 8;

let posthorn: RunningPosthorn;

beforeEach(async () => {
  posthorn = await RunningPosthorn.start();
});

afterEach(async () => {
  await posthorn.dispose();
});

/** Asks without a pause until nobody answers; returns how often it was answered. */
async function askUntilGone(apiKey: string): Promise<number> {
  for (let answers = 0; ; answers++) {
    try {
      const url = `http://127.0.0.1:${posthorn.ports.http}/v1/domains`;
      await (await fetch(url, { headers: { authorization: `Bearer ${apiKey}` } })).text();
    } catch {
      return answers;
    }
  }
}

describe('SIGTERM', () => {
  it('ends the service in seconds while clients keep asking over kept connections', async () => {
    const { apiKey } = await posthorn.credentials();
    const clients = Array.from({ length: CLIENTS }, () => askUntilGone(apiKey));
    for (let i = 0; i < 100; i++) await posthorn.api('GET', '/v1/domains');
    const startedAt = performance.now();
    expect(await posthorn.terminate()).toBe(0);
    expect(performance.now() - startedAt).toBeLessThan(withPatience(5_000));
    expect(Math.min(...(await Promise.all(clients)))).toBeGreaterThan(0);
  });

  it('ends it in seconds where a connection is open on which nothing was ever asked', async () => {
    const socket = connect(posthorn.ports.http, '127.0.0.1');
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    // Answered after it was accepted.
    await posthorn.api('GET', '/v1/domains');
    const closed = once(socket.resume(), 'close');
    const startedAt = performance.now();
    expect(await posthorn.terminate()).toBe(0);
    expect(performance.now() - startedAt).toBeLessThan(withPatience(10_000));
    await closed;
  });
});
