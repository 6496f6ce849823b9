/** Compares the TXT records at a selector with our key: RFC 6376 section 3.6.1, and the mistakes that people make. */
import { FINE, readTags, wrong, type Verdict } from './record-verdict.js';

/** What DNS editors do to a value that is pasted into them. */
const SPOILT: readonly (readonly [RegExp, string])[] = [
  [/"/, 'a quotation mark stands inside the value: publish it without quotes'],
  [/\\/, 'a backslash stands inside the value: publish it without backslashes'],
];

/** @param expected the value of the record as we say it; @param texts the TXT records at its name, their strings joined */
export function judgeDkim(expected: string, texts: readonly string[]): Verdict {
  const [text = '', ...more] = texts;
  if (more.length > 0) return judgeSeveral(expected, texts);
  const spoilt = SPOILT.find(([sign]) => sign.test(text));
  if (spoilt) return wrong(spoilt[1]);
  const tags = readTags(text);
  if (!tags) return wrong('the value is no list of "tag=value; tag=value": publish it exactly as shown');
  const version = tags.get('v');
  if (version !== undefined && (version !== 'DKIM1' || [...tags.keys()][0] !== 'v')) {
    return wrong('the value must begin with v=DKIM1');
  }
  return judgeTags(readTags(expected) ?? new Map(), tags);
}

function judgeTags(expected: ReadonlyMap<string, string>, tags: ReadonlyMap<string, string>): Verdict {
  const key = withoutSpace(tags.get('p'));
  const ours = withoutSpace(expected.get('p')) ?? '';
  if (key === undefined) return wrong('the value has no p=, the key itself: publish it exactly as shown');
  if (key === '') return wrong('p= is empty, which says that this key is revoked: publish the value as shown');
  if (key !== ours) {
    // RFC 1035 section 3.3.14: a string has 255 octets, and some editors cut what is longer.
    const isCut = ours.startsWith(key) || ours.endsWith(key);
    return wrong(
      isCut
        ? 'the key is cut off: split the value into several strings of at most 255 characters in one record'
        : 'another key stands there: replace the value, or take the other record away if nothing uses it',
    );
  }
  // RFC 6376 section 3.6.1: k= is rsa where it is absent.
  const type = expected.get('k') ?? 'rsa';
  if ((tags.get('k') ?? 'rsa') !== type) return wrong(`the value must have k=${type}`);
  if (!allows(tags.get('h'), ['sha256'])) return wrong('h= must allow sha256: take h= out');
  if (!allows(tags.get('s'), ['*', 'email'])) return wrong('s= must allow email: take s= out');
  if (tags.get('v') === undefined) return { ...FINE, todo: 'works; some receivers want v=DKIM1; at its beginning' };
  if (/(?:^|:)\s*y\s*(?::|$)/.test(tags.get('t') ?? '')) {
    return { ...FINE, todo: 'works; t=y says that you are only testing: take it out when you are done' };
  }
  return FINE;
}

/** RFC 6376 section 3.6.2.2: there must be one; of several, each receiver takes another. */
function judgeSeveral(expected: string, texts: readonly string[]): Verdict {
  const ours = withoutSpace(expected);
  if ([texts, texts.toReversed()].some((order) => withoutSpace(order.join('')) === ours)) {
    return wrong('the value was cut into several records: publish one record of several strings');
  }
  return wrong(`${texts.length} TXT records stand at this name: leave only the one that is shown`);
}

/** Whether a list with colons, or its absence, holds one of `wanted`. */
function allows(list: string | undefined, wanted: readonly string[]): boolean {
  if (list === undefined) return true;
  return list.split(':').some((item) => wanted.includes(item.trim()));
}

function withoutSpace(text: string | undefined): string | undefined {
  return text?.replace(/\s+/g, '');
}
