/** `./posthorn explain --mail FILE...`: what each mail that came back says, a line of JSON for each file. No Redis needed. */
import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import type { Classifier } from '../bounces/classify/classifier.js';
import { readReturnedMail } from '../bounces/returned-mail/read-returned-mail.js';
import { isHard, type ReturnedMail } from '../bounces/returned-mail/returned-mail.js';

/** More than any server lets through; a device may have no end. */
const MAIL_BYTES_MAX = 64 * 1024 * 1024;
const STANDARD_INPUT = '-';

/** @returns the exit code: 1 where a file could not be read; all others are explained nevertheless */
export async function explainMail(
  files: readonly string[],
  classifier: Classifier,
  standardInput: Readable = process.stdin,
): Promise<number> {
  let unread = 0;
  for (const file of files) {
    const read = await readMail(file === STANDARD_INPUT ? standardInput : createReadStream(file));
    if (read.kind === 'failed') {
      unread++;
      process.stderr.write(`posthorn: ${file} cannot be read: ${read.why}\n`);
    } else {
      process.stdout.write(`${JSON.stringify(mailLine(file, readReturnedMail(read.raw, classifier)))}\n`);
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
    // Of a bounce, those who failed: who is still waited for has not.
    recipients: recipients
      .filter(({ action }) => kind !== 'bounce' || action !== 'delayed')
      .map(({ address, action, status, code, mx, diagnostic, classification }) => ({
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

type MailReading = { readonly kind: 'read'; readonly raw: Buffer } | { readonly kind: 'failed'; readonly why: string };

async function readMail(input: Readable): Promise<MailReading> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of input as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      length += chunk.length;
      if (length > MAIL_BYTES_MAX)
        return { kind: 'failed', why: `it is larger than ${MAIL_BYTES_MAX / 1_048_576} MiB` };
    }
  } catch (error) {
    if (!isFileError(error)) throw error;
    return { kind: 'failed', why: error.message };
  }
  return { kind: 'read', raw: Buffer.concat(chunks, length) };
}

function isFileError(error: unknown): error is NodeJS.ErrnoException {
  return typeof (error as NodeJS.ErrnoException | undefined)?.code === 'string';
}
