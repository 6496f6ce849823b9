import { describe, expect, it } from '@jest/globals';
import { bodyStructure } from './body-structure.js';
import { ADDRESSES_MAX } from './header-limit.js';
import { DEPTH_MAX, readMessageParts } from './message-parts.js';

function structureOf(text: string, extended = true): string {
  const raw = Buffer.from(text.replaceAll('\n', '\r\n'), 'latin1');
  return bodyStructure(raw, readMessageParts(raw), extended);
}

const PLAIN = '"text" "plain" ("charset" "us-ascii") NIL NIL "7bit"';
const TWO_PARTS = `MIME-Version: 1.0
Content-Type: MULTIPART/Mixed; boundary=b

--b
Content-Type: TEXT/PLAIN; CHARSET=US-ASCII

body
--b
Content-Type: image/png; name="a b.png"
Content-Transfer-Encoding: BASE64
Content-ID: <960723163407.20117h@cac.washington.edu>
Content-Description: Compiler diff
Content-Disposition: attachment; filename*=utf-8''a%20b
Content-Language: en

AAAA
--b--
`;

describe('bodyStructure', () => {
  it('shows a plain text', () => {
    expect(structureOf('Subject: x\n\na\nb\n', false)).toBe(`(${PLAIN} 6 2)`);
    expect(structureOf('Subject: x\n\na\nb\n')).toBe(`(${PLAIN} 6 2 NIL NIL NIL NIL)`);
    expect(structureOf('Content-Type: TEXT/plain; Charset=US-ASCII\n\na\n', false)).toBe(`(${PLAIN} 3 1)`);
    expect(structureOf('Content-Type: TEXT/plain\nContent-Id: x\n\na\n', false)).toContain('("TEXT" "plain" (');
  });

  it('shows the parts of a multipart, without and with what only BODYSTRUCTURE holds', () => {
    const text = '"TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7bit" 4 0';
    const image =
      '"image" "png" ("name" "a b.png") "<960723163407.20117h@cac.washington.edu>" "Compiler diff" "BASE64" 4';
    expect(structureOf(TWO_PARTS, false)).toBe(`((${text})(${image}) "Mixed")`);
    expect(structureOf(TWO_PARTS)).toBe(
      `((${text} NIL NIL NIL NIL)(${image} NIL ("attachment" ("filename*" "utf-8''a%20b")) ("en") NIL) ` +
        '"Mixed" ("boundary" "b") NIL NIL NIL)',
    );
  });

  it('shows the envelope and the structure of a message inside', () => {
    expect(structureOf('Content-Type: message/rfc822\n\nSubject: in\n\na\n', false)).toBe(
      `("message" "rfc822" NIL NIL NIL "7bit" 18 (NIL "in" NIL NIL NIL NIL NIL NIL NIL NIL) (${PLAIN} 3 1) 3)`,
    );
  });

  it('shows an empty text in a multipart without parts', () => {
    expect(structureOf('Content-Type: multipart/mixed\n\n', false)).toBe(`((${PLAIN} 0 0) "mixed")`);
    expect(structureOf('Content-Type: multipart/mixed\n\n')).toBe(
      `((${PLAIN} 0 0 NIL NIL NIL NIL) "mixed" NIL NIL NIL NIL)`,
    );
  });

  it('adds a charset to a text that names none, and shows a type that cannot be read as empty', () => {
    expect(structureOf('Content-Type: text/html; a=b\n\n', false)).toBe(
      '("text" "html" ("a" "b" "charset" "us-ascii") NIL NIL "7bit" 0 0)',
    );
    expect(structureOf('Content-Type: junk junk\n\n', false)).toBe('("" "" NIL NIL NIL "7bit" 0)');
  });

  it('reads no more of the headers of thousands of messages inside than of one', () => {
    const inside = `--b\n\nTo: ${'a,'.repeat(1_000)}\n\n`;
    const shown = structureOf(`Content-Type: multipart/digest; boundary=b\n\n${inside.repeat(4_000)}`, false);
    expect(shown.match(/"message" "rfc822"/g)).toHaveLength(4_000);
    expect(shown.match(/"MISSING_DOMAIN"/g)?.length).toBeLessThanOrEqual(ADDRESSES_MAX);
  });

  it('shows what lies too deep as octets', () => {
    const deep = 'Content-Type: message/rfc822\n\n'.repeat(DEPTH_MAX + 20);
    expect(structureOf(deep, false)).toMatch(/"application" "octet-stream" NIL NIL NIL "7bit" 640\)/);
  });
});
