/** Another session on the mailbox: what it sees of what mail programs do. */
import { readFile } from 'node:fs/promises';
import { RawLines } from '../mailbox/raw-lines.js';
import type { RunningPosthorn } from './running-posthorn.js';

export class ImapWatcher {
  private commands = 0;
  /** Whether a command was told of a change beside its answer. */
  private hasNews = false;

  private constructor(private readonly client: RawLines) {}

  static async open(posthorn: RunningPosthorn): Promise<ImapWatcher> {
    const client = await RawLines.connect(posthorn.ports.imaps, await readFile(posthorn.caFile, 'utf8'));
    await client.line();
    const watcher = new ImapWatcher(client);
    const { user, password } = (await posthorn.credentials()).smtp;
    await watcher.command(`LOGIN ${user} ${password}`);
    await watcher.command('SELECT INBOX');
    return watcher;
  }

  /** The lines before the tagged one, which must say OK. */
  async command(text: string): Promise<string[]> {
    const tag = `w${String(++this.commands)}`;
    this.client.write(`${tag} ${text}\r\n`);
    const lines = await this.client.lines((line) => line.startsWith(`${tag} `));
    const last = lines.pop() ?? '';
    this.hasNews ||= lines.some(isNews);
    if (!last.startsWith(`${tag} OK`)) throw new Error(`${text}: ${last}`);
    return lines;
  }

  /** Of what is there now: SEARCH alone finds what the session was told of. */
  async search(keys: string): Promise<number[]> {
    await this.command('NOOP');
    const lines = await this.command(`UID SEARCH ${keys}`);
    const found = lines.find((line) => line.startsWith('* SEARCH')) ?? '';
    return found.split(' ').slice(2).map(Number);
  }

  /** How many reports are in INBOX. */
  async count(): Promise<number> {
    return (await this.search('ALL')).length;
  }

  /** The flags of the one report that is found, without `\Recent`, which is another for each session. */
  async flagsOf(keys: string): Promise<string[]> {
    const [uid = 0] = await this.search(keys);
    const lines = await this.command(`UID FETCH ${String(uid)} (FLAGS)`);
    const flags = /FLAGS \(([^)]*)\)/.exec(lines.join('\n'))?.[1] ?? '';
    return flags
      .split(' ')
      .filter((flag) => flag !== '' && flag !== '\\Recent')
      .sort();
  }

  async clearFlags(): Promise<void> {
    await this.command('UID STORE 1:* FLAGS.SILENT ()');
  }

  async untilFound(keys: string): Promise<void> {
    await this.until(async () => (await this.search(keys)).length > 0);
  }

  async untilCount(count: number): Promise<void> {
    await this.until(async () => (await this.count()) === count);
  }

  async close(): Promise<void> {
    await this.command('LOGOUT');
    this.client.close();
  }

  /** Looks again whenever it is told of something: every wait for a line is bounded. */
  private async until(isSo: () => Promise<boolean>): Promise<void> {
    for (;;) {
      this.hasNews = false;
      if (await isSo()) return;
      if (!this.hasNews) await this.idleUntilNews();
    }
  }

  private async idleUntilNews(): Promise<void> {
    const tag = `w${String(++this.commands)}`;
    this.client.write(`${tag} IDLE\r\n`);
    await this.client.lines(isNews);
    this.client.write('DONE\r\n');
    await this.client.lines((line) => line.startsWith(`${tag} `));
  }
}

function isNews(line: string): boolean {
  return /^\* \d+ (EXISTS|EXPUNGE|FETCH)/.test(line);
}
