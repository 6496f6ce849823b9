/** Makes recipients of what was read: one per address, with the words that say most. */
import { domainOf, findAddresses, firstAddress, localPartOf } from '../address-finder.js';
import { isDialogue, lastRefusal, refusalsIn, verdictsIn, type Refusal } from './dialogue.js';
import type { ProseRecipient, ReportText } from './prose.js';
import { hasReply, recipientOf } from './reply-words.js';

const RECIPIENTS_MAX = 500;

interface Said {
  readonly address: string;
  readonly words: string;
}

/** One recipient per address; the first words that quote a reply win, else the first words at all. */
export function recipientsOf(said: readonly Said[], { lines }: ReportText): ProseRecipient[] {
  const byAddress = new Map<string, Said>();
  for (const one of said) {
    const key = one.address.toLowerCase();
    const before = byAddress.get(key);
    if (before === undefined ? byAddress.size < RECIPIENTS_MAX : saysMore(one.words, before.words)) {
      byAddress.set(key, { address: before?.address ?? one.address, words: one.words });
    }
  }
  const dialogue = [...refusalsIn(lines), ...verdictsIn(lines)];
  return [...byAddress.values()].map(({ address, words }) =>
    recipientOf(
      address,
      wordsWithDialogue(
        address,
        words,
        dialogue,
        byAddress.size === 1 ? (lastRefusal(lines) ?? replyAnywhere(lines)) : undefined,
      ),
    ),
  );
}

/** Completes a local part that stands alone: from the fields of the mail, else with the reporting host's own domain. */
export function completeAddress(name: string, { header, original, from }: ReportText): string | undefined {
  if (name.includes('@')) return findAddresses(name)[0]?.address;
  const known = [
    ...findAddresses((header('x-failed-recipients') ?? '').slice(0, 5_000)).map(({ address }) => address),
    ...(original?.to ?? []),
  ];
  const same = known.find((address) => localPartOf(address).toLowerCase() === name.toLowerCase());
  if (same !== undefined) return same;
  const reporter = firstAddress(from);
  return reporter !== undefined && /^[\w.+=-]{1,64}$/.test(name) ? `${name}@${domainOf(reporter)}` : undefined;
}

/** A reply on a line of its own; of the only recipient, wherever it stands. */
function replyAnywhere(lines: readonly string[]): string | undefined {
  const first = lines.findIndex((line) => /^\s{0,8}[45]\d\d[ -](?:#?[45]\.\d{1,3}\.\d{1,3}|[A-Za-z<])/.test(line));
  return first === -1 ? undefined : paragraphAt(lines, first);
}

function paragraphAt(lines: readonly string[], first: number): string {
  const end = lines.findIndex((line, index) => index > first && line.trim() === '');
  return lines.slice(first, Math.min(first + 12, end === -1 ? lines.length : end)).join('\n');
}

function saysMore(words: string, before: string): boolean {
  if (before === '') return true;
  return hasReply(words) && !hasReply(before);
}

function wordsWithDialogue(
  address: string,
  words: string,
  dialogue: readonly Refusal[],
  alone: string | undefined,
): string {
  if (hasReply(words) && !isDialogue(words)) return words;
  const key = address.toLowerCase();
  const refusal =
    dialogue.find((one) => one.address.toLowerCase() === key) ??
    dialogue.find((one) => !one.address.includes('@') && localPartOf(key) === one.address.toLowerCase());
  const reply = refusal?.words ?? alone;
  if (reply === undefined) return words;
  return isDialogue(words) ? reply : `${reply}\n${words}`;
}
