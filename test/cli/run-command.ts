/** Runs a command in this process as the shell would, and keeps what it writes. */
import { jest } from '@jest/globals';
import { Readable } from 'node:stream';
import type { Command } from '../../src/cli/command.js';

export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** @param input what it reads on standard input; whoever gives one puts `process.stdin` back afterwards */
export async function runCommand(command: Command, argv: readonly string[], input = ''): Promise<Outcome> {
  let [out, err] = ['', ''];
  jest.spyOn(process.stdout, 'write').mockImplementation((text) => Boolean((out += String(text))));
  jest.spyOn(process.stderr, 'write').mockImplementation((text) => Boolean((err += String(text))));
  Object.defineProperty(process, 'stdin', { value: Readable.from([Buffer.from(input)]), configurable: true });
  const code = await command.run(argv);
  jest.restoreAllMocks();
  return { code, out, err };
}
