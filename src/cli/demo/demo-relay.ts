/** The relay of the demonstration: the real service, as `./posthorn up` runs it, in a folder and on ports of its own. */
import { existsSync, mkdtempSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FIRST_CREDENTIALS_FILE, type FirstCredentials } from '../../accounts/first-start.js';
import { environmentWithoutSettings } from '../../config/clean-environment.js';
import { ApiClient } from '../api-client.js';
import { startProgram, untilReady, type ChildProgram } from '../bench/child-program.js';
import type { Cleanup } from '../bench/cleanup.js';
import { freePortBase } from '../bench/free-ports.js';
import { RELAY_HOSTNAME, SENDING_DOMAIN } from './scenario.js';

export interface DemoRelay {
  readonly api: ApiClient;
  readonly smtp: { readonly user: string; readonly password: string };
  readonly ports: { readonly starttls: number; readonly implicitTls: number; readonly http: number };
  /** PEM: the certificate that it made for itself. */
  readonly certificate: string;
}

/** Where its mail goes. */
export interface Surroundings {
  readonly dnsServer: string;
  readonly mxPort: number;
}

/** What there is to undo. */
interface Started {
  dataDir?: string;
  program?: ChildProgram;
}

const PROGRAM = fileURLToPath(new URL('../main.js', import.meta.url));
const START_WITHIN_MS = 60_000;
/** Longer than a drain takes with nothing on the wire that hangs. */
const STOP_WITHIN_MS = 15_000;
const GONE_WITHIN_MS = 5_000;
const ANSWER_WITHIN_MS = 5_000;

/** Rejects, with what it said, where it does not come up. Whatever it leaves is for `cleanup`. */
export async function startDemoRelay(surroundings: Surroundings, cleanup: Cleanup): Promise<DemoRelay> {
  const base = await freePortBase(Math.random);
  const started: Started = {};
  // Asked for first: it throws after an interruption, and then there is nothing to undo.
  cleanup.add(() => undo(started));
  const dataDir = (started.dataDir = mkdtempSync(join(tmpdir(), 'posthorn-demo-')));
  const program = (started.program = startProgram(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', PROGRAM, 'up'],
    {
      cwd: dataDir,
      // It is told once, by us: a second SIGTERM ends it without draining.
      detached: true,
      env: { ...environmentWithoutSettings(), ...settings(surroundings, dataDir, base) },
    },
  ));
  const fault = await untilReady(program, () => isReady(base + 9090), START_WITHIN_MS);
  if (fault !== undefined) {
    const said = program.isAlive() ? '' : (await program.exited).said;
    throw new Error(`the relay did not start: ${said.replace(/^posthorn: /, '') || fault}`);
  }
  const first = JSON.parse(await readFile(join(dataDir, FIRST_CREDENTIALS_FILE), 'utf8')) as FirstCredentials;
  return {
    api: new ApiClient(`http://127.0.0.1:${base + 8080}`, first.apiKey),
    smtp: first.smtp,
    ports: { starttls: base + 587, implicitTls: base + 465, http: base + 8080 },
    certificate: await readFile(join(dataDir, 'tls.crt'), 'utf8'),
  };
}

async function undo({ program, dataDir }: Started): Promise<void> {
  await program?.stop(STOP_WITHIN_MS);
  if (dataDir === undefined) return;
  // Redis outlives a service that was ended while it started, for as long as its guard needs to notice.
  const pidFile = join(dataDir, 'redis/redis.pid');
  await untilReady(undefined, () => Promise.resolve(!existsSync(pidFile)), GONE_WITHIN_MS);
  await rm(dataDir, { recursive: true, force: true, maxRetries: 5 });
}

function settings({ dnsServer, mxPort }: Surroundings, dataDir: string, portBase: number): Record<string, string> {
  return {
    POSTHORN_DATA_DIR: dataDir,
    POSTHORN_LISTEN: '127.0.0.1',
    POSTHORN_PORT_BASE: String(portBase),
    POSTHORN_HOSTNAME: RELAY_HOSTNAME,
    POSTHORN_FIRST_DOMAIN: SENDING_DOMAIN,
    POSTHORN_WORKERS: '1',
    POSTHORN_DNS_SERVERS: dnsServer,
    POSTHORN_MX_PORT: String(mxPort),
    POSTHORN_ALLOW_PRIVATE_MX: 'true',
    // What is greylisted comes back while somebody watches.
    POSTHORN_RETRY: '2s',
    POSTHORN_LOG_LEVEL: 'error',
  };
}

async function isReady(opsPort: number): Promise<boolean> {
  try {
    const signal = AbortSignal.timeout(ANSWER_WITHIN_MS);
    const response = await fetch(`http://127.0.0.1:${opsPort}/readyz`, { signal });
    await response.body?.cancel();
    return response.status === 200;
  } catch {
    return false;
  }
}
