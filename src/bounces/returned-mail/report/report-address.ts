/** Addresses as reports write them: `rfc822; <user@example.com>`, RFC 3464 section 2.3.1, RFC 3461 and RFC 6533. */

export interface TypedValue {
  /** Lower case; empty where none is given. */
  readonly type: string;
  readonly value: string;
}

/** `type; value`: RFC 3464 section 2.1.2. */
export function typedValue(field: string): TypedValue {
  const [, type = '', value = field] = /^\s*([A-Za-z][\w.+/-]{0,40})\s*;\s*(.*)$/s.exec(field) ?? [];
  return { type: type.toLowerCase(), value: value.trim() };
}

/** The address in a recipient field; undefined where it holds none, as with X.400 and `unknown`. */
export function addressIn(field: string): string | undefined {
  const { type, value } = typedValue(field.replace(/\s+/g, ' '));
  const decoded = type === 'utf-8' ? fromUtf8Form(value) : fromXtext(value);
  const [, angled] = /<([^<>\s]+)>\s*(?:\(.*)?$/.exec(decoded) ?? [];
  const text = (angled ?? decoded)
    .replace(/^(?:smtp|rfc822|mailto):/i, '')
    .replace(/^["'<\s]+(?=[^"]*$)|[>'\s;,]+$/g, '');
  const address = /^("[^"]*"|[^\s"]+)@(\[[^\]]*\]|[^\s<>()@,;:"]+)/.exec(text)?.[0] ?? barePart(type, text);
  return address === undefined || address.length > 320 ? undefined : address.replace(/\.$/, '');
}

/** A local user's name, as servers write it of their own users. */
function barePart(type: string, text: string): string | undefined {
  return /^(?:|rfc822|rfc\/822|local|utf-8|unknown|unix|x-local-user)$/.test(type) && /^[^\s@<>/=;:,]{1,64}$/.test(text)
    ? text
    : undefined;
}

/** RFC 3461 section 4: xtext must encode `+` and `=`; other pairs are a plus address as it stands (`user+AB@...`). */
function fromXtext(text: string): string {
  return text.replace(/\+(2B|3D)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** RFC 6533 section 3: `\x{E9}`. */
function fromUtf8Form(text: string): string {
  return text.replace(/\\x\{([0-9A-F]{2,6})\}/gi, (whole, hex: string) => {
    const point = Number.parseInt(hex, 16);
    return point <= 0x10ffff ? String.fromCodePoint(point) : whole;
  });
}
