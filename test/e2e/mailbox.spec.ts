/** The mailbox of the built service: what bounced is read in it, and nothing that was answered OK is lost when its process dies. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { startMx, type ScriptedMx } from '../../src/cli/demo/scripted-mx.js';
import { ImapClient } from '../mailbox/imap-client.js';
import { RunningPosthorn } from './running-posthorn.js';

const REPORTS = 20;
const ANSWERED_BEFORE_KILL = 300;
const UNDER_WAY = 8;
const POLL_MS = 50;
const WITHIN_MS = 60_000;

let mx: ScriptedMx;
let posthorn: RunningPosthorn;
let ca: string;
const clients: ImapClient[] = [];

beforeAll(async () => {
  mx = await startMx({ script: { rcpt: '550 5.1.1 User unknown' } });
  posthorn = await RunningPosthorn.start({ POSTHORN_ROUTES: `*=smtp://127.0.0.1:${String(mx.port)}?tls=none` });
  ca = await readFile(posthorn.caFile, 'utf8');
});
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});
afterAll(async () => {
  await posthorn.dispose();
  await mx.close();
});

async function logIn(): Promise<ImapClient> {
  const { smtp } = await posthorn.credentials();
  const client = await ImapClient.connect(posthorn.ports.imaps, ca);
  clients.push(client);
  await client.ok(`LOGIN ${smtp.user} ${smtp.password}`);
  return client;
}

async function select(folder = 'INBOX'): Promise<ImapClient> {
  const client = await logIn();
  await client.ok(`SELECT ${folder}`);
  return client;
}

/** Resolves with the line of IDLE that says that so many are there. */
async function untilThere(client: ImapClient, count: number): Promise<void> {
  const done = await client.idle();
  while ((await client.response()) !== `* ${String(count)} EXISTS`);
  await done();
}

async function bounce(...to: readonly string[]): Promise<void> {
  const mail = { from: 'shop@example.org', subject: 'your order', text: 'It is on its way.' };
  for (const address of to) {
    const { status } = await posthorn.api('POST', '/v1/messages', { ...mail, to: [address] });
    expect(status).toBe(202);
  }
}

/** Once the supervisor has started it again. */
async function loggedInAgain(): Promise<ImapClient> {
  for (const deadline = Date.now() + WITHIN_MS; ; await sleep(POLL_MS)) {
    try {
      return await logIn();
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
  }
}

describe('the mailbox of the service', () => {
  it('shows what bounced, as soon as it has', async () => {
    const client = await select();
    await bounce('nobody@nowhere.example');
    await untilThere(client, 1);
    const [fetched = ''] = await client.ok('FETCH 1 (FLAGS BODY.PEEK[HEADER.FIELDS (Content-Type)] BODY.PEEK[])');
    expect(fetched).toContain('Content-Type: multipart/report; report-type=delivery-status');
    expect(fetched).toContain('nobody@nowhere.example');
    expect(fetched).toContain('550 5.1.1 User unknown');
    expect(await client.ok('STATUS Hard (MESSAGES UNSEEN)')).toEqual(['STATUS Hard (MESSAGES 1 UNSEEN 1)']);
    expect(await client.ok('SEARCH TEXT nobody@nowhere.example')).toEqual(['SEARCH 1']);
    expect(await posthorn.metric('posthorn_mailbox_sessions', 'protocol="imap"')).toBe(1);
  });

  it('loses no flag that was answered OK when its process is killed, and comes back', async () => {
    const client = await select();
    const before = (await client.ok('SEARCH ALL')).join().split(' ').length - 1;
    await bounce(...Array.from({ length: REPORTS }, (_, index) => `nobody-${String(index)}@nowhere.example`));
    await untilThere(client, before + REPORTS);
    const [victim] = await posthorn.children('mailbox');
    // Several under way at any time, and the process dies among them.
    const asked = new Map<string, { number: number; flag: string }>();
    const answered = new Set<string>();
    for (let index = 0; answered.size < ANSWERED_BEFORE_KILL; index++) {
      const [number, flag] = [1 + (index % REPORTS), `key${String(Math.floor(index / REPORTS)).padStart(2, '0')}`];
      asked.set(client.send(`STORE ${String(number)} +FLAGS.SILENT (${flag})`), { number, flag });
      if (index < UNDER_WAY) continue;
      const tag = [...asked.keys()][index - UNDER_WAY] ?? '';
      expect((await client.answer(tag)).end).toMatch(/^OK /);
      answered.add(tag);
    }
    process.kill(victim ?? 0, 'SIGKILL');
    for (const line of (await client.lines.ended()).split('\r\n')) {
      const [tag = '', status] = line.split(' ');
      if (status === 'OK' && tag !== '*') answered.add(tag);
    }
    console.info(`${String(answered.size)} of ${String(asked.size)} STOREs were answered before the kill`);
    const again = await loggedInAgain();
    await again.ok('SELECT INBOX');
    const flags = await again.ok('FETCH 1:* FLAGS');
    const lost = [...asked].filter(
      ([tag, { number, flag }]) => answered.has(tag) && !flags[number - 1]?.includes(flag),
    );
    expect(lost).toEqual([]);
    expect(await posthorn.children('mailbox')).not.toContain(victim);
    await bounce('late@nowhere.example');
    await untilThere(again, before + REPORTS + 1);
  });

  it('says goodbye at SIGTERM to sessions that wait, and the service ends with 0', async () => {
    const [waiting, idling] = [await select(), await select()];
    await idling.idle();
    const code = posthorn.terminate();
    for (const { lines } of [waiting, idling])
      expect(await lines.ended()).toMatch(/\* BYE The server is shutting down/);
    expect(await code).toBe(0);
  });
});
