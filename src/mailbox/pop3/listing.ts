/** What LIST and UIDL have in common: one fact about one message, or about each. */
import type { StoredReport } from '../../bounces/reports/report-mailbox.js';
import type { Pop3Command } from './pop3-command.js';
import { formatReply, ok } from './reply.js';

export function listing(name: string, factOf: (report: StoredReport) => number): Pop3Command {
  return {
    name,
    state: 'user',
    argument: 'optional',
    async run(session, argument) {
      const { maildrop } = session;
      if (argument !== '') {
        const named = maildrop.named(argument);
        if (named.kind === 'refused') return named.reply;
        return ok(`${named.message.number} ${factOf(named.message.report)}`);
      }
      const { count, octets } = maildrop.size();
      await session.say(formatReply(ok(`${count} messages (${octets} octets)`)));
      for (const { number, report } of maildrop.messages()) await session.say(`${number} ${factOf(report)}\r\n`);
      await session.say('.\r\n');
      return undefined;
    },
  };
}
