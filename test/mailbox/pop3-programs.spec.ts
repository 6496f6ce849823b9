/** Programs that fetch mail by POP3, each told to verify the certificate, against the doors of this process. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { isInstalled } from '../e2e/running-posthorn.js';
import { RunningMailbox, STARTED_WITHIN_MS, type OpenMailboxDoor, type Owner } from './running-mailbox.js';

/** Debian's own: a Python of another origin need not have the same modules. */
const PYTHON = '/usr/bin/python3';
const ENDED_WITHIN_MS = 30_000;
const REPORTS = ['Subject: one\r\n\r\n.dot\r\n', 'Subject: two\r\n\r\n..\r\nend\r\n', 'Subject: three\r\n\r\n'];
const KINDS = ['implicit', 'starttls'] as const;

const POPLIB = `
import json, poplib, ssl, sys
port, kind, ca, user, password = sys.argv[1:]
trust = ssl.create_default_context(cafile=ca)
if kind == 'implicit':
    pop = poplib.POP3_SSL('localhost', int(port), context=trust, timeout=20)
else:
    pop = poplib.POP3('localhost', int(port), timeout=20)
    pop.stls(context=trust)
pop.user(user)
pop.pass_(password)
told = {'stat': pop.stat(), 'sizes': [line.decode() for line in pop.list()[1]], 'uids': [line.decode() for line in pop.uidl()[1]]}
told['top'] = [line.decode() for line in pop.top(1, 0)[1]]
told['messages'] = ['\\r\\n'.join(line.decode() for line in pop.retr(n)[1]) + '\\r\\n' for n in range(1, told['stat'][0] + 1)]
pop.dele(2)
told['capa'] = sorted(pop.capa())
pop.quit()
print(json.dumps(told))
`;

let running: RunningMailbox;
let doors: Record<(typeof KINDS)[number], OpenMailboxDoor>;
let owner: Owner;
let home: string;

beforeAll(async () => {
  running = await RunningMailbox.start();
  doors = { implicit: await running.open('pop3', 'implicit'), starttls: await running.open('pop3', 'starttls') };
}, STARTED_WITHIN_MS);

beforeEach(async () => {
  owner = await running.owner();
  await running.append(owner, ...REPORTS);
  home = await mkdtemp(join(tmpdir(), 'posthorn-pop3-'));
});

afterEach(async () => {
  await rm(home, { recursive: true, force: true });
  expect([...doors.implicit.failures, ...doors.starttls.failures]).toEqual([]);
});

afterAll(() => running.stop());

interface Ending {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function run(program: string, ...argv: readonly string[]): Promise<Ending> {
  const env = { PATH: process.env.PATH, HOME: home, FETCHMAILHOME: home, LANG: 'C' };
  const child = spawn(program, argv, { env, stdio: ['ignore', 'pipe', 'pipe'], timeout: ENDED_WITHIN_MS });
  const code = new Promise<number | null>((resolve) => child.once('close', resolve));
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: await code, stdout, stderr };
}

const inHome = async (name: string, content: string): Promise<string> => {
  const path = join(home, name);
  await writeFile(path, content, { mode: 0o600 });
  return path;
};

const portOf = (kind: (typeof KINDS)[number]): string => String(doors[kind].port);

async function uidsLeft(): Promise<number[]> {
  const mailbox = await (await running.rig.process()).open(owner.account);
  mailbox.release();
  return mailbox.folder('INBOX').reports.map(({ uid }) => uid);
}

function withPeer(...programs: readonly string[]): {
  readonly test: typeof it | typeof it.skip;
  readonly note: string;
} {
  if (isInstalled(...programs)) return { test: it, note: '' };
  return { test: it.skip, note: ` (missing: ${programs.join(', ')})` };
}

