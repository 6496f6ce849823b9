/** RFC 3501 section 6.4.6. */
import type { FlagChange } from '../../../bounces/reports/report-mailbox.js';
import type { ArgumentReader } from '../argument-reader.js';
import { no, ok, REFUSED, type Completion } from '../completion.js';
import type { CommandSession, ImapCommand } from '../imap-command.js';
import { countKeywords, readFlags } from '../message-flags.js';
import { readSequenceSet, reportsNamed, type NamedBy } from '../named-reports.js';
import type { NumberedReport } from '../selected-folder.js';
import type { SequenceSet } from '../sequence-set.js';

export const store: ImapCommand = {
  name: 'STORE',
  state: 'selected',
  tells: 'all but expunges',
  run: (session, args) => storeFlags(session, args, 'numbers'),
};

export const uidStore: ImapCommand = {
  name: 'UID STORE',
  state: 'selected',
  tells: 'all',
  run: (session, args) => storeFlags(session, args, 'uids'),
};

/** Different keywords in an account: each is told to every session that opens a folder. */
const KEYWORDS_MAX = 64;

interface StoreArguments {
  readonly set: SequenceSet;
  readonly how: FlagChange;
  readonly silent: boolean;
  readonly flags: readonly string[];
}

async function storeFlags(session: CommandSession, args: ArgumentReader, by: NamedBy): Promise<Completion> {
  const given = readStore(args);
  const { folder, mailbox } = session;
  if (folder.readOnly) return REFUSED.readOnlyFolder;
  const named = reportsNamed(folder, given.set, by);
  if (!named) return REFUSED.notSoMany;
  if (given.how !== 'remove' && countKeywords(mailbox.keywords, given.flags) > KEYWORDS_MAX) {
    return no('LIMIT', `The mailbox has room for ${KEYWORDS_MAX} different keywords`);
  }
  const uids = new Set(named.map(({ report }) => report.uid));
  // A login that may only read hears OK, because programs give up on NO, and what the flags are.
  let refused = 0;
  if (session.mayWrite && uids.size > 0) {
    refused = (await mailbox.changeFlags([...uids], given.how, given.flags)).refused.length;
  }
  if (!given.silent) await tellFlags(session, named, uids, by);
  else if (session.mayWrite) {
    await session.tellChanges({ mayExpunge: by === 'uids', silent: { uids, how: given.how, flags: given.flags } });
  }
  if (refused > 0) return no('LIMIT', 'Some of these messages have no room for more flags');
  const isGone = by === 'numbers' && !areThere(session, uids);
  return isGone ? REFUSED.someGone : ok('STORE completed');
}

/** Section 7.4.2: all of them, also those whose flags are what they were. */
async function tellFlags(
  session: CommandSession,
  named: readonly NumberedReport[],
  uids: ReadonlySet<number>,
  by: NamedBy,
): Promise<void> {
  const { folder, mailbox } = session;
  folder.acknowledge(uids, mailbox.folder(folder.name));
  await session.tellKeywords();
  for (const { number } of named) {
    const report = folder.reports[number - 1];
    if (!report) continue;
    const uid = by === 'uids' ? `UID ${report.uid} ` : '';
    await session.say(`* ${number} FETCH (${uid}FLAGS (${folder.flagsOf(report)}))\r\n`);
  }
}

function areThere({ mailbox, folder }: CommandSession, uids: ReadonlySet<number>): boolean {
  return mailbox.folder(folder.name).reports.filter(({ uid }) => uids.has(uid)).length === uids.size;
}

function readStore(args: ArgumentReader): StoreArguments {
  args.space();
  const set = readSequenceSet(args);
  args.space();
  const how = args.takes('+') ? 'add' : args.takes('-') ? 'remove' : 'replace';
  const item = args.itemName();
  if (item !== 'FLAGS' && item !== 'FLAGS.SILENT') throw args.fault('FLAGS or FLAGS.SILENT before this');
  args.space();
  const flags = readFlags(args);
  args.end();
  return { set, how, silent: item === 'FLAGS.SILENT', flags };
}
