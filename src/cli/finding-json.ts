/** A finding as the command line prints it. */
import { isHard } from '../bounces/returned-mail/returned-mail.js';
import { inWords } from '../mail/categories.js';
import { DIALOGUE_STAGES, type DialogueStage, type Finding } from '../mail/classification.js';

/** What `explain --json` and `--jsonl` print. */
export function findingJson(finding: Finding): Record<string, unknown> {
  const { category, type, retry, suppress, fault, explanation, todo, rule } = inWords(finding);
  return { category, hard: isHard(finding) ?? null, type, retry, suppress, fault, explanation, todo, rule };
}

export function isStage(text: string): text is DialogueStage {
  return (DIALOGUE_STAGES as readonly string[]).includes(text);
}
