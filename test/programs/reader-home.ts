/** A directory that is a mail program's home, and all that it keeps. */
import { mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { RunningProgram, type Ended } from './run-program.js';

/** Where the mailbox is, and who reads it. */
export interface Reading {
  /** With TLS from the first octet, and with STARTTLS. */
  readonly ports: { readonly implicit: number; readonly starttls: number };
  readonly user: string;
  readonly password: string;
  /** PEM file of the only authority that the program trusts. */
  readonly caFile: string;
}

export class ReaderHome {
  private constructor(
    readonly reading: Reading,
    readonly directory: string,
  ) {}

  static async make(reading: Reading): Promise<ReaderHome> {
    return new ReaderHome(reading, await mkdtemp(join(tmpdir(), 'posthorn-reader-')));
  }

  async remove(): Promise<void> {
    await rm(this.directory, { recursive: true, force: true });
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  /** A settings file that only its owner may read: some programs want that. */
  async settings(text: string): Promise<string> {
    await writeFile(this.path('settings'), text, { mode: 0o600 });
    return this.path('settings');
  }

  /** The files of a directory, one a message. */
  async fetched(name: string): Promise<string[]> {
    const names = await readdir(this.path(name)).catch(() => []);
    return Promise.all(names.map((file) => readFile(this.path(join(name, file)), 'utf8')));
  }

  /** Of a Maildir, by their paths. */
  async maildir(name: string): Promise<string[]> {
    const found: string[] = [];
    for (const part of ['new', 'cur']) {
      const names = await readdir(this.path(join(name, part))).catch(() => []);
      found.push(...names.map((file) => this.path(join(name, part, file))));
    }
    return found;
  }

  /** Marks the message of a Maildir that holds `text`, as a program that reads it does. */
  async mark(name: string, text: string, flags: string): Promise<void> {
    for (const path of await this.maildir(name)) {
      if (!(await readFile(path, 'utf8')).includes(text)) continue;
      const marked = `${basename(path).replace(/:2,.*/, '')}:2,${flags}`;
      await rename(path, join(dirname(dirname(path)), 'cur', marked));
      return;
    }
    throw new Error(`${name} has no message with ${text}`);
  }

  /** Nothing is in its environment of whoever runs the tests: neither their language nor their proxy. */
  start(program: string, ...argv: readonly string[]): RunningProgram {
    const home = { HOME: this.directory, FETCHMAILHOME: this.directory };
    const terminal = { TERM: 'xterm', LINES: '30', COLUMNS: '120' };
    return new RunningProgram(program, argv, { PATH: process.env.PATH, LANG: 'C', ...home, ...terminal });
  }

  run(program: string, ...argv: readonly string[]): Promise<Ended> {
    return this.start(program, ...argv).ended();
  }
}
