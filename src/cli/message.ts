/** `./posthorn message`: what became of a message. */
import type { EventView, MessageView } from '../http-api/message-view.js';
import { formatReply } from '../mail/reply.js';
import { complain, openApi, shown } from './api-client.js';
import { EXIT_DONE, readCommandLine, usageError } from './command-line.js';
import type { Command } from './command.js';

const HELP = `usage: ./posthorn message show ID [--json]

Shows a message and every event of each recipient: what the servers replied, and when it is tried again.

Talks to POSTHORN_API_URL with POSTHORN_API_KEY; else to this machine's relay, with the key of its first start.
Exit codes: 0 done, 1 no such message or no answer, 2 bad usage.
`;

export const messageCommand: Command = {
  name: 'message',
  summary: 'what became of a message: show',
  help: HELP,
  async run([verb = '', ...argv]) {
    const asksForHelp = verb === '--help' || verb === '-h';
    if (verb !== 'show' && !asksForHelp) return usageError(messageCommand, 'say show ID');
    const line = readCommandLine(messageCommand, asksForHelp ? [verb] : argv, { json: { type: 'boolean' } }, ['ID']);
    if (line.kind === 'over') return line.exitCode;
    const [id = ''] = line.operands;
    const api = await openApi();
    if (api.kind === 'failed') return complain('message', api);
    const answer = await api.body.request<MessageView>('GET', `/v1/messages/${encodeURIComponent(id)}`);
    if (answer.kind === 'failed') return complain('message', answer);
    process.stdout.write(line.values.json === true ? `${JSON.stringify(answer.body)}\n` : formatMessage(answer.body));
    return EXIT_DONE;
  },
};

/** As people read it. */
export function formatMessage(message: MessageView): string {
  const { id, acceptedAt, expiresAt, sendAt, stream, from, subject, recipients } = message;
  const facts = [
    ['accepted', `${acceptedAt}, stream ${stream}`],
    ...(sendAt === undefined ? [] : [['send at', sendAt]]),
    ['expires', expiresAt],
    ['from', from === '' ? '<>' : from],
    ...(subject === undefined ? [] : [['subject', subject]]),
  ];
  const lines = [
    id,
    ...facts.map(([name = '', value = '']) => `  ${name.padEnd(9)} ${shown(value)}`),
    ...recipients.flatMap(({ address, state, events }) => [
      '',
      `${shown(address)}  ${state}`,
      ...events.map(formatEvent),
    ]),
  ];
  return `${lines.join('\n')}\n`;
}

/** What a refusal means stands under its reply. */
const INDENT = ' '.repeat(38);

function formatEvent(event: EventView): string {
  const { at, type, reply, mx, tls, nextAttemptAt, door, until, reason, because, by, feedbackType, source } = event;
  const facts = [
    reply && formatReply(reply),
    mx && `from ${mx}`,
    tls && 'over TLS',
    nextAttemptAt && `next try ${nextAttemptAt}`,
    door && `by ${door}`,
    source === 'dsn' && 'said by a mail that came back',
    feedbackType && `feedback type ${feedbackType}`,
    reason && (type === 'suppression.bypassed' ? `tried though suppressed for ${reason}` : `for ${reason}`),
    because,
    until && `until about ${until}`,
    by && `by ${by}`,
  ];
  const line = `  ${at}  ${type.padEnd(9)} ${shown(facts.filter(Boolean).join(', '))}`.trimEnd();
  const { classification } = event;
  if (!classification) return line;
  const { category, explanation, todo } = classification;
  return [line, `${INDENT}${category}: ${shown(explanation)}`, `${INDENT}${shown(todo)}`].join('\n');
}
