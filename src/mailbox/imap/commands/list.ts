/** RFC 3501 section 6.3.8, with what programs use of RFC 5258 and RFC 6154. */
import { REPORT_FOLDERS } from '../../../bounces/reports/report-folders.js';
import type { ArgumentReader } from '../argument-reader.js';
import { ok } from '../completion.js';
import { attributesOf, matchesPattern } from '../folder-names.js';
import type { ImapCommand } from '../imap-command.js';

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
    for (const folder of REPORT_FOLDERS) {
      const { subscribed } = session.mailbox.folder(folder.name);
      if (!patterns.some((pattern) => matchesPattern(folder.name, reference + pattern))) continue;
      if (onlySubscribed && !subscribed) continue;
      if (selection?.includes('SPECIAL-USE') && !('specialUse' in folder)) continue;
      const saysSubscribed = subscribed && (onlySubscribed || returned.includes('SUBSCRIBED'));
      await session.say(`* LIST (${attributesOf(folder, saysSubscribed)}) "/" ${folder.name}\r\n`);
    }
    return ok('LIST completed');
  },
};

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
