/** The front door of the built service: what gets through it to the next server, and who gets through while others attack. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { startMx, type ScriptedMx } from '../../src/cli/demo/scripted-mx.js';
import { RawSmtp } from './raw-smtp.js';
import { RunningPosthorn } from './running-posthorn.js';

const SENDER = 'app@example.org';
const RECIPIENT = 'somebody@example.net';

let sink: ScriptedMx;
let posthorn: RunningPosthorn;
let ca: string;
let login: { user: string; password: string };

beforeAll(async () => {
  sink = await startMx();
  posthorn = await RunningPosthorn.start({
    POSTHORN_ROUTES: `*=smtp://127.0.0.1:${sink.port}?tls=none`,
    POSTHORN_TRUSTED_NETWORKS: '127.0.0.1/32',
  });
  ca = await readFile(posthorn.caFile, 'utf8');
  login = (await posthorn.credentials()).smtp;
});

afterAll(async () => {
  await posthorn.dispose();
  await sink.close();
});

/** Every sequence of these octets, up to this length. */
function sequences(alphabet: readonly string[], lengthMax: number): string[] {
  let longest = [''];
  const all: string[] = [];
  for (let length = 1; length <= lengthMax; length++) {
    longest = longest.flatMap((start) => alphabet.map((octet) => start + octet));
    all.push(...longest);
  }
  return all;
}

/** A message whose body holds `sequence` at the beginning of a line, and behind it what would be another message's commands. */
function messageWith(sequence: string, index: number): string {
  const smuggled = `MAIL FROM:<smuggler@example.org>\r\nRCPT TO:<victim@example.net>\r\nDATA\r\nSmuggled ${index}`;
  return `From: ${SENDER}\r\nSubject: ${index}\r\n\r\nbefore${sequence}${smuggled}\r\n`;
}

describe('a message with any ending of CR, LF, NUL and dot within', () => {
  it('is one message at the next server, with CRLF line endings and nothing else', async () => {
    const client = await RawSmtp.session(posthorn.ports.trusted);
    // What holds the one right ending does end there; all that is left must not.
    const all = sequences(['\r', '\n', '\0', '.'], 5).filter((sequence) => !sequence.includes('\r\n.\r\n'));
    const expected = new Map<string, string>();
    for (const [index, sequence] of all.entries()) {
      const message = messageWith(sequence, index);
      // Not stuffed by the client, as an attacker would: only what follows CRLF and is doubled loses a dot.
      client.write(`MAIL FROM:<${SENDER}>\r\nRCPT TO:<${RECIPIENT}>\r\nDATA\r\n`);
      for (const code of [250, 250, 354]) expect((await client.reply()).code).toBe(code);
      client.write(Buffer.from(`${message}.\r\n`, 'latin1'));
      expect([sequence, (await client.reply()).code]).toEqual([sequence, sequence.includes('\0') ? 554 : 250]);
      if (sequence.includes('\0')) continue;
      const unstuffed = message.replace(/\r\n\.\./g, '\r\n.');
      expected.set(String(index), unstuffed.replace(/\r\n|\r|\n/g, '\r\n'));
    }
    // Every reply was for what was sent: nothing was done beside.
    expect((await client.command('NOOP')).text).toBe('250 2.0.0 OK');
    client.close();

    const received = await sink.waitFor(expected.size, 60_000);
    expect(received).toHaveLength(expected.size);
    for (const { data, audit, recipients } of received) {
      const text = data.toString('latin1');
      const index = /^Subject: (\d+)\r$/m.exec(text)?.[1] ?? '';
      expect(text.slice(text.indexOf(`From: ${SENDER}`))).toBe(expected.get(index));
      expect(audit).toMatchObject({ bareCr: 0, bareLf: 0, nul: 0 });
      expect(recipients).toEqual([RECIPIENT]);
    }
  });
});

describe('while others attack', () => {
  const SLOW = 40;
  const ADDRESSES = 10;
  const GUESSES_PER_ADDRESS = 24;

  it('nobody is refused who has a good password, and guessing ends', async () => {
    const { submission, submissions } = posthorn.ports;
    const slow = await Promise.all(
      Array.from({ length: SLOW }, (_, index) => RawSmtp.connect(submission, undefined, `127.0.1.${index + 1}`)),
    );
    for (const client of slow) client.write('E');
    const guesses = Array.from({ length: ADDRESSES * GUESSES_PER_ADDRESS }, (_, index) =>
      guess(submissions, `127.0.2.${(index % ADDRESSES) + 1}`, index),
    );
    for (let sent = 0; sent < 20; sent++) {
      const client = await RawSmtp.session(submissions, ca, login);
      const message = Buffer.from(`From: ${SENDER}\r\n\r\nAmid it all, ${sent}.\r\n`);
      expect((await client.send(SENDER, [RECIPIENT], message)).code).toBe(250);
      client.close();
    }
    for (const client of slow) client.close();
    const codes = new Set(await Promise.all(guesses));
    expect([...codes].filter((code) => ![0, 421, 535].includes(code))).toEqual([]);
    expect(await guess(submissions, '127.0.2.1', 0)).not.toBe(535);
    expect(await posthorn.metric('posthorn_auth_attempts_total', 'outcome="accepted"')).toBeGreaterThanOrEqual(20);
  });

  /** The code with which a guess ends; 0 where the door was closed without a word. */
  async function guess(port: number, address: string, index: number): Promise<number> {
    try {
      const client = await RawSmtp.connect(port, ca, address);
      const { code } = await client.reply();
      if (code === 220) await client.command('EHLO attacker.test');
      const last = code === 220 ? (await client.logIn(`user${index}@example.org`, `guess ${index}`)).code : code;
      client.close();
      return last;
    } catch {
      return 0;
    }
  }
});
