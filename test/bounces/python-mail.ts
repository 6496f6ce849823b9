/** What a mail reader that is not ours makes of mails (`python-mail.py`). */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { PYTHON } from '../programs/installed.js';

const PROGRAM = join(import.meta.dirname, 'python-mail.py');

export interface MailAsRead {
  readonly defects: readonly string[];
  readonly type: string;
  readonly reportType: string;
  readonly header: Readonly<Record<string, string>>;
  readonly types: readonly string[];
  readonly text: string;
  /** Of message/delivery-status: the fields of the message, then of each recipient. */
  readonly groups: readonly Readonly<Record<string, string>>[];
}

export const hasPython = existsSync(PYTHON);

export function readByPython(mails: readonly Buffer[]): MailAsRead[] {
  const input = mails.map((mail) => `${mail.toString('base64')}\n`).join('');
  const output = execFileSync(PYTHON, [PROGRAM], { input, encoding: 'utf8' });
  return output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as MailAsRead);
}
