/** AOL and others that name only local parts: "Your mail to the following recipients could not be delivered". */
import type { Family } from '../prose.js';
import { completeAddress, recipientsOf } from '../recipients.js';

const HEADING = /(?:following (?:recipients?|users?|address(?:es)?|mailbox(?:es)?)|recipients?) [^\n]{0,300}[:;]?\s*$/i;

export const localNames: Family = {
  name: 'local-names',
  recognises: ({ lines }) => headingOf(lines) !== -1 && namesBelow(lines, headingOf(lines)).length > 0,
  read: (text) => {
    const heading = headingOf(text.lines);
    const addresses = namesBelow(text.lines, heading).flatMap((name) => completeAddress(name, text) ?? []);
    const words = text.lines.slice(Math.max(0, heading - 2), heading + 1).join(' ');
    return recipientsOf(
      addresses.map((address) => ({ address, words })),
      text,
    );
  },
};

function headingOf(lines: readonly string[]): number {
  return lines.findIndex(
    (line, index) =>
      HEADING.test(line) && /^\s+[\w.+-]{2,64}$/.test(lines.slice(index + 1).find((next) => next.trim() !== '') ?? ''),
  );
}

function namesBelow(lines: readonly string[], heading: number): string[] {
  const names: string[] = [];
  for (const line of lines.slice(heading + 1)) {
    if (line.trim() === '') continue;
    const name = /^\s+([\w.+-]{2,64})$/.exec(line)?.[1];
    if (name === undefined || names.length >= 100) break;
    names.push(name);
  }
  return names;
}
