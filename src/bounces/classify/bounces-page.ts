/** The page for senders about refusals: docs/bounces.md, from the classes and the rules. */
import { CATEGORY_FACTS, type CategoryFacts } from '../../mail/categories.js';
import { CATEGORIES, type Category } from '../../mail/classification.js';
import { findingOfRule } from './matching/compile-rules.js';
import { readOwnRules, type NamedRules } from './matching/read-rules.js';
import type { Rule } from './matching/rule-schema.js';
import {
  endOf,
  isCounted,
  MAILBOX_FULL_AFTER,
  MAILBOX_FULL_WITHIN_MS,
  UNDETERMINED_WITHIN_MS,
} from '../suppression/suppression-policy.js';

const AGAIN = 'Tries again after a 4yz until the message expires; a 5yz ends it at once.';
const DAY_MS = 86_400_000;
const SAMPLES_OF_A_CLASS_MAX = 6;

const HEAD = `# What a refusal means, and what to do

A server that does not take a message says so with a code, often with an enhanced status code, and with words. Posthorn makes one of ${CATEGORIES.length}
classes of it. The class stands in every event and report, with what happened and what to do about it. \`npm run docs\` writes this page
from the rules (\`src/bounces/classify/rules/\`) and the classes (\`src/mail/categories.ts\`).

Ask for any reply: \`./posthorn explain '550 5.1.1 user unknown'\`.

- **hard**: the address is dead. It is suppressed at once: mail to it is held back, for as long as the table says.
- **soft**: it may work later.
- **undetermined**: it says nothing of the address, which is not suppressed at once.

The code decides by itself whether a message is tried again: after a 4yz it is, after a 5yz it is not. So a reply that begins with 4 never
makes an address hard. \`retry\` in a classification is advice: whether sending it again makes sense. The words decide the class, in this order: the rules of the operator (\`POSTHORN_BOUNCE_RULES\`), those of the provider
that spoke, the words, the enhanced status code, the code. What a server only quotes (addresses, links, host names) does not count as its words.
Where a text blames both us and the address, it is not held against the address.
`;

interface CodeSection {
  readonly title: string;
  readonly words: string;
  readonly matches: (sample: string) => boolean;
}

const hasCode = (code: string) => (sample: string) => sample.startsWith(code);

const CODES: readonly CodeSection[] = [
  {
    title: '550',
    words:
      'Alone it says only "no". Most often the mailbox does not exist, but a server gives it as well for a block list, for spam, for SPF and DMARC, or where it does not relay. Posthorn calls the address unknown only where the words or the enhanced status code do. A 550 without either is `unclassified`, and nothing is suppressed at once.',
    matches: hasCode('550'),
  },
  {
    title: '552',
    words:
      'RFC 5321 means a mailbox that is full; most servers mean a message that is too large; some mean a forbidden attachment, a virus, or too many recipients. Posthorn goes by the words, then by x.2.2 (full) or x.3.4 and x.2.3 (too large), and last by where it was said: an answer to RCPT is about the mailbox, one to DATA about the message.',
    matches: hasCode('552'),
  },
  {
    title: '554',
    words:
      'Any failure without a code of its own: a block list (often the greeting itself), spam, policy, a loop, a fault of the server, now and then a mailbox that does not exist. Names of block lists and words about our IP address come first; without known words it is `unclassified`.',
    matches: hasCode('554'),
  },
  {
    title: '451',
    words:
      'Greylisting, or trouble at the server: its disk, its DNS, a filter that does not answer. Words that ask us to come back in some minutes are greylisting; without words it is a fault of the other system. Both are tried again.',
    matches: hasCode('451'),
  },
  {
    title: '5.7.1',
    words:
      'Not delivered for a reason of security or policy, which is nearly anything: relaying refused, a block list, spam, DMARC, a sender who may not write to a group. Posthorn calls it `relay_denied` only where the words speak of relaying; without known words it is `policy_rejected`.',
    matches: (sample) => /[45]\.7\.1\b/.test(sample),
  },
];

interface KnownSample {
  readonly text: string;
  readonly category: Category;
  readonly rule: string;
}

