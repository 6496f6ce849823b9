import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { FUZZ_RUNS } from '../../test/fuzz-runs.js';
import { parseProvision, readProvision } from './read-provision.js';

const HASH = `sha256:${'0a'.repeat(32)}`;

let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'posthorn-provision-'));
  const pem = { type: 'pkcs8', format: 'pem' } as const;
  writeFileSync(join(directory, 'ed.pem'), generateKeyPairSync('ed25519').privateKey.export(pem));
  writeFileSync(join(directory, 'ec.pem'), generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export(pem));
  writeFileSync(join(directory, 'garbage'), 'no key');
});

afterAll(() => {
  rmSync(directory, { recursive: true, force: true });
});

async function faultsOf(text: string): Promise<readonly string[]> {
  const reading = await parseProvision(text, `${directory}/p.yaml`);
  return reading.kind === 'faults' ? reading.faults.map((fault) => fault.replace(`${directory}/`, '')) : [];
}

describe('a provisioning file', () => {
  it('names accounts, their domains and their credentials', async () => {
    const reading = await parseProvision(
      `
accounts:
  - name: shop
    limits: { messages: { perHour: 1000 }, messageBytes: 1048576 }
    onLimit: hold
    watch: { action: suspend }
    suppressedRecipients: refuse
    suppressAfter: 0
    domains:
      - name: Bücher.example
        assumeVerified: true
      - name: shop.example
        dkim: { selector: s1, privateKeyFile: ed.pem }
    credentials:
      - kind: smtp
        user: web@shop.example
        hash: ${HASH.toUpperCase().replace('SHA', 'sha')}
        expiresAt: 2030-01-01T00:00:00Z
      - { kind: api, hash: "${HASH}", scopes: [send, admin], limits: { perDay: 5 } }
  - name: empty
`,
      `${directory}/p.yaml`,
    );
    if (reading.kind === 'faults') throw new Error(reading.faults.join('\n'));
    const [shop, empty] = reading.accounts;
    expect(shop).toMatchObject({
      name: 'shop',
      limits: { messages: { perHour: 1000 }, messageBytes: 1048576 },
      onLimit: 'hold',
      suppressedRecipients: 'refuse',
      suppressAfter: 0,
      domains: [{ name: 'xn--bcher-kva.example', assumeVerified: true }, { name: 'shop.example' }],
      credentials: [
        { kind: 'smtp', hash: '0a'.repeat(32), expiresAt: Date.parse('2030-01-01T00:00:00Z') },
        { kind: 'api', scopes: ['send', 'admin'] },
      ],
    });
    expect(empty).toEqual({
      name: 'empty',
      limits: {},
      onLimit: 'refuse',
      watch: {},
      suppressedRecipients: 'report',
      suppressAfter: 5,
      domains: [],
      credentials: [],
    });
    expect(reading.keys).toEqual([
      expect.objectContaining({ account: 'shop', domain: 'shop.example', selector: 's1' }),
    ]);
  });

  it('has all its faults told at once, each with its line', async () => {
    const faults = await faultsOf(`accounts:
  - name: -shop
    limits:
      messages:
        perHour: many
    colour: red
    domains:
      - name: not a domain
      - name: "*"
    webhooks: []
    credentials:
      - kind: smtp
        hash: ${HASH}
      - kind: api
        hash: secret
        scopes: [smtp]
      - kind: token
  - name: two
  - name: two
    onLimit: wait
    credentials:
      - { kind: smtp, user: A@b.example, hash: "${HASH}" }
      - { kind: smtp, user: a@b.example, hash: "${HASH}" }
webhooks: []
`);
    expect(faults).toEqual([
      expect.stringMatching(/^p\.yaml:2: accounts\.0\.name: must be an account name/),
      expect.stringMatching(/^p\.yaml:5: accounts\.0\.limits\.messages\.perHour: must be a whole number/),
      expect.stringMatching(/^p\.yaml:6: accounts\.0\.colour: is no field/),
      expect.stringMatching(/^p\.yaml:8: accounts\.0\.domains\.0\.name: must be a domain/),
      expect.stringMatching(/^p\.yaml:9: accounts\.0\.domains\.1\.name: must have "assumeVerified: true"/),
      'p.yaml:10: accounts.0.webhooks: is not supported by this version',
      expect.stringMatching(/^p\.yaml:12: accounts\.0\.credentials\.0\.user: /),
      expect.stringMatching(/^p\.yaml:15: accounts\.0\.credentials\.1\.hash: must be sha256:/),
      expect.stringMatching(/^p\.yaml:16: accounts\.0\.credentials\.1\.scopes\.0: must be one of send, read/),
      expect.stringMatching(/^p\.yaml:17: accounts\.0\.credentials\.2\.kind: must be smtp/),
      expect.stringMatching(/^p\.yaml:19: accounts\.2\.name: must be another name: .*accounts\.1\.name/),
      expect.stringMatching(/^p\.yaml:20: accounts\.2\.onLimit: must be refuse or hold/),
      expect.stringMatching(/^p\.yaml:23: accounts\.2\.credentials\.1\.user: must be another user/),
      'p.yaml:24: webhooks: is not supported by this version',
    ]);
  });

  it('takes a name that DNS proves nothing of on its word only, and a domain once', async () => {
    const text = `accounts:
- name: a
  domains:
  - name: relay
  - name: intern
    assumeVerified: true
  - name: 10.1
  - name: bücher.example
  - name: XN--bcher-kva.example
  - name: ${'a.'.repeat(95)}example
`;
    expect(await faultsOf(text)).toEqual([
      expect.stringMatching(/^p\.yaml:4: accounts\.0\.domains\.0\.name: must have "assumeVerified: true"/),
      expect.stringMatching(/^p\.yaml:7: accounts\.0\.domains\.2\.name: /),
      expect.stringMatching(/^p\.yaml:9: accounts\.0\.domains\.4\.name: must be another domain/),
      expect.stringMatching(/^p\.yaml:10: accounts\.0\.domains\.5\.name: must be a domain/),
    ]);
  });

  it('has the faults of its keys told beside all others', async () => {
    const text = `accounts:
- name: -a
  domains:
  - name: a.example
    dkim:
      selector: not_one
      privateKeyFile: absent
  - name: b.example
    dkim: { selector: s, privateKeyFile: garbage, colour: red }
`;
    expect(await faultsOf(text)).toEqual([
      expect.stringMatching(/^p\.yaml:2: accounts\.0\.name: must be an account name/),
      expect.stringMatching(/^p\.yaml:6: accounts\.0\.domains\.0\.dkim\.selector: the selector must be DNS labels/),
      expect.stringMatching(/^p\.yaml:7: .*\.privateKeyFile: names a file that does not exist/),
      expect.stringMatching(/^p\.yaml:9: .*\.dkim\.colour: is no field/),
      expect.stringMatching(/^p\.yaml:9: .*\.privateKeyFile: names a file that cannot be taken: there is no PEM/),
    ]);
  });

  it.each([
    ['ec.pem', 'names a file that cannot be taken: the key is of the kind ec'],
    ['garbage', 'names a file that cannot be taken: there is no PEM'],
    ['absent', 'names a file that does not exist'],
    ['.', 'names a file that is not a regular file'],
  ])('has the key in %s refused before anything is written', async (file, why) => {
    const faults = await faultsOf(
      `accounts:\n- name: a\n  domains:\n  - name: a.example\n    dkim:\n      selector: s\n      privateKeyFile: ${file}\n`,
    );
    expect(faults).toEqual([expect.stringContaining(`p.yaml:7: accounts.0.domains.0.dkim.privateKeyFile: ${why}`)]);
  });

  it.each([
    ['', 'p.yaml:1: must be a mapping with a list of accounts'],
    ['- a', 'p.yaml:1: must be a mapping with a list of accounts'],
    ['accounts: [\n', 'p.yaml:2: is not valid YAML: '],
    ['a: 1\naccounts: []\naccounts: []\n', 'p.yaml:3: is not valid YAML: Map keys must be unique'],
    ['accounts: *nobody', 'follows too many aliases, or one that is not there'],
    ['a: &a [x]\nb: &b [*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c]\n', 'follows too many aliases'],
    ['accounts: []\n---\naccounts: []\n', 'is not valid YAML: '],
  ])('is refused as %j', async (text, fault) => {
    expect(await faultsOf(text)).toContainEqual(expect.stringContaining(fault));
  });

  it('is refused where it is nested deeper than anything of ours', async () => {
    for (const text of ['['.repeat(20_000), '{a: '.repeat(20_000), `\n${'- '.repeat(20_000)}`]) {
      expect(await faultsOf(`accounts: ${text}`)).toEqual(['p.yaml:1: is nested too deeply']);
    }
  });

  it('is refused with the first hundred of its faults, and how many there are more', async () => {
    const faults = await faultsOf(Array.from({ length: 20_000 }, (_, i) => `k${i}: 1\n`).join(''));
    expect(faults).toHaveLength(101);
    expect(faults[1]).toBe('p.yaml:1: k0: is no field that is taken here');
    expect(faults[100]).toBe('p.yaml: and 19901 more');
  });

  it('may use an alias, and has its faults told where they are written', async () => {
    const text = `accounts:\n- name: a\n  limits: &l\n    messageBytes: 0\n- name: b\n  limits: *l\n`;
    expect(await faultsOf(text)).toEqual([
      expect.stringContaining('p.yaml:4: accounts.0.limits.messageBytes: must be at least 1'),
      expect.stringContaining('p.yaml:4: accounts.1.limits.messageBytes: must be at least 1'),
    ]);
  });

  it('is named where it cannot be read', async () => {
    expect(await readProvision('/nowhere/p.yaml')).toEqual({
      kind: 'faults',
      faults: ['/nowhere/p.yaml: does not exist'],
    });
    const file = join(directory, 'large.yaml');
    writeFileSync(file, '#'.repeat(1_048_577));
    expect(await readProvision(file)).toEqual({ kind: 'faults', faults: [`${file}: is larger than 1024 KiB`] });
  });
});

