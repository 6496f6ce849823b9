/**
 * Reads one IMAP command off a connection, its literals included: RFC 3501 sections 2.2.1 and 4.3, RFC 7888 (LITERAL-).
 * What is too long, or not wanted, is swallowed where the client sends it unasked, so that the next command is found.
 */
import type { LineConnection, ReadEnd } from '../../listeners/line-connection.js';

export type CommandRead =
  | {
      readonly kind: 'command';
      readonly tag: string;
      /** Upper case; with UID in front where that was said. */
      readonly name: string;
      /** One character an octet, literals in place. */
      readonly args: string;
    }
  /** It cannot be understood; the next one can. */
  | { readonly kind: 'bad'; readonly tag: string; readonly text: string }
  /** Its literal was refused before it came, or swallowed. */
  | { readonly kind: 'append'; readonly tag: string }
  /** Where the next command begins cannot be known. */
  | { readonly kind: 'lost'; readonly text: string }
  | ReadEnd;

export interface CommandLimits {
  readonly lineOctetsMax: number;
  /** Of all lines and literals of one command. */
  readonly commandOctetsMax: number;
  /** What is read and forgotten of one that is not taken, to find the next. */
  readonly swallowedOctetsMax: number;
}

const MIB = 1024 * 1024;
/** Who has not logged in has nothing long to say, and is not listened to for long. */
export const LIMITS_OF_STRANGERS: CommandLimits = {
  lineOctetsMax: 8 * 1024,
  commandOctetsMax: 16 * 1024,
  swallowedOctetsMax: 64 * 1024,
};
/** RFC 7162 section 4 wants lines of 8,192 octets; mail programs send some of 64 KiB, and with APPEND a large message. */
export const LIMITS_OF_READERS: CommandLimits = {
  lineOctetsMax: 128 * 1024,
  commandOctetsMax: 256 * 1024,
  swallowedOctetsMax: 128 * MIB,
};

/** RFC 7888 section 5: what a client may send without being asked. */
const UNASKED_LITERAL_MAX = 4096;
/** `astring-char` without `+`. */
const TAG = /^[^\x00-\x20\x7f-\xff(){%*"\\+]+$/;
const LITERAL_AT_END = /\{(\d+)(\+?)\}$/;
/** APPEND with its mailbox: what follows is the message. */
const MESSAGE_FOLLOWS = /^[^ ]+ +APPEND +[^ ]/is;

interface Literal {
  readonly octets: number;
  /** Whether it comes without being asked for. */
  readonly unasked: boolean;
}

export class CommandReader {
  constructor(private readonly connection: LineConnection) {}

  async read(limits: CommandLimits, idleMs: number): Promise<CommandRead> {
    let text = '';
    for (;;) {
      const read = await this.connection.readLine(limits.lineOctetsMax, idleMs);
      if (read.kind === 'too_long') {
        const tail = await this.connection.skipLine(limits.swallowedOctetsMax);
        if (tail === undefined) return { kind: 'lost', text: 'the line does not end' };
        const start = text + read.start.toString('latin1');
        return this.swallow(tail.toString('latin1'), bad(start, 'the command line is too long'), limits);
      }
      if (read.kind !== 'line') return read;
      const line = read.bytes.toString('latin1');
      text += line;
      const literal = literalOf(line);
      if (!literal) return understood(text);
      const refused = refusalOf(text, literal, limits);
      if (refused) return this.swallow(line, refused, limits);
      if (!literal.unasked) await this.connection.write('+ Go on\r\n');
      const content = await this.connection.readOctets(literal.octets);
      if (content.kind !== 'octets') return content;
      text += `\r\n${content.bytes.toString('latin1')}`;
    }
  }

  /** Reads on as long as a client goes on unasked; then it is where it waits for us. */
  private async swallow(line: string, answer: CommandRead, limits: CommandLimits): Promise<CommandRead> {
    let [last, left] = [line, limits.swallowedOctetsMax];
    for (let literal = literalOf(last); literal?.unasked; literal = literalOf(last)) {
      left -= literal.octets;
      if (left < 0) return { kind: 'lost', text: 'the literal is too long' };
      const ended = await this.connection.skipOctets(literal.octets);
      if (ended) return ended;
      const tail = await this.connection.skipLine(left);
      if (tail === undefined) return { kind: 'lost', text: 'the line does not end' };
      last = tail.toString('latin1');
    }
    return answer;
  }
}

function literalOf(line: string): Literal | undefined {
  const [, octets, plus] = LITERAL_AT_END.exec(line) ?? [];
  return octets === undefined ? undefined : { octets: Number(octets), unasked: plus === '+' };
}

/** What to answer instead of taking a literal; undefined where it is welcome. */
function refusalOf(text: string, { octets, unasked }: Literal, limits: CommandLimits): CommandRead | undefined {
  const tag = tagOf(text);
  if (tag !== undefined && MESSAGE_FOLLOWS.test(text)) return { kind: 'append', tag };
  if (text.length + octets > limits.commandOctetsMax) return bad(text, 'the command is too long');
  if (unasked && octets > UNASKED_LITERAL_MAX) {
    return bad(text, `a literal of more than ${UNASKED_LITERAL_MAX} octets must wait to be asked for`);
  }
  return undefined;
}

function understood(text: string): CommandRead {
  const tag = tagOf(text);
  if (tag === undefined) return { kind: 'bad', tag: '*', text: 'a command begins with a tag and a space' };
  const [, name = '', rest = ''] = /^ +([^ ]*)(.*)$/s.exec(text.slice(tag.length)) ?? [];
  if (name === '') return { kind: 'bad', tag, text: 'a command follows the tag' };
  if (name.toUpperCase() !== 'UID') return { kind: 'command', tag, name: name.toUpperCase(), args: rest };
  const [, uidName = '', uidRest = ''] = /^ +([^ ]*)(.*)$/s.exec(rest) ?? [];
  return { kind: 'command', tag, name: `UID ${uidName.toUpperCase()}`, args: uidRest };
}

function bad(text: string, why: string): CommandRead {
  return { kind: 'bad', tag: tagOf(text) ?? '*', text: why };
}

function tagOf(text: string): string | undefined {
  const [tag = ''] = text.split(' ', 1);
  return TAG.test(tag) ? tag : undefined;
}
