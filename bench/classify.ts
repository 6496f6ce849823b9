/**
 * How many refusals are classified in a second on one core: `node --run bench:classify`, by hand, after a build.
 *
 * Takes the samples of the rules themselves, as they are and with the words that servers put around them. Counts the
 * time of the processor, so that it holds on a machine that does other work as well. Fails under 20,000.
 */
import { join } from 'node:path';

const GOAL_A_SECOND = 20_000;
const ROUNDS = 200_000;
const DIST = join(import.meta.dirname, '../dist/bounces/classify');

interface Opened {
  readonly openClassifier: () => { classify(facts: { text: string }): { category: string } };
}
interface Read {
  readonly readOwnRules: () => { rules: { sample?: string[] }[] }[];
}

const { openClassifier } = (await import(join(DIST, 'open-classifier.js'))) as Opened;
const { readOwnRules } = (await import(join(DIST, 'matching/read-rules.js'))) as Read;

const samples = readOwnRules().flatMap(({ rules }) => rules.flatMap(({ sample = [] }) => sample));
const texts = samples.flatMap((text) => [
  text,
  `host mx.example.net[203.0.113.7] said: ${text} (in reply to RCPT TO command)`,
]);
const classifier = openClassifier();
const classifyAll = (rounds: number) => {
  for (let i = 0; i < rounds; i++) classifier.classify({ text: texts[i % texts.length] ?? '' });
};
classifyAll(ROUNDS / 10);
const before = process.cpuUsage();
classifyAll(ROUNDS);
const { user, system } = process.cpuUsage(before);
const aSecond = Math.round(ROUNDS / ((user + system) / 1e6));
process.stdout.write(`${texts.length} texts, ${ROUNDS} times: ${aSecond} classifications a second of one core\n`);
if (aSecond < GOAL_A_SECOND) process.exitCode = 1;
