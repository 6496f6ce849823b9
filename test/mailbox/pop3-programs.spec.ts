/** Programs that fetch mail by POP3, each told to verify the certificate, against the doors of this process. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { describeReader } from '../programs/describe-reader.js';
import { PYTHON } from '../programs/installed.js';
import { ReaderHome } from '../programs/reader-home.js';
import type { Ended } from '../programs/run-program.js';
import { RunningMailbox, type OpenMailboxDoor, type Owner } from './running-mailbox.js';

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
let home: ReaderHome;

beforeAll(async () => {
  running = await RunningMailbox.start();
  doors = { implicit: await running.open('pop3', 'implicit'), starttls: await running.open('pop3', 'starttls') };
});

beforeEach(async () => {
  owner = await running.owner();
  await running.append(owner, ...REPORTS);
  const ports = { implicit: doors.implicit.port, starttls: doors.starttls.port };
  const { user, password } = owner;
  home = await ReaderHome.make({ ports, user, password, caFile: running.caFile });
});

afterEach(async () => {
  await home.remove();
  expect([...doors.implicit.failures, ...doors.starttls.failures]).toEqual([]);
});

afterAll(() => running.stop());

async function uidsLeft(): Promise<number[]> {
  const mailbox = await (await running.rig.process()).open(owner.account);
  mailbox.release();
  return mailbox.folder('INBOX').reports.map(({ uid }) => uid);
}

describe.each(KINDS)('%s TLS', (kind) => {
  describeReader(['python3'], (test) => {
    test('reads all with poplib and deletes one', async () => {
      const { ports, caFile, user, password } = home.reading;
      const port = String(ports[kind]);
      const { stdout, stderr } = await home.run(PYTHON, '-c', POPLIB, port, kind, caFile, user, password);
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
  });

  describeReader(['curl'], (test) => {
    const curled = (path: string, ...more: readonly string[]): Promise<Ended> => {
      const { ports, caFile, user, password } = home.reading;
      const url = `${kind === 'implicit' ? 'pop3s' : 'pop3'}://localhost:${String(ports[kind])}/${path}`;
      const login = ['--user', `${user}:${password}`];
      return home.run('curl', '-sS', '--ssl-reqd', '--cacert', caFile, ...login, ...more, url);
    };

    test('lists, reads and deletes', async () => {
      expect(await curled('')).toMatchObject({
        code: 0,
        stderr: '',
        stdout: expect.stringMatching(/^1 \d+\r\n2 \d+\r\n3 /),
      });
      expect(await curled('2')).toMatchObject({ code: 0, stderr: '', stdout: REPORTS[1] });
      expect(await curled('', '-X', 'UIDL')).toMatchObject({ code: 0, stdout: '1 1\r\n2 2\r\n3 3\r\n' });
      expect(await curled('', '-X', 'TOP 1 0')).toMatchObject({ code: 0, stdout: 'Subject: one\r\n\r\n' });
      expect(await curled('', '--login-options', 'AUTH=PLAIN')).toMatchObject({ code: 0 });
      expect(await curled('9')).toMatchObject({ code: 8 });
      expect(await curled('1', '-X', 'DELE', '-I')).toMatchObject({ code: 0 });
      expect(await uidsLeft()).toEqual([2, 3]);
    });
  });

  describeReader(['fetchmail'], (test) => {
    test('takes all, and takes them away', async () => {
      const { ports, caFile, user, password } = home.reading;
      const ssl = kind === 'implicit' ? `ssl sslproto 'TLS1.2+'` : `sslproto 'TLS1.2+'`;
      const control = await home.settings(`
set no bouncemail
poll localhost protocol pop3 port ${String(ports[kind])} uidl
 username "${user}" password "${password}" ${ssl} sslcertck sslcertfile ${caFile}
 no keep fetchall mda "cat >>${home.path('out')}"
`);
      const { code, output } = await home.run('fetchmail', '-f', control, '-v', '--nosyslog');
      expect({ code, output }).toEqual({ code: 0, output: expect.stringContaining('3 messages for') });
      const got = await readFile(home.path('out'), 'utf8');
      expect(got.match(/^Subject: .*$/gm)).toEqual(['Subject: one', 'Subject: two', 'Subject: three']);
      expect(got).toMatch(/^\.dot$/m);
      expect(await uidsLeft()).toEqual([]);
      // There is nothing: exit status 1.
      expect((await home.run('fetchmail', '-f', control, '--nosyslog')).code).toBe(1);
    });
  });
});

// It knows no STLS.
describeReader(['getmail'], (test) => {
  test('takes each once and leaves them', async () => {
    const { ports, caFile, user, password } = home.reading;
    const control = await home.settings(`
[retriever]
type = SimplePOP3SSLRetriever
server = localhost
port = ${String(ports.implicit)}
username = ${user}
password = ${password}
ca_certs = ${caFile}
[destination]
type = MDA_external
path = /bin/sh
arguments = ("-c", "cat >>${home.path('out')}")
allow_root_commands = true
[options]
read_all = false
delete = false
`);
    for (const time of ['first', 'second']) {
      const { code, output } = await home.run('getmail', `--getmaildir=${home.directory}`, `--rcfile=${control}`);
      expect({ time, code, output }).toMatchObject({ time, code: 0 });
      const got = await readFile(home.path('out'), 'utf8');
      expect(got.match(/^Subject: .*$/gm)).toEqual(['Subject: one', 'Subject: two', 'Subject: three']);
    }
    expect(await uidsLeft()).toEqual([1, 2, 3]);
  });
});
