/** Text out of bytes in any charset, as a mail names it or as the bytes look. Never fails. */

const ESC = 27;

/**
 * @param charset as the mail names it: RFC 2045, by the names that browsers know; empty where it names none.
 */
export function decodeCharset(bytes: Buffer, charset: string): string {
  const label = charset
    .trim()
    .toLowerCase()
    // RFC 2231 section 5: a language may follow.
    .replace(/\*.*$/s, '');
  // Who says nothing, or ASCII, often means another one.
  if (label === '' || label === 'us-ascii' || label === 'ascii' || /^utf-?8$/.test(label)) return undeclared(bytes);
  return tryDecode(bytes, ALIASES[label] ?? label) ?? undeclared(bytes);
}

/** Names that mail programs use and the encoding standard does not know. */
const ALIASES: Readonly<Record<string, string>> = {
  cp932: 'shift_jis',
  'iso-2022-jp-1': 'iso-2022-jp',
  'iso-2022-jp-2': 'iso-2022-jp',
  'iso-2022-jp-ms': 'iso-2022-jp',
  cp50220: 'iso-2022-jp',
  cp50221: 'iso-2022-jp',
  cp949: 'euc-kr',
  cp936: 'gb18030',
  cp1250: 'windows-1250',
  cp1251: 'windows-1251',
  cp1252: 'windows-1252',
};

function undeclared(bytes: Buffer): string {
  // ESC begins the letters of ISO-2022-JP, RFC 1468; no other charset of mail has it.
  if (bytes.includes(ESC) && /\x1b\$[@B]|\x1b\([IJ]/.test(bytes.toString('latin1'))) {
    return tryDecode(bytes, 'iso-2022-jp') ?? bytes.toString('latin1');
  }
  const text = bytes.toString('utf8');
  return text.includes('\ufffd') ? (tryDecode(bytes, 'windows-1252') ?? bytes.toString('latin1')) : text;
}

function tryDecode(bytes: Buffer, label: string): string | undefined {
  try {
    return new TextDecoder(label).decode(bytes);
  } catch {
    return undefined;
  }
}