describe('whatever a provisioning file holds', () => {
  const word = fc.constantFrom(
    ...['accounts', 'name', 'shop', 'domains', 'credentials', 'kind', 'smtp', 'api', 'hash', HASH, 'scopes', 'limits'],
    ...['messages', 'perHour', 'dkim', 'selector', 'privateKeyFile', '/dev/null', '*', '__proto__', 'constructor'],
  );
  const scalar = fc.oneof(word, fc.string(), fc.integer(), fc.double(), fc.boolean(), fc.constant(null));
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 6 },
      scalar,
      fc.array(tie('tree'), { maxLength: 4 }),
      fc.dictionary(fc.oneof(word, fc.string()), tie('tree'), { maxKeys: 5 }),
    ),
  }));
  const piece = fc.oneof(
    word,
    fc.constantFrom(...'\n :-[]{}&*!|>"\'#%@`,?\t\0\r~'),
    fc.constantFrom('  - ', ': ', '<<'),
  );
  const text = fc.oneof(
    tree.map((value) => stringify({ accounts: value })),
    tree.map((value) => stringify(value)),
    fc.array(piece, { maxLength: 80 }).map((pieces) => pieces.join('')),
    fc.string({ unit: 'binary', maxLength: 200 }),
  );

  it('is read, or refused with lines', async () => {
    await fc.assert(
      fc.asyncProperty(text, async (given) => {
        const reading = await parseProvision(given, 'p.yaml');
        if (reading.kind === 'read') return;
        expect(reading.faults.length).toBeGreaterThan(0);
        expect(reading.faults.length).toBeLessThanOrEqual(101);
        for (const fault of reading.faults) expect(fault).toMatch(/^p\.yaml:(\d+:| and )/);
      }),
      { numRuns: FUZZ_RUNS * 3 },
    );
  });
});
