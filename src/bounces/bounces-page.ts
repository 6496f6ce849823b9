/** The page for senders about refusals: docs/bounces.md, from the classes and the rules. */
import { CATEGORY_FACTS, type CategoryFacts } from '../mail/categories.js';
import { CATEGORIES, type Category } from '../mail/classification.js';
import { findingOfRule } from './matching/compile-rules.js';
import { readOwnRules, type NamedRules } from './matching/read-rules.js';
import type { Rule } from './matching/rule-schema.js';

const SAMPLES_OF_A_CLASS_MAX = 6;

const HEAD = `# What a refusal means, and what to do

A server that does not take a message says so with a code, often with an enhanced status code, and with words. Posthorn makes one of ${CATEGORIES.length}
classes of it. The class stands in every event and report, with what happened and what to do about it. \`npm run docs\` writes this page
from the rules (\`src/bounces/rules/\`) and the classes (\`src/mail/categories.ts\`).

Ask for any reply: \`./posthorn explain '550 5.1.1 user unknown'\`.

- **hard**: the address is dead. It is suppressed at once, and mail to it is held back until somebody lifts that.
- **soft**: it may work later.
- **undetermined**: it says nothing of the address, which is not suppressed at once.

The code decides by itself whether a message is tried again: after a 4yz it is, after a 5yz it is not. So a reply that begins with 4 never
makes an address hard. The words decide the class, in this order: the rules of the operator (\`POSTHORN_BOUNCE_RULES\`), those of the provider
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
      'Alone it says only "no". Most often the mailbox does not exist, but a server gives it as well for a block list, for spam, for SPF and DMARC, or where it does not relay. Posthorn calls the address unknown only where the words or the enhanced status code do. A 550 without either is `unclassified`, and nothing is suppressed.',
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
  return `${HEAD}\n## The codes that mean many things\n\n${codes.join('\n')}\n## The classes\n\n${classes.join('\n')}`;
}

function samplesOf({ rules }: NamedRules): KnownSample[] {
  return rules.flatMap((rule: Rule) =>
    (rule.sample ?? []).map((text) => ({ text, category: findingOfRule(rule).category, rule: rule.id })),
  );
}

function codeSection({ title, words, matches }: CodeSection, samples: readonly KnownSample[]): string {
  const rows = samples
    .filter(({ text }) => matches(text))
    .sort((a, b) => CATEGORIES.indexOf(a.category) - CATEGORIES.indexOf(b.category))
    .map(({ text, category }) => `| ${cell(text)} | [\`${category}\`](#${category}) |\n`);
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

function whatPosthornDoes(category: Category, { suppress, type, retry }: CategoryFacts): string {
  const again = 'Tries again after a 4yz until the message expires; a 5yz ends it at once.';
  if (suppress)
    return 'Suppresses the address at once, where the reply is a 5yz. A 4yz is tried again and suppresses nothing.';
  if (category === 'mailbox_full') return `${again} Suppresses the address after 3 such failures within 14 days.`;
  if (category === 'expired') return 'Has tried until the time was over. Suppresses nothing at once.';
  if (type === 'soft' && retry) return `${again} Suppresses nothing at once.`;
  return `${again} Suppresses nothing at once; an account may have the address suppressed after a number of such failures.`;
}

function table(head: string, rows: readonly string[]): string {
  return `<!-- prettier-ignore-start -->\n${head}${rows.join('')}<!-- prettier-ignore-end -->\n`;
}

function cell(text: string): string {
  return `\`${text.replaceAll('|', '\\|').replaceAll('`', "'")}\``;
}
