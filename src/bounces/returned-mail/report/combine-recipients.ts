/**
 * Makes one list of recipients out of what a report for programs says and what its words for people say. The report wins
 * where it says something; its empty phrases (5.0.0, "delivery failed") give way to words that know more.
 */
import type { DialogueStage } from '../../../mail/classification.js';
import type { ProseRecipient, ProseReport } from '../prose/prose.js';
import { codesOf } from '../prose/reply-words.js';
import type { ReturnedKind, ReturnedRecipient } from '../returned-mail.js';
import { enhancedIn, isVague } from './enhanced-code.js';
import type { StatusRecipient } from './delivery-status.js';
import type { MailFacts } from './mail-facts.js';

export interface FoundRecipient {
  readonly address: string;
  readonly final?: string;
  readonly action?: ReturnedRecipient['action'];
  readonly status?: string;
  readonly code?: number;
  readonly diagnostic: string;
  readonly mx?: string;
  /** Where in the dialogue it was refused, where the words tell. */
  readonly stage?: DialogueStage;
  /** Other words of the report on him, for where the diagnostic lets nothing be known; the best first. */
  readonly otherWords?: readonly string[];
}

type Action = NonNullable<FoundRecipient['action']>;

export function combineRecipients(
  statuses: readonly StatusRecipient[],
  prose: ProseReport | undefined,
  facts: MailFacts,
): { kind: ReturnedKind; recipients: FoundRecipient[] } {
  const found = statuses.map((status) =>
    combined(status, wordsFor(status, statuses, prose), facts, statuses.length === 1),
  );
  const list = found.length > 0 ? found : fromProse(prose, facts);
  const actions = new Set(list.map(({ action }) => action));
  if (actions.has('failed')) {
    return {
      kind: 'bounce',
      recipients: distinct(list.filter(({ action }) => action === 'failed' || action === 'delayed')),
    };
  }
  if (actions.has('delayed')) return { kind: 'delayed', recipients: distinct(list) };
  if (list.length > 0) return { kind: 'delivered', recipients: distinct(list) };
  return { kind: prose?.kind ?? 'other', recipients: [] };
}

/** What the words for people say of the same recipient; of the only one, whatever they call him. */
function wordsFor(
  status: StatusRecipient,
  all: readonly StatusRecipient[],
  prose: ProseReport | undefined,
): ProseRecipient | undefined {
  const names = [status.address, status.originally].map((one) => one?.toLowerCase());
  const same = prose?.recipients.find(({ address }) => names.includes(address.toLowerCase()));
  return same ?? (all.length === 1 && prose?.recipients.length === 1 ? prose.recipients[0] : undefined);
}

function combined(
  status: StatusRecipient,
  prose: ProseRecipient | undefined,
  facts: MailFacts,
  alone: boolean,
): FoundRecipient {
  const useless = isEmptyPhrase(status.diagnostic);
  const diagnostic = useless && prose?.diagnostic ? prose.diagnostic : status.diagnostic || facts.words.trim();
  const enhanced = mostSpecific([status.status, enhancedIn(status.diagnostic), prose?.status]);
  const code = status.code ?? prose?.code ?? codesOf(diagnostic).code;
  const mx = status.mx ?? prose?.mx;
  return {
    address: addressOf(status, prose, facts),
    ...(status.final !== undefined && { final: status.final }),
    action: actionOf(status, enhanced, prose),
    ...(enhanced !== undefined && { status: enhanced }),
    ...(code !== undefined && { code }),
    diagnostic,
    ...(mx !== undefined && { mx }),
    ...(prose?.stage !== undefined && { stage: prose.stage }),
    otherWords: [
      ...(prose ? [prose.diagnostic] : []),
      status.diagnostic,
      ...(alone ? [withoutFrame(facts.words)] : []),
    ].filter((words) => words !== '' && words !== diagnostic),
  };
}

function addressOf(status: StatusRecipient, prose: ProseRecipient | undefined, { original }: MailFacts): string {
  const named = status.address ?? '';
  if (named.includes('@')) return named;
  const to = original?.to ?? [];
  // A user of the reporting host, without its domain: whom of ours does it mean?
  const known = named === '' ? undefined : to.find((one) => one.toLowerCase().startsWith(`${named.toLowerCase()}@`));
  return known ?? prose?.address ?? (to.length === 1 ? (to[0] ?? named) : named);
}

function actionOf(status: StatusRecipient, enhanced: string | undefined, prose: ProseRecipient | undefined): Action {
  if (status.action !== undefined) return status.action;
  if (prose?.action !== undefined) return prose.action;
  return enhanced?.startsWith('2') ? 'delivered' : 'failed';
}

function fromProse(prose: ProseReport | undefined, facts: MailFacts): FoundRecipient[] {
  if (!prose) return [];
  const action: Action = prose.kind === 'bounce' ? 'failed' : prose.kind;
  const recipients = prose.recipients.map((one) => ({
    action,
    ...one,
    ...(prose.recipients.length === 1 && { otherWords: [withoutFrame(facts.words)] }),
  }));
  if (recipients.length > 0) return recipients;
  // The words name nobody: the message that came back says to whom it went.
  const to = facts.original?.to ?? [];
  const diagnostic = facts.words.trim();
  const status = enhancedIn(diagnostic);
  const code = codesOf(diagnostic).code;
  return (to.length > 0 ? to.slice(0, 1) : ['']).map((address) => ({
    address,
    action,
    ...(status !== undefined && { status }),
    ...(code !== undefined && { code }),
    diagnostic,
  }));
}

/** What qmail and its kin say in every report is no reason. */
function withoutFrame(words: string): string {
  return words.replace(/This is a permanent error; I've given up\.|Sorry it didn't work out\./gi, '');
}

function mostSpecific(codes: readonly (string | undefined)[]): string | undefined {
  const known = codes.filter((code) => code !== undefined);
  return known.find((code) => !isVague(code)) ?? known[0];
}

/** Words that say that it failed and not why. */
function isEmptyPhrase(diagnostic: string): boolean {
  const rest = diagnostic
    .toLowerCase()
    .replace(/[245]\.\d{1,3}\.\d{1,3}|\b\d{3}\b|[^a-z]+/g, ' ')
    .trim();
  return rest.length < 4 || EMPTY_PHRASE.test(rest);
}

const EMPTY_PHRASE =
  /^(?:(?:the )?(?:mail|message|delivery|transaction|unknown|other|undefined|permanent|temporary|error|failure|failed|status|smtp|server|undeliverable|not delivered|fatal|reason|perm|fail|host|remote) ?)+$/;

/** A recipient that is named twice counts once, with the entry that knows more. */
function distinct(list: readonly FoundRecipient[]): FoundRecipient[] {
  const byAddress = new Map<string, FoundRecipient>();
  for (const one of list) {
    const key = one.address.toLowerCase();
    const known = byAddress.get(key);
    if (!known || (known.diagnostic === '' && one.diagnostic !== '')) byAddress.set(key, one);
  }
  if (byAddress.size > 1) byAddress.delete('');
  return [...byAddress.values()];
}
