/** `./posthorn account` and `./posthorn credential`, against a real relay. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { environmentOf, runCommand } from '../../test/cli/run-command.js';
import { RunningApi } from '../../test/http-api/running-api.js';
import { hashSecret } from '../accounts/secrets.js';
import { accountCommand } from './account.js';
import { credentialCommand } from './credential.js';

let api: RunningApi;

beforeAll(async () => {
  api = await RunningApi.start();
});

afterAll(async () => {
  await api.stop();
});

const account = (...argv: string[]) => runCommand(accountCommand, argv, environmentOf(api));
const credential = (...argv: string[]) => runCommand(credentialCommand, argv, environmentOf(api));

describe('./posthorn account', () => {
  it('creates, changes, lists, suspends, resumes and removes', async () => {
    const created = await account('create', 'shop', '--limit', 'messages.perHour=100', '--on-limit', 'hold');
    expect(created).toMatchObject({ code: 0, err: '' });
    expect(created.out).toMatch(
      /^shop {2}active\n {2}created +\S+Z\n {2}limits\.messages\.perHour +100\n {2}on limit +hold\n {2}watch\.volumeFactor +10\n/,
    );
    expect(created.out).toMatch(/\n {2}suppressed +report\n {2}suppress after +5\n$/);
    const never = await account('update', 'shop', '--suppressed', 'refuse', '--suppress-after', '0');
    expect(never.out).toMatch(/\n {2}suppressed +refuse\n {2}suppress after +never\n$/);
    const limits = ['--limit', 'messages.perHour=none', '--limit', 'messageBytes=1000', '--watch', 'action=suspend'];
    const updated = await account('update', 'shop', ...limits, '--json');
    expect(JSON.parse(updated.out)).toMatchObject({
      limits: { messages: {}, messageBytes: 1000 },
      watch: { action: 'suspend', unknownRate: 0.2 },
    });
    expect((await account('suspend', 'shop', '--reason', 'unpaid')).out).toMatch(/^shop {2}suspended: unpaid\n/);
    expect((await account('list')).out).toMatch(/^default {2}active\nshop {5}suspended: unpaid\n$/);
    expect((await account('resume', 'shop')).out).toMatch(/^shop {2}active\n/);
    expect((await account('events', 'shop')).out).toMatch(
      /^\S+Z {2}account\.suspended {2}unpaid\n\S+Z {2}account\.resumed {4}resumed by the operator\n$/,
    );
    expect(await account('remove', 'shop')).toEqual({ code: 0, out: '', err: '' });
    expect(await account('show', 'shop')).toEqual({
      code: 1,
      out: '',
      err: 'posthorn account: 404: There is no account "shop"\n',
    });
  });

  it('removes the account of its own key only with --force', async () => {
    const refused = await account('remove', 'default');
    expect([refused.code, refused.err]).toEqual([1, expect.stringContaining('409: The API key of this request')]);
  });

  it.each([
    [[], 2, 'say create, list, show, update, suspend, resume, remove or events'],
    [['constructor'], 2, 'say create'],
    [['create'], 2, 'NAME is missing'],
    [['update', 'default'], 2, 'say what to change'],
    [['suspend', 'default'], 2, '--reason is missing'],
    [['show', 'default', '--limit', 'messageBytes=1'], 2, "Unknown option '--limit'"],
    [['update', 'default', '--limit', 'messageBytes'], 2, '--limit is to be NAME=VALUE, not "messageBytes"'],
    [['update', 'default', '--watch', '__proto__.x=1'], 2, '--watch is to be NAME=VALUE'],
    [['update', 'default', '--limit', 'constructor.x=1'], 2, '--limit is to be NAME=VALUE'],
    [['update', 'default', '--limit', 'colour=1'], 1, '422: limits.colour: "colour" is no field that is taken here'],
    [
      ['update', 'default', '--suppress-after', '-1'],
      2,
      'begins with "-" is written --suppress-after=VALUE (./posthorn',
    ],
    [['update', 'default', '--suppress-after=-1'], 1, '422: suppressAfter: must be a whole number from 0'],
    [['update', 'default', '--suppress-after', 'soon'], 1, '422: suppressAfter: must be a whole number from 0'],
    [['update', 'default', '--suppressed', 'drop'], 1, '422: suppressedRecipients: must be report or refuse'],
    [['create', 'no name'], 1, '422: name: must be an account name'],
  ])('says in one line why %j cannot be', async (argv, code, why) => {
    const outcome = await account(...argv);
    expect([outcome.code, outcome.out]).toEqual([code, '']);
    expect(outcome.err).toMatch(/^posthorn account: [^\n]+\n$/);
    expect(outcome.err).toContain(why);
  });
});

describe('./posthorn credential', () => {
  it('creates an SMTP user, shows the password once, lists and removes it', async () => {
    await account('create', 'bakery');
    const created = await credential('create', 'smtp', '--account', 'bakery', '--user', 'web@bakery.example');
    expect(created.out).toMatch(
      /^cred_\w{16} {2}of the account bakery; the secret is shown once\n\n {2}SMTP user {6}web@bakery\.example\n {2}SMTP password {2}\w{43}\n$/,
    );
    const id = created.out.slice(0, 21);
    const listed = await credential('list', '--account', 'bakery');
    expect(listed.out).toBe(`${id}  smtp  web@bakery.example  -  smtp,mailbox,mailbox:read  used never\n`);
    expect((await credential('list')).out).not.toContain(id);
    expect((await credential('remove', id, '--account', 'bakery')).code).toBe(0);
    const again = await credential('remove', id, '--account', 'bakery');
    expect([again.code, again.err]).toEqual([1, expect.stringContaining('404: The account "bakery" has no such')]);
  });

  it('creates an API key with all that can be said of it', async () => {
    const options = ['--name', 'nightly', '--scope', 'send', '--scope', 'read', '--expires-in', '90d'];
    const created = await credential('create', 'api', ...options, '--limit', 'perHour=5', '--json');
    const key = JSON.parse(created.out) as { secret: string; expiresAt: string };
    expect(key).toMatchObject({ name: 'nightly', scopes: ['send', 'read'], limits: { perHour: 5 } });
    const days = (Date.parse(key.expiresAt) - Date.now()) / 86_400_000;
    expect(days).toBeGreaterThan(89.9);
    expect(days).toBeLessThanOrEqual(90);
    expect((await api.request('GET', '/v1/domains', { key: key.secret })).status).toBe(403);
  });

  it('makes a secret and its hash without a relay', async () => {
    const { code, out } = await runCommand(credentialCommand, ['hash'], { POSTHORN_API_URL: 'http://127.0.0.1:1' });
    expect(code).toBe(0);
    const [, secret = '', hash = ''] = /^secret {2}(\w{43})\nhash {4}(sha256:[0-9a-f]{64})\n/.exec(out) ?? [];
    expect(hash).toBe(`sha256:${hashSecret(secret)}`);
    const asJson = JSON.parse((await credential('hash', '--api', '--json')).out) as { secret: string; hash: string };
    expect(asJson.secret).toMatch(/^ph_/);
    expect(asJson.hash).toBe(`sha256:${hashSecret(asJson.secret)}`);
  });

  it.each([
    [['hash', 'sesame'], 2, '"sesame" is one argument too many'],
    [['create'], 2, 'smtp|api is missing'],
    [['create', 'token'], 1, '422: kind: must be "smtp"'],
    [['create', 'api', '--expires-in', 'soon'], 2, '--expires-in must be a duration'],
    [['create', 'api', '--expires-in', '0s'], 2, '--expires-in must be a duration from 1s to 3650d'],
    [['create', 'api', '--scope', 'all'], 1, '422: scopes.0: must be one of'],
    [['create', 'api', '--account', 'nobody'], 1, '422: account: there is no account "nobody"'],
    [['list', '--account', 'nobody'], 1, '404: There is no account "nobody"'],
    [['list', '--account', 'a&force=true'], 1, '422: account: must be an account name'],
    [['remove', '../domains'], 1, '404: '],
  ])('says in one line why %j cannot be', async (argv, code, why) => {
    const outcome = await credential(...argv);
    expect([outcome.code, outcome.out]).toEqual([code, '']);
    expect(outcome.err).toMatch(/^posthorn credential: [^\n]+\n$/);
    expect(outcome.err).toContain(why);
  });
});

it.each([accountCommand, credentialCommand])('documents itself: %#', async (command) => {
  expect(await runCommand(command, ['--help'], environmentOf(api))).toEqual({ code: 0, out: command.help, err: '' });
  expect(await runCommand(command, ['list', '--help'], environmentOf(api))).toEqual({
    code: 0,
    out: command.help,
    err: '',
  });
});
