/**
 * RFC 1939 sections 5 and 7. RETR marks the message as seen in the mail programs that read it by IMAP; TOP does not,
 * however many lines it is asked for.
 */
import { messageLines } from '../message-lines.js';
import { readNumber, type Message } from '../maildrop.js';
import type { CommandSession, Pop3Command } from '../pop3-command.js';
import { bad, formatReply, ok, REFUSED, type Reply } from '../reply.js';

export const retr: Pop3Command = {
  name: 'RETR',
  state: 'user',
  argument: 'needed',
  async run(session, argument) {
    const named = session.maildrop.named(argument);
    if (named.kind === 'refused') return named.reply;
    return send(session, named.message, { marksSeen: true });
  },
};

export const top: Pop3Command = {
  name: 'TOP',
  state: 'user',
  argument: 'needed',
  async run(session, argument) {
    const [number = '', lines = '', ...more] = argument.trim().split(/ +/);
    const bodyLinesMax = readNumber(lines);
    if (bodyLinesMax === undefined || more.length > 0) return bad('Say the number of a message, and how many lines');
    const named = session.maildrop.named(number);
    if (named.kind === 'refused') return named.reply;
    return send(session, named.message, { marksSeen: false, bodyLinesMax });
  },
};

interface Sending {
  readonly marksSeen: boolean;
  readonly bodyLinesMax?: number;
}

async function send(session: CommandSession, message: Message, sending: Sending): Promise<Reply | undefined> {
  return session.room.withRoomFor([message], session.connection, async () => {
    const { report } = message;
    const content = (await session.user.mailbox.contents([report])).get(report.uid);
    if (!content) return REFUSED.gone;
    if (sending.marksSeen) await markSeen(session, message);
    await session.say(formatReply(ok(`${report.octets} octets`)));
    for (const lines of messageLines(content, sending.bodyLinesMax)) await session.say(lines);
    await session.say('.\r\n');
    return undefined;
  });
}

async function markSeen({ user, access }: CommandSession, { report }: Message): Promise<void> {
  if (!user.mayWrite || report.flags.includes('\\Seen')) return;
  try {
    await user.mailbox.changeFlags([report.uid], 'add', ['\\Seen']);
  } catch (error) {
    // A Redis that is full can still be read, and that is when people want to.
    access.failed(error, 'pop3');
  }
}
