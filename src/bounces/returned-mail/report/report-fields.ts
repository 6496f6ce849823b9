/** Fields as reports for programs have them: `name: value` lines in groups that empty lines part, RFC 3464 section 2.1. */

export interface ReportField {
  /** Lower case. */
  readonly name: string;
  /** Unfolded. */
  readonly value: string;
  /** Whether an empty line stands before it. */
  readonly afterBlank: boolean;
}

const FIELD = /^([A-Za-z][A-Za-z0-9_-]{0,60})[ \t]*:[ \t]*(.*)$/;
const LINES_MAX = 20_000;

/** @param text lines end in LF. What is no field is passed over. */
export function reportFields(text: string): ReportField[] {
  const fields: { name: string; value: string; afterBlank: boolean }[] = [];
  let afterBlank = true;
  for (const line of text.split('\n', LINES_MAX)) {
    const [, name, value = ''] = FIELD.exec(line) ?? [];
    const last = fields.at(-1);
    if (line.trim() === '') afterBlank = true;
    else if (name !== undefined) {
      fields.push({ name: name.toLowerCase(), value: value.trim(), afterBlank });
      afterBlank = false;
    } else if (last && !afterBlank && last.value.length < VALUE_CHARACTERS_MAX) {
      // Some fold without the white space that RFC 5322 section 2.2.3 asks for.
      last.value = `${last.value} ${line.trim()}`.trim();
    }
  }
  return fields;
}

const VALUE_CHARACTERS_MAX = 4_000;
