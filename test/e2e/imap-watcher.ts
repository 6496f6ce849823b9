/** Another session on the mailbox: what it sees of what mail programs do. */
import { readFile } from 'node:fs/promises';
import { ImapClient } from '../mailbox/imap-client.js';
import type { RunningPosthorn } from './running-posthorn.js';

export class ImapWatcher {
  /** Whether a command was told of a change beside its answer. */
  private hasNews = false;

  private constructor(private readonly client: ImapClient) {}

  static async open(posthorn: RunningPosthorn): Promise<ImapWatcher> {
    const client = await ImapClient.connect(posthorn.ports.imaps, await readFile(posthorn.caFile, 'utf8'));
    const watcher = new ImapWatcher(client);
    const { user, password } = (await posthorn.credentials()).smtp;
    await watcher.command(`LOGIN ${user} ${password}`);
    await watcher.command('SELECT INBOX');
    return watcher;
  }

  /** The untagged responses of a command that has to succeed. */
  async command(text: string): Promise<readonly string[]> {
    const untagged = await this.client.ok(text);
    this.hasNews ||= untagged.some(isNews);
    return untagged;
  }

  /** Of what is there now: SEARCH tells first what has come, but it is NOOP that asks Redis. */
  async search(keys: string): Promise<number[]> {
    await this.command('NOOP');
    const untagged = await this.command(`UID SEARCH ${keys}`);
    const found = untagged.find((response) => response.startsWith('SEARCH')) ?? '';
    return found.split(' ').slice(1).map(Number);
  }

  /** How many reports are in INBOX. */
  async count(): Promise<number> {
    return (await this.search('ALL')).length;
  }

  /** The flags of the one report that is found, without `\Recent`, which is another for each session. */
  async flagsOf(keys: string): Promise<string[]> {
    const [uid = 0] = await this.search(keys);
    const untagged = await this.command(`UID FETCH ${String(uid)} (FLAGS)`);
    const flags = /FLAGS \(([^)]*)\)/.exec(untagged.join('\n'))?.[1] ?? '';
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
    const done = await this.client.idle();
    while (!isNews(await this.client.response()));
    await done();
  }
}

/** With its asterisk, as it comes in IDLE, or without. */
function isNews(response: string): boolean {
  return /^(?:\* )?\d+ (?:EXISTS|EXPUNGE|FETCH)/.test(response);
}
