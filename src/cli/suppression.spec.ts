/** `./posthorn suppression`, against a real relay. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { environmentOf, runCommand } from '../../test/cli/run-command.js';
import { RunningApi } from '../../test/http-api/running-api.js';
import { suppressionCommand } from './suppression.js';

let api: RunningApi;
const directory = mkdtempSync(join(tmpdir(), 'posthorn-suppression-'));

beforeAll(async () => {
  api = await RunningApi.start();
});
afterAll(async () => {
  rmSync(directory, { recursive: true });
  await api.stop();
});

const suppression = (...argv: string[]) => runCommand(suppressionCommand, argv, environmentOf(api));

describe('./posthorn suppression', () => {
  it('adds, lists, shows and removes', async () => {
    const added = await suppression('add', 'Ann@example.net', '--because', 'asked by phone', '--stream', 'bulk');
    expect(added).toMatchObject({ code: 0, err: '' });
    expect(added.out).toMatch(
      /^ann@example\.net {2}manual\n {2}because +asked by phone\n {2}since +\S+Z\n {2}until +for ever\n {2}holds back +mail of bulk\n {2}added by +cred_\w+\n$/,
    );
    const asJson = await suppression(
      'add',
      'bob@example.net',
      '--reason',
      'complaint',
      '--expires-in',
      '30d',
      '--json',
    );
    expect(JSON.parse(asJson.out)).toMatchObject({ address: 'bob@example.net', reason: 'complaint' });
    expect((await suppression('list')).out).toMatch(
      /^ann@example\.net {2}manual {5}since \S+ {2}for ever +bulk {6}asked by phone\nbob@example\.net {2}complaint {2}since \S+ {2}until \S+ {2}all mail {2}added by hand\n$/,
    );
    const page = await suppression('list', '--limit', '1');
    const cursor = /\nThere are more: --cursor (\S+)\n$/.exec(page.out)?.[1] ?? '';
    expect((await suppression('list', '--cursor', cursor)).out).toMatch(/^bob@example\.net /);
    expect(await suppression('remove', 'ann@example.net', '--because', 'she called')).toEqual({
      code: 0,
      out: '',
      err: '',
    });
    expect((await suppression('list', '--reason', 'manual')).out).toBe('');
    expect((await suppression('show', 'ann@example.net')).out).toMatch(
      /\n {2}taken away +\S+Z by cred_\w+: she called\n$/,
    );
    const gone = JSON.parse((await suppression('list', '--state', 'reactivated', '--json')).out) as { data: unknown[] };
    expect(gone.data).toHaveLength(1);
  });

  it('adds the addresses of a file, a thousand at a time', async () => {
    const account = 'importer';
    await api.addAccount(account);
    const file = join(directory, 'addresses');
    const many = Array.from({ length: 1_500 }, (_, i) => `u${i}@example.net`);
    const json = '{"address":"json@example.net","reason":"complaint","because":"said so"}';
    writeFileSync(file, ['\uFEFF# from the old relay', '', ...many, 'U1@example.net', json, ''].join('\r\n'));
    const ours = ['--account', account];
    expect(await suppression('add', '--file', file, '--stream', 'bulk', ...ours)).toEqual({
      code: 0,
      err: '',
      out: 'added 1501 of 1502\n',
    });
    expect(JSON.parse((await suppression('add', '--file', file, '--json', ...ours)).out)).toEqual({
      addresses: 1_502,
      added: 0,
    });
    expect((await suppression('list', '--address', 'JSON@example.net', ...ours)).out).toMatch(
      /^json@example\.net {2}complaint [^\n]+said so\n$/,
    );
    writeFileSync(file, [...many, 'no address'].join('\n'));
    const faulty = await suppression('add', '--file', file, ...ours);
    expect([faulty.code, faulty.err]).toEqual([
      1,
      'posthorn suppression: 422: line 1501, address: "no address" is no mail address: must be "a@b" (the 1000 before are added)\n',
    ]);
    writeFileSync(file, 'a@example.net\n{"address"\n');
    expect((await suppression('add', '--file', file)).err).toContain('line 2 begins as JSON and is none');
  });

  it('acts for another account where it is told to', async () => {
    await api.addAccount('bakery');
    await suppression('add', 'cid@example.net', '--account', 'bakery');
    expect((await suppression('list', '--account', 'bakery')).out).toMatch(/^cid@example\.net /);
    expect((await suppression('show', 'cid@example.net')).code).toBe(1);
  });

  it.each([
    [[], 2, 'say list, show, add or remove'],
    [['add'], 2, 'say one of ADDRESS and --file FILE'],
    [['add', 'a@b.example', '--file', 'x'], 2, 'say one of ADDRESS and --file FILE'],
    [['add', '--file', '/nowhere/x'], 2, '--file /nowhere/x does not exist'],
    [['remove', 'a@b.example'], 2, '--because is missing'],
    [['add', 'a@b.example', '--expires-in', 'soon'], 2, '--expires-in must be a duration'],
    [['add', 'nobody'], 1, '422: address: "nobody" is no mail address'],
    [['remove', 'a@b.example', '--because', 'x'], 1, '404: "a@b.example" is not suppressed for this account'],
    [['list', '--account', 'nobody'], 1, '404: There is no account "nobody"'],
    [['show', '../accounts/default'], 1, '422: address: "../accounts/default" is no mail address'],
  ])('says in one line why %j cannot be', async (argv, code, why) => {
    const outcome = await suppression(...argv);
    expect([outcome.code, outcome.out]).toEqual([code, '']);
    expect(outcome.err).toMatch(/^posthorn suppression: [^\n]+\n$/);
    expect(outcome.err).toContain(why);
  });

  it('documents itself', async () => {
    expect(await suppression('--help')).toEqual({ code: 0, out: suppressionCommand.help, err: '' });
    expect(await suppression('list', '--help')).toEqual({ code: 0, out: suppressionCommand.help, err: '' });
  });
});
