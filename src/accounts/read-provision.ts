/** Reads the file POSTHORN_PROVISION. Every fault is told at once, each as `FILE:LINE: path: what would be right`. */
import { dirname, resolve } from 'node:path';
import type { z } from 'zod';
import { readTextFile } from '../config/read-file.js';
import { readImportedKey, selectorFault } from './dkim-key-import.js';
import { PATH_CHARACTERS_MAX, provisionSchema, type ProvisionedAccount } from './provision-schema.js';
import { field, findRepeats, listIn, textIn, type FaultAtPath } from './provision-repeats.js';
import { ANY_DOMAIN, sendingDomainName } from './sending-domains.js';
import { readYaml } from './yaml-lines.js';

export interface Provision {
  readonly accounts: readonly ProvisionedAccount[];
  /** The DKIM keys to import, read and sound. */
  readonly keys: readonly ProvisionedKey[];
  /** What is wrong at a place of the file, found only when it is compared with what is there. */
  readonly describe: (faults: readonly FaultAtPath[]) => string[];
}

export interface ProvisionedKey {
  readonly account: string;
  readonly domain: string;
  readonly selector: string;
  /** Private, PEM. */
  readonly pem: string;
  readonly path: readonly PropertyKey[];
}

export type ProvisionReading =
  ({ readonly kind: 'read' } & Provision) | { readonly kind: 'faults'; readonly faults: readonly string[] };

/** Accounts by the thousand take less. */
const FILE_BYTES_MAX = 1_048_576;
const KEY_BYTES_MAX = 65_536;
const FAULTS_SHOWN = 100;
/** Faults whose lines are looked for: each takes a walk through the file. */
const FAULTS_PLACED = 500;

export async function readProvision(file: string): Promise<ProvisionReading> {
  const read = readTextFile(file, FILE_BYTES_MAX);
  return read.kind === 'ok' ? parseProvision(read.text, file) : { kind: 'faults', faults: [`${file}: ${read.why}`] };
}

export async function parseProvision(text: string, file: string): Promise<ProvisionReading> {
  const yaml = readYaml(text);
  if (yaml.kind === 'faults') {
    return { kind: 'faults', faults: yaml.faults.map(({ line, message }) => `${file}:${line}: ${message}`) };
  }
  const { data, lineOf } = yaml;
  const describe = (faults: readonly FaultAtPath[]): string[] => {
    const placed = faults.slice(0, FAULTS_PLACED).map(({ path, message }) => ({ line: lineOf(path), path, message }));
    const shown = placed.sort((a, b) => a.line - b.line).slice(0, FAULTS_SHOWN);
    const more = faults.length - shown.length;
    return [...shown.map((fault) => described(file, fault)), ...(more > 0 ? [`${file}: and ${more} more`] : [])];
  };
  const parsed = provisionSchema.safeParse(data);
  const faults = [...(parsed.error?.issues ?? []).flatMap(faultsOf), ...findRepeats(data)];
  const keys = await readKeys(data, dirname(file));
  faults.push(...keys.faults);
  if (!parsed.success || faults.length > 0) return { kind: 'faults', faults: describe(faults) };
  return { kind: 'read', accounts: parsed.data.accounts, keys: keys.read, describe };
}

function described(file: string, fault: FaultAtPath & { readonly line: number }): string {
  const path = fault.path.map(String).join('.');
  return `${file}:${fault.line}: ${path === '' ? '' : `${path}: `}${fault.message}`;
}

function faultsOf(issue: z.core.$ZodIssue): FaultAtPath[] {
  if (issue.code !== 'unrecognized_keys') return [{ path: issue.path, message: issue.message }];
  return issue.keys.map((key) => ({
    path: [...issue.path, key],
    message: key === 'webhooks' ? 'is not supported by this version' : 'is no field that is taken here',
  }));
}

/** Reads the keys also where other faults are there; what the schema finds fault with is passed over. */
async function readKeys(
  data: unknown,
  directory: string,
): Promise<{ readonly read: ProvisionedKey[]; readonly faults: FaultAtPath[] }> {
  const read: ProvisionedKey[] = [];
  const faults: FaultAtPath[] = [];
  for (const [i, account] of listIn(data, 'accounts').entries()) {
    for (const [j, domain] of listIn(account, 'domains').entries()) {
      const named = namedKey(account, domain);
      if (!named) continue;
      const path = ['accounts', i, 'domains', j, 'dkim', 'privateKeyFile'];
      const selectorIs = selectorFault(named.selector, named.domain);
      if (selectorIs !== undefined) faults.push({ path: [...path.slice(0, -1), 'selector'], message: selectorIs });
      const key = readTextFile(resolve(directory, named.file), KEY_BYTES_MAX);
      // With a selector that is right: what is wrong with the key itself is told as well.
      const found =
        key.kind === 'ok'
          ? await readImportedKey(selectorIs === undefined ? named.selector : 's', named.domain, key.text)
          : undefined;
      if (found?.kind === 'read' && key.kind === 'ok') {
        read.push({ ...named, selector: found.selector, pem: key.text, path });
      } else {
        const why = key.kind === 'failed' ? key.why : `cannot be taken: ${found?.kind === 'refused' ? found.why : ''}`;
        faults.push({ path, message: `names a file that ${why}` });
      }
    }
  }
  return { read, faults };
}

function namedKey(
  account: unknown,
  domain: unknown,
): { readonly account: string; readonly domain: string; readonly selector: string; readonly file: string } | undefined {
  const dkim = field(domain, 'dkim');
  const [selector, file] = [textIn(dkim, 'selector') ?? '', textIn(dkim, 'privateKeyFile') ?? ''];
  if (selector === '' || file === '' || file.length > PATH_CHARACTERS_MAX) return undefined;
  // Where the domain is none, or all of them, which is a fault of its own, its key is looked at as of another.
  const name = sendingDomainName(textIn(domain, 'name') ?? '');
  const keyDomain = name === undefined || name === ANY_DOMAIN ? 'example.org' : name;
  return { account: textIn(account, 'name') ?? '', domain: keyDomain, selector, file };
}
