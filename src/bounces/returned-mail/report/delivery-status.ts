/** Reads delivery status reports, RFC 3464 and RFC 6533, as they should be and as they come. */
import { reportFields, type ReportField } from './report-fields.js';
import type { ReturnedRecipient } from '../returned-mail.js';
import { addressIn, typedValue } from './report-address.js';
import { codesOf } from '../prose/reply-words.js';
import { enhancedIn } from './enhanced-code.js';

type Action = NonNullable<ReturnedRecipient['action']>;

/** What a report says of a recipient. */
export interface StatusRecipient {
  /** Final-Recipient, or what stands in its place. */
  readonly address?: string;
  /** Original-Recipient: what the mail was sent to. */
  readonly originally?: string;
  /** Where it came to in the end, where that is another than `address`. */
  readonly final?: string;
  readonly action?: Action;
  /** The Status field as it is. */
  readonly status?: string;
  /** Of the diagnostic. */
  readonly code?: number;
  readonly diagnostic: string;
  readonly mx?: string;
}

/** Of one mail: it is an answer to one transaction. */
export const RECIPIENTS_MAX = 1_000;
const RECIPIENT_FIELDS: ReadonlySet<string> = new Set(['final-recipient', 'original-recipient']);
const OWN_FIELDS: ReadonlySet<string> = new Set([
  ...RECIPIENT_FIELDS,
  'x-actual-recipient',
  'action',
  'status',
  'remote-mta',
  'diagnostic-code',
]);

/** The recipients of a report in the order in which it names them. */
export function readDeliveryStatus(text: string): StatusRecipient[] {
  const groups: Map<string, string>[] = [];
  let group: Map<string, string> | undefined;
  let blank = false;
  for (const field of reportFields(text)) {
    blank ||= field.afterBlank;
    if (!OWN_FIELDS.has(field.name)) continue;
    if (!group || beginsAnother(group, field, blank)) {
      if (groups.length === RECIPIENTS_MAX) break;
      group = new Map();
      groups.push(group);
    }
    blank = false;
    const known = group.get(field.name);
    if (known === undefined) group.set(field.name, field.value);
    else if (field.name === 'diagnostic-code') group.set(field.name, `${known} ${field.value}`);
  }
  return groups
    .map(recipientOf)
    .filter((one) => one.address !== undefined || one.action !== undefined || one.diagnostic !== '');
}

/** Empty lines part recipients, but they may be missing, or stand where they should not. */
function beginsAnother(group: ReadonlyMap<string, string>, { name }: ReportField, blank: boolean): boolean {
  if (RECIPIENT_FIELDS.has(name))
    return group.has(name) || (blank && [...RECIPIENT_FIELDS].some((one) => group.has(one)));
  return blank && (name === 'action' || name === 'status') && group.has(name);
}

function recipientOf(group: ReadonlyMap<string, string>): StatusRecipient {
  const final = addressIn(group.get('final-recipient') ?? '');
  const originally = addressIn(group.get('original-recipient') ?? '');
  const actual = addressIn(group.get('x-actual-recipient') ?? '');
  const diagnostic = quotedReply(
    typedValue((group.get('diagnostic-code') ?? '').replace(/[\s\x00-\x1f]+/g, ' ')).value,
  );
  const status = enhancedIn(group.get('status') ?? '') ?? looseStatus(group.get('status') ?? '');
  const remote = /[^\s"<>()]+/.exec(typedValue(group.get('remote-mta') ?? '').value)?.[0] ?? '';
  const action = readAction(group.get('action') ?? '');
  const { code } = codesOf(diagnostic);
  const address = [originally, final, actual].find((one) => one?.includes('@')) ?? originally ?? final;
  // Sendmail writes into Final-Recipient what it was given, and beside it what an alias made of that.
  const last = actual?.includes('@') ? actual : final;
  const isOther = last !== undefined && last !== '' && last.toLowerCase() !== address?.toLowerCase();
  return {
    ...(address !== undefined && { address }),
    ...(isOther && { final: last }),
    ...(originally !== undefined && { originally }),
    ...(action !== undefined && { action }),
    ...(status !== undefined && { status }),
    ...(code !== undefined && { code }),
    diagnostic,
    ...(remote !== '' && remote.length <= 255 && { mx: remote }),
  };
}

/** `5.1.0 - Unknown address error 550-'5.7.1 Access denied'`: what the server said is in the quotes; the rest is a guess. */
function quotedReply(diagnostic: string): string {
  const [, code, words] = /^[245]\.\d\.\d{1,3} - [^']{0,80}?\b([245]\d\d)[- ]'([^]{8,})'/.exec(diagnostic) ?? [];
  return code === undefined || words === undefined ? diagnostic : `${code} ${words}`;
}

/** `5.1` and `511`, which some write for 5.1.0 and 5.1.1. */
function looseStatus(value: string): string | undefined {
  const [, a, b, c = '0'] = /^\s*([245])\.?(\d)(?:\.?(\d))?\b/.exec(value) ?? [];
  return a === undefined || b === undefined ? undefined : `${a}.${b}.${c}`;
}

/** RFC 3464 section 2.3.3, with the words that some write in place of its five. */
function readAction(value: string): Action | undefined {
  const word = value.trim().toLowerCase();
  if (/^(?:fail|undeliver|bounce|error|reject|expired|perm|hard)/.test(word)) return 'failed';
  if (/^(?:delay|defer|warn|temp|transient|queued|retry|soft)/.test(word)) return 'delayed';
  if (word.startsWith('relay')) return 'relayed';
  if (/^(?:deliver|success|sent)/.test(word)) return 'delivered';
  return word.startsWith('expan') ? 'expanded' : undefined;
}
