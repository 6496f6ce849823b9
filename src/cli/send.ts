/** `./posthorn send`: hands one message to a running relay. */
import { parseMailbox, parseMailboxList } from '../http-api/mailbox.js';
import { fieldValue, parseHeaderBlock } from '../mail/header-block.js';
import { withCrlf } from '../mail/line-endings.js';
import { complain, openApi } from './api-client.js';
import { EXIT_DONE, readCommandLine, usageError } from './command-line.js';
import type { Command } from './command.js';

const HELP = `usage: ./posthorn send --from ADDRESS --to ADDRESS --subject TEXT --text TEXT [options]
       ./posthorn send [--from ADDRESS] [--to ADDRESS] < MESSAGE

Sends one message through a running relay and prints its id. Without --subject, --text and --html, standard input is a
finished message (header and body); its envelope is --from and --to, or what its header says. With --subject but no
text, standard input is the text.

  --from ADDRESS      the author: a@b, or "Name <a@b>"
  --to ADDRESS        a recipient; may come several times, as may --cc and --bcc
  --cc, --bcc ADDRESS
  --reply-to ADDRESS
  --subject TEXT
  --text TEXT
  --html TEXT
  --stream NAME       critical, default or bulk
  --tag TEXT          may come several times
  --json              print what the API answers

Talks to POSTHORN_API_URL with POSTHORN_API_KEY; else to this machine's relay, with the key of its first start.
Exit codes: 0 accepted, 1 refused or no answer, 2 bad usage.
`;

const OPTIONS = {
  from: { type: 'string' },
  to: { type: 'string', multiple: true },
  cc: { type: 'string', multiple: true },
  bcc: { type: 'string', multiple: true },
  'reply-to': { type: 'string' },
  subject: { type: 'string' },
  text: { type: 'string' },
  html: { type: 'string' },
  stream: { type: 'string' },
  tag: { type: 'string', multiple: true },
  json: { type: 'boolean' },
} as const;

/** The largest message that a relay can be configured to take. */
const INPUT_BYTES_MAX = 64 * 1024 * 1024;

interface Values {
  readonly from?: string;
  readonly to?: readonly string[];
  readonly cc?: readonly string[];
  readonly bcc?: readonly string[];
  readonly 'reply-to'?: string;
  readonly subject?: string;
  readonly text?: string;
  readonly html?: string;
}

/** A request's body, or what is missing to make one. */
type Body = Readonly<Record<string, unknown>> | { readonly usage: string };

export const sendCommand: Command = {
  name: 'send',
  summary: 'send one message through a running relay',
  help: HELP,
  async run(argv) {
    const line = readCommandLine(sendCommand, argv, OPTIONS);
    if (line.kind === 'over') return line.exitCode;
    const { stream, tag, json, ...values } = line.values;
    const isFinished = [values.subject, values.text, values.html, values['reply-to']].every(
      (value) => value === undefined,
    );
    const body = isFinished ? await finishedMessage(values) : await composedMessage(values);
    if ('usage' in body) return usageError(sendCommand, String(body.usage));
    const api = await openApi();
    if (api.kind === 'failed') return complain('send', api);
    const sent = await api.body.request<{ id: string }>('POST', '/v1/messages', {
      ...body,
      ...(stream !== undefined && { stream }),
      ...(tag && { tags: tag }),
    });
    if (sent.kind === 'failed') return complain('send', sent);
    process.stdout.write(`${json === true ? JSON.stringify(sent.body) : sent.body.id}\n`);
    return EXIT_DONE;
  },
};

async function composedMessage(values: Values): Promise<Body> {
  const { from, to, cc, bcc, subject, html, 'reply-to': replyTo } = values;
  if (from === undefined) return { usage: '--from is missing' };
  if (!to && !cc && !bcc) return { usage: '--to is missing' };
  let { text } = values;
  if (text === undefined && html === undefined) {
    const input = await standardInput();
    if (input === undefined) return { usage: '--text is missing' };
    text = input.toString();
  }
  return { from, to, cc, bcc, replyTo, subject, text, html };
}

async function finishedMessage(values: Values): Promise<Body> {
  const input = await standardInput();
  if (input === undefined || input.length === 0)
    return { usage: '--subject and --text are missing, and there is no message on standard input' };
  if (input.length > INPUT_BYTES_MAX) return { usage: `a message has at most ${INPUT_BYTES_MAX} bytes` };
  const message = withCrlf(input);
  const from = values.from === undefined ? fromHeader(message) : envelopeAddress(values.from);
  if (from === undefined) return { usage: 'the sender cannot be read: give --from a@b' };
  const given = [...(values.to ?? []), ...(values.cc ?? []), ...(values.bcc ?? [])];
  const to = given.length > 0 ? given.map(envelopeAddress) : recipientsOfHeader(message);
  if (to.length === 0 || !to.every((address) => address !== undefined && address !== '')) {
    return { usage: 'the recipients cannot be read: give each as --to a@b' };
  }
  return { raw: input.toString('base64'), envelope: { from, to } };
}

/** `<>` is the null reverse path: RFC 5321 section 4.5.5. */
function envelopeAddress(text: string): string | undefined {
  return text === '' || text === '<>' ? '' : parseMailbox(text)?.address;
}

function fromHeader(message: Buffer): string | undefined {
  const [value, second] = headerValues(message, ['from']);
  return value === undefined || second !== undefined ? undefined : parseMailbox(value)?.address;
}

/** Everybody whom the header names; one undefined among them where it cannot be read. */
function recipientsOfHeader(message: Buffer): (string | undefined)[] {
  const values = headerValues(message, ['to', 'cc', 'bcc']).filter((value) => value !== '');
  const addresses = values.flatMap((value) => {
    const list = parseMailboxList(value);
    return list.kind === 'read' ? list.mailboxes.map(({ address }) => address) : [undefined];
  });
  return [...new Set(addresses)];
}

function headerValues(message: Buffer, names: readonly string[]): string[] {
  const { fields } = parseHeaderBlock(message);
  return fields.filter(({ name }) => names.includes(name)).map((field) => fieldValue(message, field));
}

/** All of standard input; undefined where it is a person's keyboard. Reads a little past the bound, and no further. */
async function standardInput(): Promise<Buffer | undefined> {
  if (process.stdin.isTTY) return undefined;
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > INPUT_BYTES_MAX) break;
  }
  return Buffer.concat(chunks);
}
