/** The addresses in a header field or a loose list: RFC 5322 section 3.4, as people and programs write them. */

const CHARACTERS_MAX = 32 * 1024;
// Local part as an atom or quoted, then a domain; what stands around it does not matter.
const ADDRESS =
  /(?:"(?:[^"\\\s]|\\.){1,64}"|[^\s<>()[\]",:;@\\]{1,128})@(?:\[[0-9A-Fa-f.:]{3,60}\]|[^\s<>()[\]",:;@\\]{1,253})/g;

const ANGLED = /<\s{0,20}([^<>\s@]{1,128}@[^<>\s]{1,255})\s{0,20}>/g;

/** In order, without repeats; of a mailbox with angle brackets, only what stands in them. */
export function addressesIn(value: string): string[] {
  const found = value
    .slice(0, CHARACTERS_MAX)
    .split(',')
    .flatMap((mailbox) => {
      if (!mailbox.includes('@')) return [];
      const angled = [...mailbox.matchAll(ANGLED)].map(([, inside = '']) => inside);
      return angled.length > 0 ? angled : (mailbox.match(ADDRESS) ?? []);
    });
  return [...new Set(found.map((one) => one.replace(/^'/, '').replace(/[.']{1,5}$/, '')))];
}
