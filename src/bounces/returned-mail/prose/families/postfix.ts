/** Postfix: `<a@b>: host mx[1.2.3.4] said: 550 ... (in reply to RCPT TO command)`, continued on indented lines. bounce(5). */
import type { Family, ReportText } from '../prose.js';
import { recipientsOf } from '../recipients.js';

const RECIPIENT = /^<([^<>\s]{1,400}|"[^"<>]{1,64}"@[^<>\s]{1,255})>(?: \(expanded from <[^<>]{1,400}>\))?:(.*)$/;
const EXPANDED_BELOW = /^\s{1,8}<[^<>\s]{1,400}>\):/;

export const postfix: Family = {
  name: 'postfix',
  recognises: ({ report }) =>
    /this is the (?:mail system|postfix[^\n]{0,60}program) at|\(in reply to [^)]{3,40} command\)|i'm sorry to have to inform you that/i.test(
      report,
    ),
  read: (text) => recipientsOf(blocks(text), text),
};

function blocks({ lines }: ReportText): { address: string; words: string }[] {
  const found: { address: string; words: string[] }[] = [];
  for (const line of lines) {
    const start = RECIPIENT.exec(joined(line));
    if (start?.[1]?.includes('@')) found.push({ address: start[1], words: [start[2]!] });
    else if (found.length > 0 && line.length < 60 && found.at(-1)?.words.length !== 1 && /^--|^#/.test(line)) break;
    else if (EXPANDED_BELOW.test(line)) found.at(-1)?.words.push(line.replace(EXPANDED_BELOW, ''));
    else if (/^\s+\S/.test(line)) found.at(-1)?.words.push(line);
  }
  return found.map(({ address, words }) => ({ address, words: words.join('\n') }));
}

// The alias that led here stands on the same line, or broken onto the next.
function joined(line: string): string {
  return line.replace(/^(<[^<>\s]{1,400}>) \(expanded from$/, '$1:');
}
