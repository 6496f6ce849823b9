/** `./posthorn explain --mail FILE...`: what each mail that came back says, a line of JSON for each file. No Redis needed. */
import { readFile } from 'node:fs/promises';
import type { Classifier } from '../bounces/classifier.js';
import { readReturnedMail } from '../bounces/read-returned-mail.js';
import { isHard, type ReturnedMail } from '../bounces/returned-mail.js';

/** @returns the exit code: 1 where a file could not be read; all others are explained nevertheless */
export async function explainMail(files: readonly string[], classifier: Classifier): Promise<number> {
  let unread = 0;
  for (const file of files) {
    try {
      const mail = readReturnedMail(await readFile(file), classifier);
      process.stdout.write(`${JSON.stringify(mailLine(file, mail))}\n`);
    } catch (error) {
      if (!isFileError(error)) throw error;
      unread++;
      process.stderr.write(`posthorn: ${file} cannot be read: ${error.message}\n`);
    }
  }
  return unread === 0 ? 0 : 1;
}

/** The line of a mail, its file as it was given. */
export function mailLine(file: string, { kind, recipients, feedbackType, report }: ReturnedMail): object {
  return {
    file,
    isBounce: kind === 'bounce',
    kind,
    recipients: recipients.map(({ address, action, status, code, mx, diagnostic, classification }) => ({
      address,
      action,
      status: status ?? null,
      code: code ?? null,
      // Of complaints and deliveries nobody asks whether the address is dead.
      hard: kind === 'bounce' || kind === 'delayed' ? (isHard(classification) ?? null) : null,
      category: kind === 'bounce' || kind === 'delayed' ? classification.category : null,
      mx,
      diagnostic,
      rule: classification.rule,
    })),
    feedbackType,
    report,
  };
}

function isFileError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'code' in error && typeof error.code === 'string';
}