export function bouncesPage(): string {
  const samples = readOwnRules().flatMap(samplesOf);
  const codes = CODES.map((section) => codeSection(section, samples));
  const classes = CATEGORIES.map((category) => classSection(category, samples));
  return [
    HEAD,
    overview(),
    `## The classes\n\n${classes.join('\n')}`,
    `## The codes that mean many things\n\n${codes.join('\n')}`,
  ].join('\n');
}

/** One line a class: what is to be known at a glance. */
function overview(): string {
  const rows = CATEGORIES.map((category) => {
    const { type, fault, suppress } = CATEGORY_FACTS[category];
    const what = suppress ? `at once, ${lastsFor(category)}` : suppressedAfter(category);
    return `| [\`${category}\`](#${category}) | ${type} | ${fault} | ${what} |\n`;
  });
  const head = '| class | type | whose fault | suppresses the address |\n| --- | --- | --- | --- |\n';
  return `## At a glance\n\n${table(head, rows)}\nHow to see and lift suppressions: [suppressions.md](suppressions.md).\n`;
}

function lastsFor(category: Category): string {
  const end = endOf(category, 0);
  return end === undefined ? 'until somebody lifts it' : `for ${end / DAY_MS} days`;
}

function suppressedAfter(category: Category): string {
  if (category === 'mailbox_full') {
    return `after ${MAILBOX_FULL_AFTER} within ${MAILBOX_FULL_WITHIN_MS / DAY_MS} days, ${lastsFor(category)}`;
  }
  if (!isCounted(category)) return 'never';
  const which = category === 'expired' ? 'whose last reply was about the recipient, ' : '';
  return `after as many as the account says within ${UNDETERMINED_WITHIN_MS / DAY_MS} days, ${which}${lastsFor(category)}`;
}

function samplesOf({ rules }: NamedRules): KnownSample[] {
  return rules.flatMap((rule: Rule) =>
    (rule.sample ?? []).map((text) => ({ text, category: findingOfRule(rule).category, rule: rule.id })),
  );
}

function codeSection({ title, words, matches }: CodeSection, samples: readonly KnownSample[]): string {
  const matching = samples.filter(({ text }) => matches(text));
  const rows = CATEGORIES.flatMap((category) =>
    // One of each shows how far apart the meanings are.
    matching.filter((sample) => sample.category === category).slice(0, 1),
  ).map(({ text, category }) => `| ${cell(text)} | [\`${category}\`](#${category}) |\n`);
  return `### ${title}\n\n${words}\n\n${table('| reply | class |\n| --- | --- |\n', rows)}`;
}

function classSection(category: Category, samples: readonly KnownSample[]): string {
  const facts = CATEGORY_FACTS[category];
  const rows = samples
    .filter((sample) => sample.category === category)
    .slice(0, SAMPLES_OF_A_CLASS_MAX)
    .map(({ text, rule }) => `| ${cell(text)} | \`${rule}\` |\n`);
  const known = rows.length > 0 ? `\n${table('| such as | rule |\n| --- | --- |\n', rows)}` : '';
  return [
    `### ${category}`,
    '',
    `${facts.explanation}`,
    '',
    `- What to do: ${facts.todo}`,
    `- What Posthorn does: ${whatPosthornDoes(category, facts)}`,
    `- Type: ${facts.type}. Fault: ${facts.fault}.`,
    known,
  ].join('\n');
}

function whatPosthornDoes(category: Category, { suppress }: CategoryFacts): string {
  if (suppress) return `${AGAIN} Only a 5yz suppresses the address: at once, ${lastsFor(category)}.`;
  const tries = category === 'expired' ? 'Has tried until the time was over.' : AGAIN;
  if (category !== 'mailbox_full' && !isCounted(category)) {
    return `${tries} Never suppresses the address: it may be fine.`;
  }
  return `${tries} Suppresses the address ${suppressedAfter(category)}.`;
}

function table(head: string, rows: readonly string[]): string {
  return `<!-- prettier-ignore-start -->\n${head}${rows.join('')}<!-- prettier-ignore-end -->\n`;
}

function cell(text: string): string {
  return `\`${text.replaceAll('|', '\\|').replaceAll('`', "'")}\``;
}
