/** Runs a command in this process as the shell would, and keeps what it writes. */
import { jest } from '@jest/globals';
import { Readable } from 'node:stream';
import type { Command } from '../../src/cli/command.js';
import type { RunningApi } from '../http-api/running-api.js';

export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export type Environment = Readonly<Record<string, string>>;

/** The settings with which a command talks to `api`. */
export function environmentOf(api: RunningApi): Environment {
  return { POSTHORN_API_URL: api.url, POSTHORN_API_KEY: api.first.apiKey };
}

/** @param input what it reads on standard input */
export async function runCommand(
  command: Command,
  argv: readonly string[],
  environment: Environment,
  input = '',
): Promise<Outcome> {
  let [out, err] = ['', ''];
  const own = { env: process.env, stdin: Object.getOwnPropertyDescriptor(process, 'stdin') ?? {} };
  jest.spyOn(process.stdout, 'write').mockImplementation((text) => Boolean((out += String(text))));
  jest.spyOn(process.stderr, 'write').mockImplementation((text) => Boolean((err += String(text))));
  Object.defineProperty(process, 'stdin', { value: Readable.from([Buffer.from(input)]), configurable: true });
  process.env = { ...own.env, ...environment };
  try {
    return { code: await command.run(argv), out, err };
  } finally {
    process.env = own.env;
    Object.defineProperty(process, 'stdin', own.stdin);
    jest.restoreAllMocks();
  }
}
