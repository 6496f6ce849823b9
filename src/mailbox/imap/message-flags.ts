/** Flags as clients write them: RFC 3501 section 2.3.2. */
import { SYSTEM_FLAGS } from '../state/flag-names.js';
import type { ArgumentReader } from './argument-reader.js';

const BY_NAME = new Map<string, string>(SYSTEM_FLAGS.map((flag) => [flag.toLowerCase(), flag]));
/** Named in one command; more than a mailbox can have. */
const FLAGS_MAX = 128;
/** As long as any that programs use. */
const KEYWORD_OCTETS_MAX = 100;

/** flag-list, or flags without parentheses. `\Recent` is the server's to give and is passed over. */
export function readFlags(args: ArgumentReader): string[] {
  const flags: string[] = [];
  const one = (): void => {
    const flag = readFlag(args);
    if (flag !== undefined) flags.push(flag);
  };
  if (args.sees('(')) args.list(one, FLAGS_MAX, 'flags');
  else {
    one();
    for (let left = FLAGS_MAX; left > 0 && args.sees(' '); left--) {
      args.space();
      one();
    }
  }
  return flags;
}

function readFlag(args: ArgumentReader): string | undefined {
  const flag = args.flag();
  if (flag.toLowerCase() === '\\recent') return undefined;
  if (flag.startsWith('\\')) {
    const known = BY_NAME.get(flag.toLowerCase());
    if (known === undefined) throw args.fault(`one of ${SYSTEM_FLAGS.join(' ')} or a keyword before this`);
    return known;
  }
  if (flag.length > KEYWORD_OCTETS_MAX)
    throw args.fault(`a keyword of at most ${KEYWORD_OCTETS_MAX} octets before this`);
  return flag;
}

/** How many keywords there are with those of `flags`. */
export function countKeywords(keywords: readonly string[], flags: readonly string[]): number {
  const all = [...keywords, ...flags].filter((flag) => !flag.startsWith('\\'));
  return new Set(all.map((flag) => flag.toLowerCase())).size;
}