describe.each(KINDS)('%s TLS', (kind) => {
  const python = withPeer('python3');
  python.test(`poplib reads all and deletes one${python.note}`, async () => {
    const { user, password } = owner;
    const { stdout, stderr } = await run(PYTHON, '-c', POPLIB, portOf(kind), kind, running.caFile, user, password);
    expect({ told: JSON.parse(stdout || '{}') as unknown, stderr }).toMatchObject({
      stderr: '',
      told: {
        stat: [3, REPORTS.join('').length],
        sizes: REPORTS.map((content, index) => `${String(index + 1)} ${String(content.length)}`),
        uids: ['1 1', '2 2', '3 3'],
        top: ['Subject: one', ''],
        messages: REPORTS,
      },
    });
    expect(await uidsLeft()).toEqual([1, 3]);
  });

  const curl = withPeer('curl');
  const url = (path: string): string => `${kind === 'implicit' ? 'pop3s' : 'pop3'}://localhost:${portOf(kind)}/${path}`;
  const curled = (path: string, ...more: readonly string[]): Promise<Ending> => {
    const login = ['--user', `${owner.user}:${owner.password}`];
    return run('curl', '-sS', '--ssl-reqd', '--cacert', running.caFile, ...login, ...more, url(path));
  };

  curl.test(`curl lists, reads and deletes${curl.note}`, async () => {
    expect(await curled('')).toEqual({ code: 0, stderr: '', stdout: expect.stringMatching(/^1 \d+\r\n2 \d+\r\n3 /) });
    expect(await curled('2')).toEqual({ code: 0, stderr: '', stdout: REPORTS[1] });
    expect(await curled('', '-X', 'UIDL')).toMatchObject({ code: 0, stdout: '1 1\r\n2 2\r\n3 3\r\n' });
    expect(await curled('', '-X', 'TOP 1 0')).toMatchObject({ code: 0, stdout: 'Subject: one\r\n\r\n' });
    expect(await curled('', '--login-options', 'AUTH=PLAIN')).toMatchObject({ code: 0 });
    expect(await curled('9')).toMatchObject({ code: 8 });
    expect(await curled('1', '-X', 'DELE', '-I')).toMatchObject({ code: 0 });
    expect(await uidsLeft()).toEqual([2, 3]);
  });

  const fetchmail = withPeer('fetchmail');
  fetchmail.test(`fetchmail takes all, and takes them away${fetchmail.note}`, async () => {
    const ssl = kind === 'implicit' ? `ssl sslproto 'TLS1.2+'` : `sslproto 'TLS1.2+'`;
    const control = await inHome(
      'fetchmailrc',
      `set no bouncemail
poll localhost protocol pop3 port ${portOf(kind)} uidl
 username "${owner.user}" password "${owner.password}" ${ssl} sslcertck sslcertfile ${running.caFile}
 no keep fetchall mda "cat >>${join(home, 'out')}"
`,
    );
    const { code, stdout, stderr } = await run('fetchmail', '-f', control, '-v', '--nosyslog');
    expect({ code, said: stdout + stderr }).toEqual({ code: 0, said: expect.stringContaining('3 messages for') });
    const got = await readFile(join(home, 'out'), 'utf8');
    expect(got.match(/^Subject: .*$/gm)).toEqual(['Subject: one', 'Subject: two', 'Subject: three']);
    expect(got).toMatch(/^\.dot$/m);
    expect(await uidsLeft()).toEqual([]);
    // There is nothing: exit status 1.
    expect((await run('fetchmail', '-f', control, '--nosyslog')).code).toBe(1);
  });
});

// It knows no STLS.
const getmail = withPeer('getmail');
getmail.test(`getmail takes each once and leaves them${getmail.note}`, async () => {
  const out = await inHome('out', '');
  const control = await inHome(
    'getmailrc',
    `[retriever]
type = SimplePOP3SSLRetriever
server = localhost
port = ${portOf('implicit')}
username = ${owner.user}
password = ${owner.password}
ca_certs = ${running.caFile}
[destination]
type = MDA_external
path = /bin/sh
arguments = ("-c", "cat >>${out}")
allow_root_commands = true
[options]
read_all = false
delete = false
`,
  );
  for (const time of ['first', 'second']) {
    const { code, stdout, stderr } = await run('getmail', `--getmaildir=${home}`, `--rcfile=${control}`);
    expect({ time, code, said: stdout + stderr }).toMatchObject({ time, code: 0 });
    const got = await readFile(out, 'utf8');
    expect(got.match(/^Subject: .*$/gm)).toEqual(['Subject: one', 'Subject: two', 'Subject: three']);
  }
  expect(await uidsLeft()).toEqual([1, 2, 3]);
});
