import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findRedisBinary } from './redis-binary.js';

let programs: string;

beforeEach(() => {
  programs = mkdtempSync(join(tmpdir(), 'posthorn-path-'));
});

afterEach(() => {
  rmSync(programs, { recursive: true, force: true });
});

function program(name: string, says: string): void {
  writeFileSync(join(programs, name), `#!/bin/sh\necho '${says}'\n`, { mode: 0o755 });
}

const REDIS_6_0 = 'Redis server v=6.0.16 sha=00000000:0 malloc=jemalloc-5.2.1 bits=64 build=a3fdef44459b3ad6';
const REDIS_7_0 = 'Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64 build=ae4d7c971a948f0';
const VALKEY_8 = 'Valkey server v=8.1.1 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64 build=a3fdef44459b3ad6';

describe('findRedisBinary', () => {
  it('finds the redis-server of this machine', async () => {
    expect(await findRedisBinary()).toMatchObject({ kind: 'found', version: expect.stringMatching(/^\d+\.\d+\.\d+$/) });
  });

  it('takes redis-server before valkey-server', async () => {
    program('redis-server', REDIS_7_0);
    program('valkey-server', VALKEY_8);
    expect(await findRedisBinary({ PATH: programs })).toEqual({
      kind: 'found',
      command: 'redis-server',
      version: '7.0.15',
    });
  });

  it('takes valkey-server where redis-server is too old', async () => {
    program('redis-server', REDIS_6_0);
    program('valkey-server', VALKEY_8);
    expect(await findRedisBinary({ PATH: programs })).toEqual({
      kind: 'found',
      command: 'valkey-server',
      version: '8.1.1',
    });
  });

  it('names the one command that brings a server when there is none', async () => {
    const binary = await findRedisBinary({ PATH: programs });
    expect(binary).toMatchObject({ kind: 'missing', install: expect.stringMatching(/install/) });
    expect(binary).toMatchObject({ why: expect.stringMatching(/no redis-server or valkey-server on PATH.*install/) });
  });

  it('names the command of the package manager that is there', async () => {
    program('apk', 'apk-tools 2.14.4');
    expect(await findRedisBinary({ PATH: programs })).toMatchObject({
      install: expect.stringMatching(/apk add valkey$/),
    });
  });

  it('refuses a server that is too old', async () => {
    program('redis-server', REDIS_6_0);
    const binary = await findRedisBinary({ PATH: programs });
    expect(binary).toMatchObject({ kind: 'missing', why: expect.stringContaining('redis-server 6.0.16 is too old') });
  });
});
