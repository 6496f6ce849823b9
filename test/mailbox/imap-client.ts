/** A client of IMAP that sends the commands that it is given, and hears each answer as whole responses. */
import { RawLines } from './raw-lines.js';

export interface ImapAnswer {
  /** Without the asterisk, with their literals. */
  readonly untagged: readonly string[];
  /** Without the tag. */
  readonly end: string;
}

export class ImapClient {
  private commands = 0;

  private constructor(readonly lines: RawLines) {}

  /** Under TLS where `ca` is given; the greeting has been read. */
  static async connect(port: number, ca?: string): Promise<ImapClient> {
    const client = new ImapClient(await RawLines.connect(port, ca));
    const greeting = await client.response();
    if (!greeting.startsWith('* OK ')) throw new Error(greeting);
    return client;
  }

  /** One response with its literals and without its CRLF. */
  async response(): Promise<string> {
    let text = '';
    for (;;) {
      const line = await this.lines.line();
      text += line;
      const octets = /\{(\d+)\}$/.exec(line)?.[1];
      if (octets === undefined) return text;
      text += `\r\n${(await this.lines.octets(Number(octets))).toString('latin1')}`;
    }
  }

  /** Its tag. */
  send(command: string): string {
    const tag = `c${String(++this.commands)}`;
    this.lines.write(`${tag} ${command}\r\n`);
    return tag;
  }

  /** All responses up to the one with this tag. */
  async answer(tag: string): Promise<ImapAnswer> {
    const untagged: string[] = [];
    for (;;) {
      const response = await this.response();
      if (response.startsWith(`${tag} `)) return { untagged, end: response.slice(tag.length + 1) };
      if (!response.startsWith('* ')) throw new Error(`neither untagged nor ${tag}: ${response}`);
      untagged.push(response.slice(2));
    }
  }

  command(command: string): Promise<ImapAnswer> {
    return this.answer(this.send(command));
  }

  /** The untagged responses of a command that has to succeed. */
  async ok(command: string): Promise<readonly string[]> {
    const { untagged, end } = await this.command(command);
    if (!end.startsWith('OK ')) throw new Error(`${command}: ${end}`);
    return untagged;
  }

  /** How a command ends that has nothing else to say. */
  async end(command: string): Promise<string> {
    const { untagged, end } = await this.command(command);
    if (untagged.length > 0) throw new Error(`${command}: ${untagged.join('\n')}`);
    return end;
  }

  /** Begins IDLE, and resolves with what ends it: the answer to DONE. */
  async idle(): Promise<() => Promise<ImapAnswer>> {
    const tag = this.send('IDLE');
    const response = await this.response();
    if (!response.startsWith('+ ')) throw new Error(response);
    return () => {
      this.lines.write('DONE\r\n');
      return this.answer(tag);
    };
  }

  close(): void {
    this.lines.close();
  }
}
