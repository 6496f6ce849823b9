/** A POP3 client that says what it is told to, over a door of `RunningMailbox`. */
import { RawLines } from './raw-lines.js';
import type { OpenMailboxDoor, Owner, RunningMailbox } from './running-mailbox.js';

export class Pop3Client {
  private static readonly open: Pop3Client[] = [];

  private constructor(
    readonly lines: RawLines,
    readonly greeting: string,
  ) {}

  static async connect({ port }: Pick<OpenMailboxDoor, 'port'>, ca?: string): Promise<Pop3Client> {
    const lines = await RawLines.connect(port, ca);
    const client = new Pop3Client(lines, await lines.line());
    this.open.push(client);
    return client;
  }

  /** Over implicit TLS, logged in. */
  static async loggedIn(running: RunningMailbox, door: OpenMailboxDoor, owner: Owner): Promise<Pop3Client> {
    const client = await this.connect(door, running.certificate.cert);
    const answers = await client.commands(`USER ${owner.user}`, `PASS ${owner.password}`);
    if (answers[1]?.startsWith('+OK') !== true) throw new Error(answers.join('\n'));
    return client;
  }

  /** Closes all that a test has opened. */
  static closeAll(): void {
    for (const client of this.open.splice(0)) client.lines.close();
  }

  /** What is answered to one command, its first line. */
  async command(line: string): Promise<string> {
    this.lines.write(`${line}\r\n`);
    return this.lines.line();
  }

  async commands(...lines: readonly string[]): Promise<string[]> {
    const answers: string[] = [];
    for (const line of lines) answers.push(await this.command(line));
    return answers;
  }

  /** What follows the first line, to the dot that ends it, with its dots as they were. */
  async listing(line: string): Promise<string[]> {
    const first = await this.command(line);
    if (!first.startsWith('+OK')) return [first];
    return this.rest();
  }

  async rest(): Promise<string[]> {
    const lines = await this.lines.lines((line) => line === '.');
    return lines.slice(0, -1).map((line) => line.replace(/^\./, ''));
  }

  /** Logs out and waits until the server has closed. */
  async quit(): Promise<string> {
    const answer = await this.command('QUIT');
    await this.lines.ended();
    return answer;
  }
}

export function plain({ user, password }: Pick<Owner, 'user' | 'password'>): string {
  return Buffer.from(`\0${user}\0${password}`).toString('base64');
}
