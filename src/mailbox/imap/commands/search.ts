/** RFC 3501 section 6.4.4. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ArgumentReader } from '../argument-reader.js';
import { no, ok, type Completion } from '../completion.js';
import type { CommandSession, ImapCommand } from '../imap-command.js';
import { ReportJudge } from '../judge-report.js';
import type { NamedBy } from '../named-reports.js';
import { readSearchKeys, type TextOf } from '../search-keys.js';
import type { NumberedReport } from '../selected-folder.js';

export const search: ImapCommand = {
  name: 'SEARCH',
  state: 'selected',
  tells: 'all but expunges',
  run: (session, args) => searchReports(session, args, 'numbers'),
};

export const uidSearch: ImapCommand = {
  name: 'UID SEARCH',
  state: 'selected',
  tells: 'all',
  run: (session, args) => searchReports(session, args, 'uids'),
};

/** Reports that are judged by what the list says of them, before others have their turn. */
const REPORTS_PER_TURN = 1_000;

async function searchReports(session: CommandSession, args: ArgumentReader, by: NamedBy): Promise<Completion> {
  args.space();
  const textOf = readCharset(args);
  if (!textOf) return no('BADCHARSET (US-ASCII UTF-8)', 'This charset is not known');
  const key = readSearchKeys(args, textOf);
  // Scripts look for what is new by SEARCH alone: what has come is told first, and found. What is gone keeps its number,
  // which may be among the keys, until the end.
  await session.tellChanges({ mayExpunge: false });
  const judge = new ReportJudge(key, session.folder);
  const found: NumberedReport[] = [];
  const open: NumberedReport[] = [];
  for (const [index, report] of session.folder.reports.entries()) {
    const numbered = { number: index + 1, report };
    const verdict = judge.judge(numbered);
    if (verdict === true) found.push(numbered);
    if (verdict === undefined) open.push(numbered);
    if (numbered.number % REPORTS_PER_TURN === 0) await nextTurn();
  }
  for (const group of session.room.inGroups(open)) {
    await session.room.withRoomFor(group, session.connection, async () => {
      const contents = await session.mailbox.contents(group.map(({ report }) => report));
      for (const numbered of group) {
        const content = contents.get(numbered.report.uid);
        if (content && judge.judge(numbered, content) === true) found.push(numbered);
      }
    });
  }
  const numbers = found.map(({ number, report }) => (by === 'uids' ? report.uid : number)).sort((a, b) => a - b);
  await session.say(`* SEARCH${numbers.map((number) => ` ${number}`).join('')}\r\n`);
  return ok('SEARCH completed');
}

/** How texts are to be read; undefined where there is no such charset. */
function readCharset(args: ArgumentReader): TextOf | undefined {
  // Without one it is ASCII (section 6.4.4); who sends more means UTF-8.
  let charset = 'utf-8';
  if (args.takesWord('CHARSET')) {
    args.space();
    charset = args.astring('a charset');
    args.space();
  }
  try {
    const decoder = new TextDecoder(charset);
    return (octets) => decoder.decode(Buffer.from(octets, 'latin1'));
  } catch {
    return undefined;
  }
}
