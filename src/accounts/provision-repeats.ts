/** What may stand in a provisioning file once only, and what does not go together; looked for though other faults are there. */
import { apiKeyLookup, smtpLookup } from './credential.js';
import { ANY_DOMAIN, sendingDomainName } from './sending-domains.js';

export interface FaultAtPath {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** @param data what the YAML holds, of whatever form */
export function findRepeats(data: unknown): FaultAtPath[] {
  const faults: FaultAtPath[] = [];
  const names = new Map<string, string>();
  const once = (name: string, path: readonly PropertyKey[], what: string): void => {
    const first = names.get(name);
    if (first === undefined) names.set(name, path.join('.'));
    else faults.push({ path, message: `must be another ${what}: this one stands at ${first} already` });
  };
  for (const [i, account] of listIn(data, 'accounts').entries()) {
    const path = ['accounts', i];
    const accountName = textIn(account, 'name');
    if (accountName !== undefined) once(`account ${accountName}`, [...path, 'name'], 'name');
    for (const [j, domain] of listIn(account, 'domains').entries()) {
      const name = sendingDomainName(textIn(domain, 'name') ?? '');
      if (name === undefined) continue;
      once(`domain ${i} ${name}`, [...path, 'domains', j, 'name'], 'domain');
      faults.push(...faultsOfUnprovable(name, domain, [...path, 'domains', j]));
    }
    for (const [j, credential] of listIn(account, 'credentials').entries()) {
      const [user, hash] = [textIn(credential, 'user'), textIn(credential, 'hash')];
      const at = [...path, 'credentials', j];
      if (user !== undefined) once(smtpLookup(user), [...at, 'user'], 'user');
      else if (hash !== undefined) once(apiKeyLookup(hash.toLowerCase()), [...at, 'hash'], 'hash');
    }
  }
  return faults;
}

/** Of all domains together DNS says nothing, and there is no key; a single label is a registry's or nobody's. */
function faultsOfUnprovable(name: string, domain: unknown, path: readonly PropertyKey[]): FaultAtPath[] {
  if (name.includes('.')) return [];
  const faults: FaultAtPath[] = [];
  if (field(domain, 'assumeVerified') !== true) {
    const message = 'must have "assumeVerified: true" beside it: DNS does not show whose it is';
    faults.push({ path: [...path, 'name'], message });
  }
  if (name === ANY_DOMAIN && field(domain, 'dkim') !== undefined)
    faults.push({ path: [...path, 'dkim'], message: 'must stand at a domain of its own' });
  return faults;
}

export function listIn(value: unknown, name: string): readonly unknown[] {
  const list = field(value, name);
  return Array.isArray(list) ? list : [];
}

export function textIn(value: unknown, name: string): string | undefined {
  const text = field(value, name);
  return typeof text === 'string' ? text : undefined;
}

export function field(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Record<string, unknown>)[name];
}
