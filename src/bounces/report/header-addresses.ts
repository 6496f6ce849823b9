/** The addresses in a header field or a loose list: RFC 5322 section 3.4, as people and programs write them. */

const CHARACTERS_MAX = 64 * 1024;
// Local part as an atom or quoted, then a domain; what stands around it does not matter.
const ADDRESS =
  /(?:"(?:[^"\\\s]|\\.){1,64}"|[^\s<>()[\]",:;@\\]{1,128})@(?:\[[0-9A-Fa-f.:]{3,60}\]|[^\s<>()[\]",:;@\\]{1,253})/g;

/** In order, without repeats; in a list with angle brackets, only what stands in them. */
export function addressesIn(value: string): string[] {
  const text = value.slice(0, CHARACTERS_MAX);
  const angled = [...text.matchAll(/<\s*([^<>\s]+@[^<>\s]+?)\s*>/g)].map(([, inside = '']) => inside);
  const loose = text.replace(/"[^"\n]{0,200}"(?=\s*<)|\([^()]{0,200}\)/g, ' ').replace(/[^,<]{0,200}<[^<>]*>/g, ' ');
  return [
    ...new Set([...angled, ...(loose.match(ADDRESS) ?? [])].map((one) => one.replace(/[.']+$/, '').replace(/^'/, ''))),
  ];
}
