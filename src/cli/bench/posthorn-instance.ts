/** Posthorn itself: the whole service as `./posthorn up` runs it, with its embedded Redis, in a folder of its own. */
import { closeSync, existsSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startProgram, untilReady } from './child-program.js';
import { freePort, freePortBase } from './free-ports.js';
import { SENDER_DOMAIN, type BenchPlace, type RunningSystem } from './mail-system.js';
import { processTree } from './process-tree.js';

export interface RunningPosthorn extends RunningSystem {
  readonly dataDir: string;
  /** The sum of a metric's series whose labels contain `labels` as text. */
  metric(name: string, labels?: string): Promise<number>;
}

const PROGRAM = fileURLToPath(new URL('../main.js', import.meta.url));
const START_WITHIN_MS = 60_000;
/** Longer than a drain with nothing under way takes. */
const STOP_WITHIN_MS = 20_000;
const GONE_WITHIN_MS = 5_000;
const ANSWER_WITHIN_MS = 5_000;
const LOG_CHARACTERS_SHOWN = 2_000;
/** Where a Redis may be: the child gets a clean environment, so that the caller's settings are not measured. */
const PLACES = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/homebrew/bin';

export const startPosthorn = (place: BenchPlace): Promise<RunningPosthorn> => start(place, {});

/** One that tries no message twice while it is looked at. */
export const startPatientPosthorn = (place: BenchPlace): Promise<RunningPosthorn> =>
  start(place, { POSTHORN_RETRY: '1h' });

async function start(place: BenchPlace, more: Readonly<Record<string, string>>): Promise<RunningPosthorn> {
  const { folder, sinkPort, proofPort, cleanup } = place;
  const dataDir = join(folder, 'data');
  mkdirSync(dataDir, { mode: 0o700 });
  const base = await freePortBase(Math.random);
  const deadPort = await freePort();
  const to = (port: number): string => `smtp://127.0.0.1:${port}?tls=none`;
  const logFile = join(folder, 'log');
  const log = openSync(logFile, 'a');
  const program = startProgram(process.execPath, ['--disable-warning=ExperimentalWarning', PROGRAM, 'up'], {
    stdout: log,
    cwd: folder,
    env: {
      PATH: `${dirname(process.execPath)}:${PLACES}`,
      POSTHORN_DATA_DIR: dataDir,
      POSTHORN_PORT_BASE: String(base),
      POSTHORN_LISTEN: '127.0.0.1',
      POSTHORN_TRUSTED_NETWORKS: '127.0.0.0/8',
      POSTHORN_HOSTNAME: 'relay.example',
      POSTHORN_FIRST_DOMAIN: SENDER_DOMAIN,
      POSTHORN_ROUTES: `proof.example=${to(proofPort)},stuck.example=${to(deadPort)},*=${to(sinkPort)}`,
      ...more,
    },
  });
  cleanup.add(async () => {
    const tree = processTree(program.pid);
    await program.stop(STOP_WITHIN_MS);
    closeSync(log);
    const fault = await untilReady(undefined, async () => !tree.some(isAlive), GONE_WITHIN_MS);
    // Reached only where the supervisor had to be killed, and one of its children does not notice.
    if (fault !== undefined) for (const pid of tree.filter(isAlive)) process.kill(pid, 'SIGKILL');
  });
  const ops = `http://127.0.0.1:${base + 9090}`;
  const fault = await untilReady(program, async () => (await statusOf(`${ops}/readyz`)) === 200, START_WITHIN_MS);
  if (fault !== undefined) {
    const end = existsSync(logFile) ? readFileSync(logFile, 'utf8').trim().slice(-LOG_CHARACTERS_SHOWN) : '';
    throw new Error([`Posthorn did not start: ${fault}`, end].join('\n').trim());
  }
  return {
    port: base + 2525,
    rootPids: [program.pid],
    isOurs: true,
    dataDir,
    dkimRecord: () => readDkimRecord(dataDir, base + 8080),
    metric: (name, labels = '') => readMetric(`${ops}/metrics`, name, labels),
  };
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function statusOf(url: string): Promise<number> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
    await response.body?.cancel();
    return response.status;
  } catch {
    return 0;
  }
}

async function readMetric(url: string, name: string, labels: string): Promise<number> {
  const response = await fetch(url, { signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
  let sum = 0;
  for (const line of (await response.text()).split('\n')) {
    const [series = '', value = ''] = line.split(/ (?=\S+$)/);
    if ((series === name || series.startsWith(`${name}{`)) && series.includes(labels)) sum += Number(value);
  }
  return sum;
}

interface DomainAnswer {
  readonly records?: readonly { readonly purpose: string; readonly value: string }[];
}

/** What the service tells the owner of the domain to publish. */
async function readDkimRecord(dataDir: string, port: number): Promise<string | undefined> {
  const file = readFileSync(join(dataDir, 'first-credentials.json'), 'utf8');
  const { apiKey } = JSON.parse(file) as { apiKey: string };
  const response = await fetch(`http://127.0.0.1:${port}/v1/domains/${SENDER_DOMAIN}`, {
    headers: { authorization: `Bearer ${apiKey}` },
    signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
  });
  const domain = (await response.json()) as DomainAnswer;
  return domain.records?.find(({ purpose }) => purpose.toLowerCase() === 'dkim')?.value;
}
