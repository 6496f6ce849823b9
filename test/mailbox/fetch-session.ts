/** A session of IMAP over a raw socket that sees every octet: FETCH answers come as the values of their items. */
import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';

/** A string, a number or NIL by its text, a list by its items. */
export type ImapValue = string | null | readonly ImapValue[];

export interface FetchedItem {
  /** As it was sent, a char an octet. */
  readonly raw: string;
  readonly value: ImapValue;
}

/** By the name of the item, as `BODY[1.MIME]`. */
export type FetchedMessage = ReadonlyMap<string, FetchedItem>;

export class FetchSession {
  private received: Buffer[] = [];
  private commands = 0;
  private wake: (() => void) | undefined;

  private constructor(private readonly socket: Socket) {
    socket.on('data', (chunk: Buffer) => {
      this.received.push(chunk);
      this.wake?.();
    });
    socket.on('close', () => this.wake?.());
  }

  static async open(server: { host: string; port: number; user: string; password: string }): Promise<FetchSession> {
    const socket = createConnection(server);
    await once(socket, 'connect');
    const session = new FetchSession(socket);
    await session.until((text) => text.endsWith('\r\n'));
    await session.command(`LOGIN ${server.user} ${server.password}`);
    return session;
  }

  /** The whole answer up to and with the tagged line, which must say OK. */
  async command(text: string): Promise<string> {
    const tag = `t${++this.commands}`;
    this.socket.write(`${tag} ${text}\r\n`);
    const isEnd = new RegExp(`(?:^|\\r\\n)${tag} (OK|NO|BAD)[^\\r\\n]*\\r\\n$`);
    const answer = await this.until((tail) => isEnd.test(tail));
    if (!answer.slice(-TAIL_OCTETS).includes(`${tag} OK`)) throw new Error(`${text}: ${answer.slice(-TAIL_OCTETS)}`);
    return answer;
  }

  /** The messages that FETCH answers, by their numbers. */
  async fetch(set: string, items: string): Promise<ReadonlyMap<number, FetchedMessage>> {
    return readFetches(await this.command(`FETCH ${set} (${items})`));
  }

  async close(): Promise<void> {
    await this.command('LOGOUT');
    this.socket.destroy();
  }

  private async until(isWhole: (tail: string) => boolean): Promise<string> {
    while (!isWhole(this.tail())) {
      if (this.socket.destroyed) throw new Error(`The server closed the connection: ${this.tail()}`);
      await new Promise<void>((resolve) => (this.wake = resolve));
    }
    const answer = Buffer.concat(this.received).toString('latin1');
    this.received = [];
    return answer;
  }

  private tail(): string {
    if (this.received.length > 1 && (this.received.at(-1)?.length ?? 0) < TAIL_OCTETS) {
      this.received = [...this.received.slice(0, -2), Buffer.concat(this.received.slice(-2))];
    }
    return this.received.at(-1)?.subarray(-TAIL_OCTETS).toString('latin1') ?? '';
  }
}

/** The tagged line of LOGIN holds all capabilities. */
const TAIL_OCTETS = 2_000;

function readFetches(answer: string): ReadonlyMap<number, FetchedMessage> {
  const messages = new Map<number, FetchedMessage>();
  const reader = new ValueReader(answer);
  for (let line = reader.match(FETCH_LINE); line; line = reader.match(FETCH_LINE)) {
    const items = new Map<string, FetchedItem>();
    for (let name = reader.match(ITEM_NAME); name; name = reader.match(ITEM_NAME)) {
      const from = reader.position;
      const value = reader.read();
      items.set(name[1] ?? '', { raw: answer.slice(from, reader.position), value });
    }
    reader.match(/\)\r\n/y);
    messages.set(Number(line[1]), items);
  }
  return messages;
}

const FETCH_LINE = /\* (\d+) FETCH \(/y;
const ITEM_NAME = / ?([A-Z0-9.]+(?:\[[^\]]*\])?) /y;

export class ValueReader {
  position = 0;

  constructor(private readonly text: string) {}

  match(sticky: RegExp): RegExpExecArray | undefined {
    sticky.lastIndex = this.position;
    const found = sticky.exec(this.text);
    if (found) this.position = sticky.lastIndex;
    return found ?? undefined;
  }

  read(): ImapValue {
    if (this.match(/\(/y)) {
      const values: ImapValue[] = [];
      while (!this.match(/ ?\)/y)) {
        this.match(/ /y);
        values.push(this.read());
      }
      return values;
    }
    const quoted = this.match(/"((?:[^"\\]|\\.)*)"/y);
    if (quoted) return (quoted[1] ?? '').replace(/\\(.)/g, '$1');
    const literal = this.match(/\{(\d+)\}\r\n/y);
    if (literal) {
      const from = this.position;
      this.position += Number(literal[1]);
      return this.text.slice(from, this.position);
    }
    const atom = this.match(/[^ ()\r\n"{]+/y)?.[0];
    if (atom === undefined) throw new Error(`Not IMAP: ${this.text.slice(this.position, this.position + 100)}`);
    return atom === 'NIL' ? null : atom;
  }
}
