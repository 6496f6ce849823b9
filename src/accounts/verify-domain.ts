/**
 * Asks DNS for the records of a sending domain and says of each what was found, and what to change. A name that was not
 * found is looked for where people put it by mistake.
 */
import type { AskDns, AskedType, DnsAnswer } from '../network/ask-dns.js';
import type { DomainRecord, RelayNames } from './domain-records.js';
import { judgeDkim } from './judge-dkim.js';
import { isDmarc, isSpf, judgeDmarc, judgeSpf } from './judge-policies.js';
import { elsewhereIsFine, judgeServices, judgeTarget, zonesOf } from './judge-target.js';
import { FINE, wrong, type Verdict } from './record-verdict.js';

export interface Finding extends Verdict {
  readonly record: DomainRecord;
  /** What DNS shows there, printable. */
  readonly found: readonly string[];
}

/** What others publish is shown up to here. */
const FOUND_MAX = 5;
const FOUND_CHARACTERS_MAX = 600;
/** RFC 9989 section 4.10 walks up the tree as well; it stops here. */
const DMARC_PARENTS_MAX = 4;

/** A finding for each of `records`, in their order. Never rejects while `ask` does not. */
export async function verifyDomain(
  domain: string,
  records: readonly DomainRecord[],
  relay: RelayNames,
  ask: AskDns,
): Promise<readonly Finding[]> {
  return Promise.all(
    records.map(async (record) => {
      const { found, verdict } = await look(domain, record, relay, ask);
      return { record, ...verdict, found: found.slice(0, FOUND_MAX).map(printable) };
    }),
  );
}

interface Look {
  readonly found: readonly string[];
  readonly verdict: Verdict;
}

function look(domain: string, record: DomainRecord, relay: RelayNames, ask: AskDns): Promise<Look> {
  switch (record.purpose) {
    case 'dkim':
      return lookAt(domain, record, ask, (texts) => judgeDkim(record.value, texts));
    case 'return_path':
      return lookAt(domain, record, ask, ([target = '']) => judgeTarget(target, record.value, domain));
    case 'spf':
      return lookAtSpf(record, relay, ask);
    case 'dmarc':
      return lookForDmarc(domain, record, ask);
    case 'mail_program':
      return lookForMailProgram(domain, record, ask);
    default:
      return record satisfies never;
  }
}

function lookForMailProgram(domain: string, record: DomainRecord, ask: AskDns): Promise<Look> {
  const { type, value } = record;
  if (type === 'SRV') return lookAt(domain, record, ask, (services) => judgeServices(services, value, domain));
  const judge = ([target = '']: readonly string[]) => judgeTarget(target, value, domain, elsewhereIsFine(value));
  return lookAt(domain, record, ask, judge, lookForProxy);
}

async function lookAt(
  domain: string,
  record: DomainRecord,
  ask: AskDns,
  judge: (values: readonly string[]) => Verdict,
  lookFurther = lookElsewhere,
): Promise<Look> {
  const answer = await ask(record.name, record.type);
  switch (answer.kind) {
    case 'records':
      return { found: answer.values, verdict: judge(answer.values) };
    case 'none':
      return lookFurther(domain, record, ask);
    case 'unknown':
      return unanswered(answer);
    default:
      return answer satisfies never;
  }
}

/** What stands where people put a record by mistake: under the name with the zone once more, or of another type. */
async function lookElsewhere(domain: string, record: DomainRecord, ask: AskDns): Promise<Look> {
  const places: readonly { readonly name: string; readonly type: AskedType; readonly todo: string }[] = [
    ...zonesOf(domain).map((zone) => ({
      name: `${record.name}.${zone}`,
      type: record.type,
      todo: `it stands at ${record.name}.${zone}: the DNS editor adds ${zone} by itself, so enter the name without it`,
    })),
    ...(record.type === 'CNAME' ? (['A', 'TXT'] as const) : (['CNAME'] as const)).map((type) => ({
      name: record.name,
      type,
      todo: `a record of type ${type} stands there: replace it by one of type ${record.type}`,
    })),
  ];
  const answers = await Promise.all(places.map(({ name, type }) => ask(name, type)));
  for (const [index, { type, todo }] of places.entries()) {
    const answer = answers[index];
    if (answer?.kind !== 'records') continue;
    return { found: answer.values.map((value) => `${type} ${value}`), verdict: wrong(todo) };
  }
  return missing(`publish the ${record.type} record; a new one may take an hour to be seen`);
}

/** A proxy before the HTTP API does as well as a CNAME; whether an address is one, DNS does not tell. */
async function lookForProxy(domain: string, record: DomainRecord, ask: AskDns): Promise<Look> {
  const answers = await Promise.all((['A', 'AAAA'] as const).map((type) => ask(record.name, type)));
  const found = answers.flatMap((answer) => (answer.kind === 'records' ? answer.values : []));
  if (found.length === 0) return lookElsewhere(domain, record, ask);
  return { found, verdict: { ...FINE, todo: `see for yourself that http://${record.name}/ leads to the HTTP API` } };
}

async function lookAtSpf(record: DomainRecord, { hostname, bounceDomain }: RelayNames, ask: AskDns): Promise<Look> {
  const answer = await ask(record.name, 'TXT');
  if (answer.kind === 'unknown') return unanswered(answer);
  const found = answer.kind === 'records' ? answer.values.filter(isSpf) : [];
  if (found.length === 0) return missing("the relay's operator publishes it, once for all domains");
  const verdict = judgeSpf(found, hostname, bounceDomain, undefined);
  if (verdict) return { found, verdict };
  const hosts = await Promise.all([ask(hostname, 'A'), ask(hostname, 'AAAA')]);
  const unknown = hosts.find((host) => host.kind === 'unknown');
  if (unknown?.kind === 'unknown') return unanswered(unknown);
  const addresses = hosts.flatMap((host) => (host.kind === 'records' ? host.values : []));
  return { found, verdict: judgeSpf(found, hostname, bounceDomain, addresses) ?? FINE };
}

/** RFC 7489 section 6.6.3: a subdomain without a record has its parent's. Which parent is not known, so all are asked. */
async function lookForDmarc(domain: string, record: DomainRecord, ask: AskDns): Promise<Look> {
  for (const name of [domain, ...parentsOf(domain)]) {
    const answer = await ask(`_dmarc.${name}`, 'TXT');
    if (answer.kind === 'unknown') return unanswered(answer);
    const found = answer.kind === 'records' ? answer.values.filter(isDmarc) : [];
    if (found.length > 0) return { found, verdict: judgeDmarc(found) };
  }
  return missing(`publish it, with an address of yours behind rua=, once ${record.name} is yours to set`);
}

function parentsOf(domain: string): readonly string[] {
  const labels = domain.split('.');
  const parents = labels.map((_, index) => labels.slice(index).join('.')).slice(1, -1);
  return parents.slice(-DMARC_PARENTS_MAX);
}

function missing(todo: string): Look {
  return { found: [], verdict: { status: 'missing', todo } };
}

function unanswered({ why }: Extract<DnsAnswer, { kind: 'unknown' }>): Look {
  const todo = `DNS did not answer (${why}), which says nothing of the record: try again in a moment`;
  return { found: [], verdict: { status: 'unknown', todo } };
}

function printable(text: string): string {
  const clean = text.replace(/[^\x20-\x7e]/g, '?');
  return clean.length > FOUND_CHARACTERS_MAX ? `${clean.slice(0, FOUND_CHARACTERS_MAX)}...` : clean;
}
