/** RFC 3501 section 6.3.10. */
import type { FolderSnapshot } from '../../state/folder-views.js';
import { ok, REFUSED } from '../completion.js';
import { folderNamed } from '../folder-names.js';
import type { ImapCommand } from '../imap-command.js';

const ITEMS: Readonly<Record<string, (folder: FolderSnapshot, uidValidity: number) => number>> = {
  MESSAGES: ({ reports }) => reports.length,
  RECENT: ({ reports, recentUid }) => reports.filter(({ uid }) => uid > recentUid).length,
  UIDNEXT: ({ uidNext }) => uidNext,
  UIDVALIDITY: (_folder, uidValidity) => uidValidity,
  UNSEEN: ({ reports }) => reports.filter(({ flags }) => !flags.includes('\\Seen')).length,
};
const ITEMS_MAX = 20;

export const status: ImapCommand = {
  name: 'STATUS',
  state: 'user',
  tells: 'all',
  async run(session, args) {
    args.space();
    const given = args.astring('a folder');
    args.space();
    const items = args.filledList(
      () => {
        const item = args.itemName();
        if (!Object.hasOwn(ITEMS, item)) throw args.fault(`one of ${Object.keys(ITEMS).join(', ')} before this`);
        return item;
      },
      ITEMS_MAX,
      'a list of items',
    );
    args.end();
    const name = folderNamed(given);
    if (!name) return REFUSED.noFolder;
    await session.mailbox.refresh();
    const folder = session.mailbox.folder(name);
    const values = items.map((item) => `${item} ${ITEMS[item]?.(folder, session.mailbox.uidValidity) ?? 0}`);
    await session.say(`* STATUS ${name} (${values.join(' ')})\r\n`);
    return ok('STATUS completed');
  },
};
