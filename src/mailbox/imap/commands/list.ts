/** RFC 3501 sections 6.3.6 to 6.3.9, with what programs use of RFC 5258 and RFC 6154. The folders are flat. */
import { REPORT_FOLDERS, type FolderName, type ReportFolder } from '../../../bounces/reports/report-folders.js';
import type { ArgumentReader } from '../argument-reader.js';
import { ok, REFUSED, type Completion } from '../completion.js';
import { folderNamed } from '../folder-names.js';
import type { CommandSession, ImapCommand } from '../imap-command.js';

const PATTERNS_MAX = 20;
const OPTIONS_MAX = 20;

export const list: ImapCommand = {
  name: 'LIST',
  state: 'user',
  tells: 'all',
  async run(session, args) {
    args.space();
    const selection = args.sees('(') ? readOptions(args, SELECTIONS) : undefined;
    if (selection) args.space();
    const reference = args.astring('a reference');
    args.space();
    const patterns = args.sees('(')
      ? args.list(() => args.listPattern(), PATTERNS_MAX, 'patterns')
      : [args.listPattern()];
    const returned = readReturn(args);
    args.end();
    // Section 6.3.8: a pattern of nothing asks for the delimiter.
    if (patterns.length === 1 && patterns[0] === '') {
      await session.say('* LIST (\\Noselect) "/" ""\r\n');
      return ok('LIST completed');
    }
    const onlySubscribed = selection?.includes('SUBSCRIBED') === true;
    for (const folder of REPORT_FOLDERS satisfies readonly ReportFolder[]) {
      const { subscribed } = session.mailbox.folder(folder.name);
      if (!patterns.some((pattern) => matches(folder.name, reference + pattern))) continue;
      if (onlySubscribed && !subscribed) continue;
      if (selection?.includes('SPECIAL-USE') && !('specialUse' in folder)) continue;
      const saysSubscribed = subscribed && (onlySubscribed || returned.includes('SUBSCRIBED'));
      await session.say(`* LIST (${attributes(folder, saysSubscribed)}) "/" ${folder.name}\r\n`);
    }
    return ok('LIST completed');
  },
};

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
      if (!session.mailbox.folder(folder.name).subscribed || !matches(folder.name, pattern)) continue;
      await session.say(`* LSUB (${attributes(folder, false)}) "/" ${folder.name}\r\n`);
    }
    return ok('LSUB completed');
  },
};

export const subscribe: ImapCommand = {
  name: 'SUBSCRIBE',
  state: 'user',
  run: (session, args) => setSubscribed(session, args, true),
};
export const unsubscribe: ImapCommand = {
  name: 'UNSUBSCRIBE',
  state: 'user',
  run: (session, args) => setSubscribed(session, args, false),
};

/** RFC 2342. */
export const namespace: ImapCommand = {
  name: 'NAMESPACE',
  state: 'user',
  async run(session, args) {
    args.end();
    await session.say('* NAMESPACE (("" "/")) NIL NIL\r\n');
    return ok('NAMESPACE completed');
  },
};

async function setSubscribed(session: CommandSession, args: ArgumentReader, subscribed: boolean): Promise<Completion> {
  args.space();
  const name = folderNamed(args.astring('a folder'));
  args.end();
  if (!name) return REFUSED.noFolder;
  if (!session.mayWrite) return REFUSED.readOnlyLogin;
  await session.mailbox.setSubscribed(name, subscribed);
  return ok(`${subscribed ? 'SUBSCRIBE' : 'UNSUBSCRIBE'} completed`);
}

const SELECTIONS = ['SUBSCRIBED', 'REMOTE', 'RECURSIVEMATCH', 'SPECIAL-USE'];
const RETURNS = ['SUBSCRIBED', 'CHILDREN', 'SPECIAL-USE'];

function readOptions(args: ArgumentReader, known: readonly string[]): string[] {
  const read = (): string => {
    const option = args.word('an option');
    if (!known.includes(option)) throw args.fault(`one of ${known.join(', ')} before this`);
    return option;
  };
  return args.list(read, OPTIONS_MAX, 'options');
}

function readReturn(args: ArgumentReader): string[] {
  if (!args.sees(' ')) return [];
  args.space();
  if (args.atEnd) return [];
  if (args.word('RETURN') !== 'RETURN') throw args.fault('RETURN before this');
  args.space();
  return readOptions(args, RETURNS);
}

function attributes(folder: ReportFolder, subscribed: boolean): string {
  const all = [
    // RFC 3501 section 7.2.2: none can be made below. Thunderbird then archives into the folder itself, not into one of a year.
    '\\Noinferiors',
    '\\HasNoChildren',
    ...(folder.specialUse ? [folder.specialUse] : []),
    ...(subscribed ? ['\\Subscribed'] : []),
  ];
  return all.join(' ');
}

/** `*` is anything; `%` is anything without the delimiter, which no name holds. INBOX has no case. */
function matches(name: FolderName, pattern: string): boolean {
  const parts = pattern.split(/[*%]+/);
  const [text, wanted] = name === 'INBOX' ? [name, parts.map((part) => part.toUpperCase())] : [name, parts];
  const [first = '', ...rest] = wanted;
  if (rest.length === 0) return text === first;
  const last = rest.pop() ?? '';
  if (!text.startsWith(first)) return false;
  let at = first.length;
  for (const part of rest) {
    const found = text.indexOf(part, at);
    if (found === -1) return false;
    at = found + part.length;
  }
  return text.length - last.length >= at && text.endsWith(last);
}
