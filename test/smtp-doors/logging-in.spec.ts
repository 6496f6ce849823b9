/** Who gets in by a password while others guess, and what the others hear, on real sockets. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { RawSmtp } from '../e2e/raw-smtp.js';
import { RunningDoors } from './running-doors.js';

const HERE = '203.0.113.7';
const LOCKED = /^421 4\.7\.0 Too many failed logins: .* try again in \d+ minutes$/;
const WRONG = /^535 5\.7\.8 /;

let doors: RunningDoors;
let port: number;
let tries = 0;
const open: RawSmtp[] = [];

beforeAll(async () => {
  doors = await RunningDoors.start();
});

beforeEach(async () => {
  await doors.forgetClients();
  ({ port } = await doors.open('implicit', { proxies: ['127.0.0.0/8'], times: { greetingPauseMs: 1 } }));
});

afterEach(async () => {
  for (const client of open.splice(0)) client.close();
  await doors.closeDoors();
});

afterAll(() => doors.stop());

/** A client that has said EHLO, from any address on earth. */
async function clientFrom(address: string): Promise<RawSmtp> {
  const header = `PROXY TCP4 ${address} 192.0.2.1 50000 465\r\n`;
  const client = await RawSmtp.connectThrough(header, port, doors.certificate.cert);
  open.push(client);
  expect((await client.reply()).code).toBe(220);
  await client.command('EHLO client.test');
  return client;
}

const rightFrom = async (address: string): Promise<number> => {
  const { user, password } = doors.first.smtp;
  return (await (await clientFrom(address)).logIn(user, password)).code;
};

const wrongFrom = async (address: string, user: string): Promise<string> => {
  return (await (await clientFrom(address)).logIn(user, `guess ${tries++}`)).text;
};

/** As many failures as lock the network; those that are held up are not waited for. */
async function lock(address: string): Promise<void> {
  for (let n = 0; n < 20; n++) void doors.guard.failed(`user${n}`, `guess ${tries++}`, address);
  // Counted in the order that they were asked in: the last is answered when all have been.
  await doors.guard.failed('user', `guess ${tries++}`, address);
}

// The first, because with its doors a process stops to hold replies up.
it('before the lock, wrong passwords are held up alike, whether the user exists or not', async () => {
  for (const [index, user] of [doors.first.smtp.user, 'nobody@example.org'].entries()) {
    const address = `192.0.${index}.9`;
    for (let n = 0; n < 2; n++) expect(await wrongFrom(address, user)).toMatch(WRONG);
    const client = await clientFrom(address);
    const begun = performance.now();
    expect((await client.logIn(user, 'third')).text).toMatch(WRONG);
    expect(performance.now() - begun).toBeGreaterThan(240);
  }
});

describe('in a locked network', () => {
  beforeEach(async () => {
    expect(await rightFrom(HERE)).toBe(235);
    await lock(HERE);
  });

  it('a wrong password hears the same, and the end of the connection, whether the user exists or not', async () => {
    const heard: string[] = [];
    for (const user of [doors.first.smtp.user, 'nobody@example.org', 'x'.repeat(1_000)]) {
      const client = await clientFrom(HERE);
      heard.push((await client.logIn(user, 'wrong')).text);
      await client.untilClosed();
    }
    expect(heard[0]).toMatch(LOCKED);
    expect(new Set(heard).size).toBe(1);
  });

  it('the right password is let in, and the next wrong one still hears 421', async () => {
    expect(await rightFrom(HERE)).toBe(235);
    expect(await wrongFrom(HERE, doors.first.smtp.user)).toMatch(LOCKED);
    expect(await rightFrom(HERE)).toBe(235);
  });
});

it('a user whom everybody guesses at gets in from a network that was never seen', async () => {
  const { user } = doors.first.smtp;
  for (let n = 0; n < 50; n++) void doors.guard.failed(user, `guess ${tries++}`, `192.0.${n}.1`);
  expect(await wrongFrom('198.51.100.1', user)).toMatch(LOCKED);
  expect(await rightFrom('198.51.100.2')).toBe(235);
  expect(await wrongFrom('198.51.100.3', user)).toMatch(LOCKED);
});

it('a network whose /16 is locked is greeted, and its right passwords are let in', async () => {
  for (let n = 0; n < 500; n++) void doors.guard.failed(`user${n}`, `guess ${tries++}`, `198.51.${n % 50}.1`);
  expect(await wrongFrom('198.51.200.1', 'somebody@example.org')).toMatch(LOCKED);
  expect(await rightFrom('198.51.200.1')).toBe(235);
});
