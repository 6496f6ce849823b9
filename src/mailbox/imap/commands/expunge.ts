/** RFC 3501 section 6.4.3; with uids, RFC 4315 section 2.1. */
import { ok, REFUSED } from '../completion.js';
import { removeDeleted } from '../deleted-reports.js';
import type { ImapCommand } from '../imap-command.js';
import { readSequenceSet, reportsInUids } from '../named-reports.js';

export const expunge: ImapCommand = {
  name: 'EXPUNGE',
  state: 'selected',
  tells: 'all',
  async run(session, args) {
    args.end();
    if (session.folder.readOnly) return REFUSED.readOnlyFolder;
    await removeDeleted(session);
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
    await removeDeleted(session, new Set(reportsInUids(session.folder, set).map(({ report }) => report.uid)));
    return ok('EXPUNGE completed');
  },
};
