/** RFC 3501 section 6.3.9. */
import { REPORT_FOLDERS } from '../../../bounces/reports/report-folders.js';
import { ok } from '../completion.js';
import { attributesOf, matchesPattern } from '../folder-names.js';
import type { ImapCommand } from '../imap-command.js';

export const lsub: ImapCommand = {
  name: 'LSUB',
  state: 'user',
  tells: 'all',
  async run(session, args) {
    args.space();
    const reference = args.astring('a reference');
    args.space();
    const pattern = reference + args.listPattern();
    args.end();
    for (const folder of REPORT_FOLDERS) {
      if (!session.mailbox.folder(folder.name).subscribed || !matchesPattern(folder.name, pattern)) continue;
      await session.say(`* LSUB (${attributesOf(folder, false)}) "/" ${folder.name}\r\n`);
    }
    return ok('LSUB completed');
  },
};
