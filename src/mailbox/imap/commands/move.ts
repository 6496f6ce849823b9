/** RFC 6851, into the archive and nowhere else. */
import type { ArgumentReader } from '../argument-reader.js';
import { ok, REFUSED, type Completion } from '../completion.js';
import { folderNamed } from '../folder-names.js';
import type { CommandSession, ImapCommand } from '../imap-command.js';
import { readSequenceSet, reportsNamed, type NamedBy } from '../named-reports.js';
import { formatSequenceSet, type SequenceSet } from '../sequence-set.js';

export const move: ImapCommand = {
  name: 'MOVE',
  state: 'selected',
  tells: 'all',
  run: (session, args) => moveReports(session, args, 'numbers'),
};

export const uidMove: ImapCommand = {
  name: 'UID MOVE',
  state: 'selected',
  tells: 'all',
  run: (session, args) => moveReports(session, args, 'uids'),
};

async function moveReports(session: CommandSession, args: ArgumentReader, by: NamedBy): Promise<Completion> {
  const { set, target } = readMove(args);
  const { folder, mailbox } = session;
  const name = folderNamed(target);
  if (!name) return REFUSED.noFolder;
  if (name !== 'Archive' || folder.name === 'Archive') return REFUSED.onlyArchive;
  if (folder.readOnly) return REFUSED.readOnlyFolder;
  if (!session.mayWrite) return REFUSED.readOnlyLogin;
  const named = reportsNamed(folder, set, by);
  if (!named) return REFUSED.notSoMany;
  const moved = await mailbox.archive(named.map(({ report }) => report.uid));
  if (moved.size === 0) return named.length === 0 ? ok('There was nothing to move') : REFUSED.someGone;
  // RFC 6851 section 4.3: before the expunges.
  const [from, to] = [[...moved.keys()], [...moved.values()]].map(formatSequenceSet);
  await session.say(`* OK [COPYUID ${mailbox.uidValidity} ${from ?? ''} ${to ?? ''}] Moved\r\n`);
  return ok('MOVE completed');
}

export function readMove(args: ArgumentReader): { set: SequenceSet; target: string } {
  args.space();
  const set = readSequenceSet(args);
  args.space();
  const target = args.astring('a folder');
  args.end();
  return { set, target };
}
