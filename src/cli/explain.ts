/** `./posthorn explain`: what a refusal means, or a mail that came back. Needs no Redis and no running relay. */
import { resolve } from 'node:path';
import type { RefusalFacts } from '../bounces/classify/classifier.js';
import { openClassifierWith } from '../bounces/classify/open-classifier.js';
import type { RuleClassifier } from '../bounces/classify/rule-classifier.js';
import { processBounceRules } from '../config/process-settings.js';
import { inWords } from '../mail/categories.js';
import { DIALOGUE_STAGES } from '../mail/classification.js';
import type { Command } from './command.js';
import { EXIT_DONE, EXIT_USAGE, readCommandLine, usageError } from './command-line.js';
import { findingJson, isStage } from './finding-json.js';

const HELP = `usage: ./posthorn explain 'REPLY' [--mx HOST] [--stage STAGE] [--json]
       ./posthorn explain --jsonl < LINES
       ./posthorn explain --mail FILE...

Says what a refusal means: its class, whether the address is dead, whether to try again, whose fault it is, what to do.

  --mx HOST      the host that refused; with it a provider's own rules are found also where the words do not name him
  --stage STAGE  what it answered: ${DIALOGUE_STAGES.join(', ')}
  --json         as JSON
  --jsonl        read lines {"id","reply"} from standard input, which may also have "text", "mx" and "stage"; print a line
                 {"id","category","hard","retry",...} for each, or {"id","line","error"}; empty lines are skipped
  --mail         the operands are files of mails that came back, - for standard input; print a line of JSON for each
  --rules FILE   rules that go before those of Posthorn (default: POSTHORN_BOUNCE_RULES)

"hard" is true, false, or null where no rule knows the words. Exit codes: 0 done, 1 a line or a file could not be read, 2 bad usage.
`;

export const explainCommand: Command = {
  name: 'explain',
  summary: 'say what a refusal, or a mail that came back, means',
  help: HELP,
  run,
};

async function run(argv: readonly string[]): Promise<number> {
  const line = readCommandLine(explainCommand, withOperands(argv), {
    mx: { type: 'string' },
    stage: { type: 'string' },
    rules: { type: 'string' },
    json: { type: 'boolean' },
    jsonl: { type: 'boolean' },
    mail: { type: 'string', multiple: true },
    reply: { type: 'string', multiple: true },
  });
  if (line.kind === 'over') return line.exitCode;
  const { values } = line;
  const { mx, stage, mail, reply = [] } = values;
  if (stage !== undefined && !isStage(stage)) {
    return usageError(explainCommand, `--stage "${stage}" is none of ${DIALOGUE_STAGES.join(', ')}`);
  }
  const given = [values.jsonl === true, mail !== undefined, reply.length > 0].filter(Boolean).length;
  if (given !== 1) return usageError(explainCommand, 'give one of: a reply, --jsonl, --mail FILE...');
  if (mail?.length === 1 && mail[0] === '') return usageError(explainCommand, '--mail needs a FILE');
  const idle = idleOption(values);
  if (idle !== undefined) return usageError(explainCommand, idle);
  if (reply.length > 0 && !isRefusal(reply.join(' '))) {
    return usageError(
      explainCommand,
      `this is no refusal: give what the server said, such as '550 5.1.1 user unknown'`,
    );
  }
  const classifier = open(values.rules);
  if (!classifier) return EXIT_USAGE;
  if (values.jsonl === true) return (await import('./explain-lines.js')).explainLines(classifier, process.stdin);
  if (mail !== undefined) return (await import('./explain-mail.js')).explainMail(mail, classifier);
  explainReply(classifier, { text: reply.join(' '), mx, stage }, values.json === true);
  return EXIT_DONE;
}

/** What says nothing beside another option must not look as if it did. */
function idleOption({ jsonl, json, mail, mx, stage }: Options): string | undefined {
  if (jsonl === true && json === true) return '--jsonl prints JSON by itself: leave --json out';
  if (mx === undefined && stage === undefined) return undefined;
  if (jsonl === true) return '--jsonl reads "mx" and "stage" in each line: leave --mx and --stage out';
  return mail === undefined ? undefined : '--mail reads hosts and stages in the mail: leave --mx and --stage out';
}

interface Options {
  readonly jsonl?: boolean | undefined;
  readonly json?: boolean | undefined;
  readonly mail?: readonly string[] | undefined;
  readonly mx?: string | undefined;
  readonly stage?: string | undefined;
}

/** RFC 5321 section 4.2.1: 2yz and 3yz refuse nothing. Words without a code are somebody's telling of a refusal. */
function isRefusal(text: string): boolean {
  return text.trim() !== '' && !/^\s*(?:[23]\d\d(?:[ -]|$)|2\.\d{1,3}\.\d{1,3}(?:\s|$))/.test(text);
}

/**
 * What stands without an option belongs to `--mail` where that is given, else it is the reply. `explain 550 5.1.1 unknown`,
 * without quotes, is understood too.
 */
function withOperands(argv: readonly string[]): string[] {
  const operandsOf = argv.includes('--mail') ? '--mail' : '--reply';
  const read: string[] = [];
  let operands = 0;
  let optionsEnd = false;
  for (let i = 0; i < argv.length; i++) {
    const argument = argv[i] ?? '';
    if (!optionsEnd && ['--mx', '--stage', '--rules'].includes(argument)) {
      read.push(...argv.slice(i, i + 2));
      i++;
    } else if (!optionsEnd && argument === '--') optionsEnd = true;
    else if (!optionsEnd && argument === '--mail') continue;
    else if (!optionsEnd && argument.startsWith('--')) read.push(argument);
    else {
      operands++;
      read.push(`${operandsOf}=${argument}`);
    }
  }
  if (operandsOf === '--mail' && operands === 0) read.push('--mail=');
  return read;
}

/** Says what is wrong with the file of rules, where something is. */
function open(file = processBounceRules()): RuleClassifier | undefined {
  const path = file === undefined || file === '' ? undefined : resolve(file);
  const opening = openClassifierWith(path);
  if (opening.kind === 'open') return opening.classifier;
  process.stderr.write(`posthorn explain: the rules of bounces are faulty\n${opening.faults.join('\n')}\n`);
  return undefined;
}

function explainReply(classifier: RuleClassifier, facts: RefusalFacts, asJson: boolean): void {
  const finding = classifier.classify(facts);
  if (asJson) {
    process.stdout.write(`${JSON.stringify(findingJson(finding), undefined, 2)}\n`);
    return;
  }
  const { category, type, retry, suppress, fault, explanation, todo, rule } = inWords(finding);
  const rows = [
    ['class', category],
    ['type', type],
    ['retry', retry ? 'yes' : 'no'],
    ['suppress', suppress ? 'yes, at once' : 'no'],
    ['fault', fault],
    ['meaning', explanation],
    ['to do', todo],
    ['rule', rule],
  ];
  process.stdout.write(rows.map(([name = '', value = '']) => `${name.padEnd(9)} ${value}\n`).join(''));
}
