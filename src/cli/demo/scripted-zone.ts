/**
 * What the scripted DNS knows, and the answer it has for a question: RFC 1034 section 4.3.2, without delegation.
 *
 * A name it was not told is NXDOMAIN, and so is a name that exists only through its children (unlike RFC 8020):
 * nothing is known but what the script says. No wildcards, no DNSSEC.
 */
import dnsPacket, { type ResourceRecord } from 'dns-packet';

/** The form of a record of each type, as `node:dns` gives it where it has one. */
export interface RecordForms {
  A: string;
  AAAA: string;
  CNAME: string;
  PTR: string;
  /** An exchange of `.` is the null MX (RFC 7505). */
  MX: { readonly exchange: string; readonly priority: number };
  /** A name of `.` says that there is no such service (RFC 2782). */
  SRV: { readonly priority: number; readonly weight: number; readonly port: number; readonly name: string };
  /** Of any length: cut into strings of 255 octets on the wire. */
  TXT: string;
  TLSA: {
    readonly usage: number;
    readonly selector: number;
    readonly matchingType: number;
    readonly certificate: Buffer;
  };
}
export type RecordType = keyof RecordForms;

/** How a name fails: the server says so, or says nothing. */
export type DnsFailure = 'SERVFAIL' | 'timeout';

export type Resolution =
  | { readonly kind: 'timeout' }
  | {
      readonly kind: 'response';
      readonly rcode: 'NOERROR' | 'NXDOMAIN' | 'SERVFAIL';
      readonly answers: ResourceRecord[];
    };

/** A CNAME chain longer than this is a loop; resolvers give up between 8 and 16. */
const CNAME_CHAIN_MAX = 8;
/** An answer over TCP has 65,535 octets at most; the rest is room for the question and the CNAMEs before. */
const RECORD_SET_OCTETS_MAX = 60_000;
/** RFC 1035 section 3.3: a character-string. */
const CHARACTER_STRING_OCTETS_MAX = 255;

/** Names and what the script says of them. Names compare without case and final dot. */
export class ScriptedZone {
  readonly #names = new Map<string, Map<string, unknown[]>>();
  readonly #failures = new Map<string, DnsFailure>();

  /** Replaces the records of one type of a name. Throws where they cannot be put on the wire. */
  set<Type extends RecordType>(name: string, type: Type, records: readonly RecordForms[Type][]): void {
    const data = records.map((record) => wireForm(type, record));
    const size = dnsPacket.encode({ answers: resourceRecords(name, type, data) }).length;
    if (size > RECORD_SET_OCTETS_MAX) throw new RangeError(`${name} ${type}: ${size} octets, too many`);
    const types = this.#names.get(canonical(name)) ?? new Map<string, unknown[]>();
    types.set(type, data);
    this.#names.set(canonical(name), types);
  }

  /** Forgets a name, its records and its failure. */
  delete(name: string): void {
    this.#names.delete(canonical(name));
    this.#failures.delete(canonical(name));
  }

  /** Makes every question for a name fail, until it is deleted. */
  fail(name: string, how: DnsFailure): void {
    this.#failures.set(canonical(name), how);
  }

  /** The answer for a name and a type, with the CNAMEs on the way. */
  resolve(name: string, type: string): Resolution {
    const answers: ResourceRecord[] = [];
    let owner = name;
    for (let hops = 0; hops <= CNAME_CHAIN_MAX; hops++) {
      const failure = this.#failures.get(canonical(owner));
      if (failure === 'timeout') return { kind: 'timeout' };
      if (failure === 'SERVFAIL') return servfail;
      const types = this.#names.get(canonical(owner));
      // RFC 6604 section 3: the RCODE is that of the last name of the chain.
      if (types === undefined) return { kind: 'response', rcode: 'NXDOMAIN', answers };
      answers.push(...resourceRecords(owner, type, types.get(type) ?? []));
      const target = type === 'CNAME' ? undefined : types.get('CNAME')?.[0];
      if (typeof target !== 'string') return { kind: 'response', rcode: 'NOERROR', answers };
      answers.push(...resourceRecords(owner, 'CNAME', [target]));
      owner = target;
    }
    return servfail;
  }
}

const servfail: Resolution = { kind: 'response', rcode: 'SERVFAIL', answers: [] };

function canonical(name: string): string {
  return name.toLowerCase().replace(/\.$/, '');
}

function resourceRecords(name: string, type: string, data: readonly unknown[]): ResourceRecord[] {
  // A TTL of 0: what the script says now is what the next question sees.
  return data.map((each) => ({ name, type, class: 'IN', ttl: 0, data: each }));
}

/** The record as dns-packet wants it. */
function wireForm<Type extends RecordType>(type: Type, record: RecordForms[Type]): unknown {
  if (type === 'MX') {
    const { exchange, priority } = record as RecordForms['MX'];
    return { exchange, preference: priority };
  }
  if (type === 'SRV') {
    const { name, ...numbers } = record as RecordForms['SRV'];
    return { ...numbers, target: name };
  }
  if (type === 'TXT') return characterStrings(record as RecordForms['TXT']);
  return record;
}

function characterStrings(text: string): Buffer[] {
  const octets = Buffer.from(text);
  const strings: Buffer[] = [];
  for (let at = 0; at === 0 || at < octets.length; at += CHARACTER_STRING_OCTETS_MAX) {
    strings.push(octets.subarray(at, at + CHARACTER_STRING_OCTETS_MAX));
  }
  return strings;
}
