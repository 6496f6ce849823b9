/** Settings with one plain value: numbers, ports, yes or no, one of a few words, paths, names, keys. */
import { fault, listOfText, ok, oneOfText, readEach } from './setting.js';

const PORT_MAX = 65_535;
/** PATH_MAX of Linux. */
const PATH_CHARACTERS_MAX = 4096;
const ACCOUNT_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
/** What may stand in an Authorization header as one word: RFC 9110 section 5.6.2 and more, without spaces. */
const KEY = /^[\x21-\x7e]{1,512}$/;

const SECRET_CHARACTERS_MAX = 1024;

/** A whole number from `min` to `max`, both included. */
export function wholeNumber(min: number, max: number, noun = 'a whole number', note = '') {
  return oneOfText((text) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : NaN;
    return value >= min && value <= max ? ok(value) : fault(`must be ${noun} from ${min} to ${max}${note}`);
  }, String);
}

/** Three whole numbers from `min` to `max`, none smaller than the one before. */
export function threeNumbers(min: number, max: number) {
  const expected = `must be three whole numbers from ${min} to ${max}, none smaller than the one before: 500,1500,3000`;
  return oneOfText<readonly [number, number, number]>(
    (text) => {
      const numbers = /^\s*(\d{1,9})\s*,\s*(\d{1,9})\s*,\s*(\d{1,9})\s*$/.exec(text)?.slice(1).map(Number) ?? [];
      const [first = NaN, second = NaN, third = NaN] = numbers;
      const isGood = min <= first && first <= second && second <= third && third <= max;
      return isGood ? ok([first, second, third] as const) : fault(expected);
    },
    (values) => values.join(','),
  );
}

/** A port to listen on. */
export function listenerPort() {
  return wholeNumber(0, PORT_MAX, 'a port number', ' (0 turns the listener off)');
}

/** A port of others, to connect to. */
export function remotePort() {
  return wholeNumber(1, PORT_MAX, 'a port number');
}

export function flag() {
  return oneOfText((text) => {
    if (/^(?:true|yes|on|1)$/i.test(text)) return ok(true);
    return /^(?:false|no|off|0)$/i.test(text) ? ok(false) : fault('must be true or false');
  }, String);
}

/** One of a few words. `note` says of others why they are not among them. */
export function choice<const T extends string>(words: readonly T[], note: (text: string) => string = () => '') {
  const listed = words.length === 1 ? words[0] : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
  return oneOfText<T>(
    (text) => {
      const word = words.find((candidate) => candidate === text.toLowerCase());
      return word === undefined ? fault(`must be ${listed}${note(text)}`) : ok(word);
    },
    (value) => value,
  );
}

/** Some of a few words, or `all`; in the order of `words` whatever the order in the text. */
export function choices<const T extends string>(words: readonly T[], noun: string) {
  const expected = `must be all, or some of ${words.join(', ')}`;
  return listOfText<T>(
    (items) => {
      if (items.length === 0) return fault(expected);
      const read = readEach(items, noun, 100, (item) => {
        const found = words.filter((word) => item.toLowerCase() === 'all' || word === item.toLowerCase());
        return found.length === 0 ? fault(expected) : ok(found);
      });
      return read.kind === 'ok' ? ok(words.filter((word) => read.value.flat().includes(word))) : read;
    },
    (values) => (values.length === words.length ? 'all' : values.join(',')),
  );
}

/** A path; the loader has made it absolute. */
export function path() {
  return oneOfText(
    (text) =>
      /^\/[^\x00-\x1f\x7f]*$/.test(text) && text.length <= PATH_CHARACTERS_MAX ? ok(text) : fault('must be a path'),
    (value) => value,
  );
}

export function isAccountName(text: string): boolean {
  return ACCOUNT_NAME.test(text);
}

export function accountName() {
  return oneOfText(
    (text) =>
      isAccountName(text) ? ok(text) : fault('must be an account name: up to 64 letters, digits, ".", "_", "-"'),
    (value) => value,
  );
}

export function key() {
  return oneOfText(
    (text) => (KEY.test(text) ? ok(text) : fault('must be a key: up to 512 visible ASCII characters, no spaces')),
    (value) => value,
  );
}

/** A secret of at least `charactersMin` characters, out of which keys are derived. */
export function secretText(charactersMin: number) {
  return oneOfText(
    (text) =>
      text.length >= charactersMin && text.length <= SECRET_CHARACTERS_MAX
        ? ok(text)
        : fault(`must be ${charactersMin} to ${SECRET_CHARACTERS_MAX} characters of chance`),
    (value) => value,
  );
}
