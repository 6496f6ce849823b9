/** RFC 3501 section 6.4.3; with uids, RFC 4315 section 2.1. */
import { ok, REFUSED } from '../completion.js';
import { DELETED, deletedReports } from '../deleted-reports.js';
import type { ImapCommand } from '../imap-command.js';
import { readSequenceSet, reportsInUids } from '../named-reports.js';

export const expunge: ImapCommand = {
  name: 'EXPUNGE',
  state: 'selected',
  tells: 'all',
  async run(session, args) {
    args.end();
    if (session.folder.readOnly) return REFUSED.readOnlyFolder;
    const uids = await deletedReports(session);
    if (uids.length > 0) await session.mailbox.remove(uids, DELETED);
    return ok('EXPUNGE completed');
  },
};

export const uidExpunge: ImapCommand = {
  name: 'UID EXPUNGE',
  state: 'selected',
  tells: 'all',
  async run(session, args) {
    args.space();
    const set = readSequenceSet(args);
    args.end();
    if (session.folder.readOnly) return REFUSED.readOnlyFolder;
    const named = new Set(reportsInUids(session.folder, set).map(({ report }) => report.uid));
    const uids = (await deletedReports(session)).filter((uid) => named.has(uid));
    if (uids.length > 0) await session.mailbox.remove(uids, DELETED);
    return ok('EXPUNGE completed');
  },
};
