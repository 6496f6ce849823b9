/** The words of an HTML text, roughly as a person sees them: enough to look for addresses and reasons in it. */

const ENTITIES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    ...{ lt: '<', gt: '>', amp: '&', quot: '"', apos: "'", nbsp: ' ', shy: '', zwnj: '' },
    ...{ lsquo: '‘', rsquo: '’', ldquo: '“', rdquo: '”', laquo: '«', raquo: '»', ndash: '–', mdash: '—', hellip: '…' },
    ...{
      szlig: 'ß',
      oslash: 'ø',
      Oslash: 'Ø',
      aelig: 'æ',
      AElig: 'Æ',
      aring: 'å',
      Aring: 'Å',
      iexcl: '¡',
      iquest: '¿',
    },
  }),
);

/** `&eacute;`: a letter, and what stands above or below it. */
const MARKS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    ...{ grave: '\u0300', acute: '\u0301', circ: '\u0302', tilde: '\u0303', uml: '\u0308', cedil: '\u0327' },
    ...{ caron: '\u030c', ogonek: '\u0328', dot: '\u0307' },
  }),
);

export function textOfHtml(html: string): string {
  return (
    withNames(withoutHidden(html))
      .replace(/[ \t\u00a0]+/g, ' ')
      .replace(/ ?\n ?/g, '\n')
      .replace(
        /<(?:br|p|div|tr|li|h[1-6]|table|blockquote|pre|hr|\/p|\/div|\/tr|\/h[1-6]|\/pre)\b[^<>]{0,2000}>/gi,
        '\n',
      )
      .replace(/<\/?[a-z!][^<>@]{0,2000}>/gi, ' ')
      // An address in angle brackets stays; a link shows its words only.
      .replace(/<a\s[^<>]{0,2000}>/gi, ' ')
      .replace(/<\/?[a-z]+\s[^<>]{0,2000}>/gi, ' ')
      .replace(
        /&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]{2,8}));/gi,
        (whole, decimal?: string, hex?: string, name?: string) => {
          if (name !== undefined) return entity(name) ?? whole;
          const point = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal);
          return point > 0 && point <= 0x10ffff ? String.fromCodePoint(point) : ' ';
        },
      )
      .replace(/[ \t\u00a0]+/g, ' ')
      .replace(/ ?\n(?:[ ]?\n)+/g, '\n\n')
  );
}

function entity(name: string): string | undefined {
  const mark = MARKS.get(name.slice(1));
  return (
    ENTITIES.get(name) ?? ENTITIES.get(name.toLowerCase()) ?? (mark && `${name.charAt(0)}${mark}`.normalize('NFC'))
  );
}

/** `<a href="mailto:a@b">Anna</a>`: the address stands in the link alone, and is what is looked for. */
function withNames(html: string): string {
  return html.replace(
    /<a\s[^<>]{0,300}?href=["']?mailto:([^"'<>?\s]{3,320})[^<>]{0,500}>([^<>@]{1,200})<\/a>/gi,
    (_, address: string, words: string) => `${words}&lt;mailto:${address}&gt;`,
  );
}

/** Styles, scripts and comments are cut out by hand: a regular expression for them is slow where they have no end. */
function withoutHidden(html: string): string {
  // Letter for letter: some of others become two, and the places would no longer agree.
  const lower = html.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
  let text = '';
  let at = 0;
  for (const { index, 0: opening } of lower.matchAll(/<!--|<style\b|<script\b|<title\b/g)) {
    if (index < at) continue;
    const closing = opening === '<!--' ? '-->' : `</${opening.slice(1)}>`;
    text += html.slice(at, index);
    const end = lower.indexOf(closing, index);
    if (end === -1) return text;
    at = end + closing.length;
  }
  return text + html.slice(at);
}
