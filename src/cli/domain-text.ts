/** Sending domains as `./posthorn domain` prints them: records as lines of a zone, and what DNS shows of each. */
import { shown } from './api-client.js';

export interface DomainRecordView {
  readonly purpose: string;
  readonly type: string;
  readonly name: string;
  readonly value: string;
  readonly required: boolean;
  readonly explanation: string;
  /** These three only where DNS was asked. */
  readonly status?: string;
  readonly found?: readonly string[];
  readonly todo?: string;
}

export interface DomainView {
  readonly name: string;
  readonly state: string;
  readonly verifiedBy?: string;
  readonly addedAt: string;
  readonly records?: readonly DomainRecordView[];
}

/** What a state means for whoever reads it; nothing where there is nothing to do. */
const ADVICE: Readonly<Record<string, string>> = {
  pending:
    'It may be sent from as soon as DNS shows the DKIM key: publish the records. DNS is asked on its own, and by',
  failing:
    'DNS no longer shows the DKIM key: mail is still taken for 72 hours after it was missed. Publish it, and run',
  unverified: 'DNS has not shown the DKIM key for too long, and mail is refused. Publish it, and run',
};
/** Before the records that no mail needs. */
const FOR_PROGRAMS =
  'Optional, so that mail programs need only address and password. Not where the people of this domain have their mail elsewhere:';
/** RFC 1035 section 3.3.14: octets of one string. */
const STRING_OCTETS = 255;

/** One line: name, state, and who says so. */
export function domainLine({ name, state, verifiedBy }: DomainView): string {
  const by = verifiedBy === undefined ? '' : ` (by the ${verifiedBy === 'dns' ? 'DNS' : verifiedBy})`;
  return `${shown(`${name}  ${state}${by}`)}\n`;
}

/** The domain and the records to publish; with what DNS shows of each, where it was asked. */
export function domainText(domain: DomainView): string {
  const records = domain.records ?? [];
  const forMail = records.filter(({ purpose }) => purpose !== 'mail_program');
  const forPrograms = records.filter(({ purpose }) => purpose === 'mail_program');
  const advice = ADVICE[domain.state];
  return [
    domainLine(domain),
    ...(forMail.length > 0 ? ['\nPublish in DNS:\n', ...forMail.map(recordText)] : []),
    ...(forPrograms.length > 0 ? [`\n${FOR_PROGRAMS}\n\n`, ...forPrograms.map(shortText)] : []),
    ...(advice === undefined ? [] : [`\n${advice} ./posthorn domain verify ${shown(domain.name)}\n`]),
  ].join('');
}

function recordText(record: DomainRecordView): string {
  const about = `${record.purpose}${record.required ? '' : ' (optional)'}: ${record.explanation}`;
  const status = record.status === 'ok' ? 'ok' : record.status?.toUpperCase();
  return linesText(['', `  ; ${shown(about)}`, zoneLine(record), ...statusLines(record, status)]);
}

/** Without its explanation, and without a word of blame where it is not published. */
function shortText(record: DomainRecordView): string {
  if (record.status === 'missing') return linesText([zoneLine(record), '    not published']);
  const status = record.status === 'wrong' ? 'another' : record.status;
  return linesText([zoneLine(record), ...statusLines(record, status)]);
}

/** What DNS shows; nothing where it was not asked. */
function statusLines({ status, found = [], todo }: DomainRecordView, words: string | undefined): readonly string[] {
  if (status === undefined || words === undefined) return [];
  return [
    `    ${words}`,
    // What is right need not be shown twice.
    ...(status === 'ok' && todo === undefined ? [] : found.map((text) => `    found: ${text}`)),
    ...(todo === undefined ? [] : [`    to do: ${shown(todo)}`]),
  ];
}

function linesText(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('');
}

function zoneLine({ type, name, value }: DomainRecordView): string {
  return `  ${shown(name)}. ${shown(type)} ${zoneText(type, value)}`;
}

/** As a zone file wants it. */
function zoneText(type: string, value: string): string {
  if (type !== 'TXT') return `${shown(value)}.`;
  return (value.match(new RegExp(`.{1,${STRING_OCTETS}}`, 'g')) ?? []).map((part) => `"${part}"`).join(' ');
}
