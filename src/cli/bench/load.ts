/** Loads a system with as many messages as it takes, over 20 sessions that are kept: Postfix's smtp-source, or our own client. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startProgram } from './child-program.js';
import type { Cleanup } from './cleanup.js';
import { SMTP_SOURCE } from './debian-programs.js';
import { SENDER } from './mail-system.js';
import { sendPaced } from './paced-client.js';
import { testMessage } from './test-message.js';

export interface LoadOptions {
  readonly port: number;
  readonly messages: number;
  readonly recipient: string;
}

/** Sends all messages and resolves after the last 250. Rejects where one is refused, and after LOAD_WITHIN_MS. */
export type Load = (options: LoadOptions) => Promise<void>;

export const SESSIONS = 20;
const LOAD_WITHIN_MS = 180_000;

/** With `-d` sessions are kept; never with `-c`, which prints for each message. */
export function smtpSourceLoad(folder: string, cleanup: Cleanup): Load {
  const file = join(folder, 'message.eml');
  writeFileSync(file, testMessage());
  return async ({ port, messages, recipient }) => {
    const size = ['-s', String(SESSIONS), '-m', String(messages), '-F', file];
    const envelope = ['-f', SENDER, '-t', recipient, '-M', 'client.example'];
    const program = startProgram(SMTP_SOURCE, ['-4', '-d', ...size, ...envelope, `127.0.0.1:${port}`]);
    const stop = cleanup.add(() => program.stop(1_000));
    const timer = setTimeout(() => void stop(), LOAD_WITHIN_MS);
    const exit = await program.exited;
    clearTimeout(timer);
    await stop();
    if (exit.code !== 0) throw new Error(exit.why);
  };
}

/** The client of this process with every message due at once. */
export const ownLoad: Load = async ({ port, messages, recipient }) => {
  const sent = await sendPaced({
    port,
    recipient,
    sessions: SESSIONS,
    dueMs: new Float64Array(messages),
    withinMs: LOAD_WITHIN_MS,
  });
  if (sent.fault !== undefined) throw new Error(sent.fault);
};
