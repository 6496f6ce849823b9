/** Reads SPF and DMARC records as far as it can be said simply whether they fit: RFC 7208, RFC 7489 section 6.3. */
import { BlockList, isIP } from 'node:net';
import { FINE, readTags, wrong, type Verdict } from './record-verdict.js';

/** RFC 7208 section 4.5: the record begins with v=spf1 and a space, or is only that. */
export function isSpf(text: string): boolean {
  return /^v=spf1(?: |$)/i.test(text);
}

/** RFC 7489 section 6.6.3: what does not begin so is no DMARC record. */
export function isDmarc(text: string): boolean {
  return /^v\s*=\s*DMARC1\s*(?:;|$)/.test(text);
}

/**
 * Whether the SPF records of the return path let our host send. Undefined where that depends on the host's addresses,
 * which are not given.
 *
 * @param addresses of the host
 */
export function judgeSpf(
  records: readonly string[],
  host: string,
  bounceDomain: string,
  addresses: readonly string[] | undefined,
): Verdict | undefined {
  const [record = '', ...more] = records;
  // RFC 7208 section 4.5: with two of them the result is permerror.
  if (more.length > 0) return wrong('two v=spf1 records stand there, which makes both void: join them into one');
  const terms = record.toLowerCase().split(/ +/).slice(1);
  if (terms.some((term) => /^\+?all$/.test(term))) return wrong('+all lets everybody send: end the record with ~all');
  const mechanisms = terms.filter((term) => !/^[-~?]/.test(term)).map((term) => term.replace(/^\+/, ''));
  const names = mechanisms
    .map((mechanism) => /^a(?::([^/]+))?(?:\/|$)/.exec(mechanism))
    .filter((found) => found !== null);
  if (names.some(([, name = bounceDomain]) => name.replace(/\.$/, '') === host)) return FINE;
  const networks = mechanisms.flatMap((mechanism) => /^ip[46]:(.+)$/.exec(mechanism)?.[1] ?? []);
  if (networks.length > 0) {
    if (addresses === undefined) return undefined;
    if (addresses.some((address) => networks.some((network) => holds(network, address)))) return FINE;
  }
  const other = mechanisms.find((mechanism) => /^(?:include:|redirect=|mx|exists:|a:|ptr)/.test(mechanism));
  if (other !== undefined) return { ...FINE, todo: `see for yourself that "${other}" covers ${host}` };
  return wrong(`${host} is not among those who may send: add a:${host} before the all`);
}

export function judgeDmarc(records: readonly string[]): Verdict {
  const [record = '', ...more] = records;
  // RFC 7489 section 6.6.3: of several, none is used.
  if (more.length > 0) return wrong('two DMARC records stand there, so that none is used: leave one');
  const policy = readTags(record)?.get('p')?.toLowerCase();
  if (policy === 'none' || policy === 'quarantine' || policy === 'reject') return FINE;
  return wrong('the record has no p=none, p=quarantine or p=reject, so that it is not used');
}

function holds(network: string, address: string): boolean {
  const [base = '', bits] = network.split('/');
  const family = isIP(base);
  if (family === 0 || family !== isIP(address)) return false;
  const type = family === 6 ? 'ipv6' : 'ipv4';
  const length = bits === undefined ? (family === 6 ? 128 : 32) : Number(bits);
  if (!Number.isInteger(length) || length < 0 || length > (family === 6 ? 128 : 32)) return false;
  const list = new BlockList();
  list.addSubnet(base, length, type);
  return list.check(address, type);
}
