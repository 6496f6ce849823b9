/** The page of all refusals for people: docs/refusals.md. */
import { allIntakeRefusals } from '../bounces/intake/intake-refusals.js';
import { allRefusals } from './refusals.js';

const HEAD = `# What the relay says when it does not take a message

Every refusal at the doors, from one table (\`src/submission/refusals.ts\`); \`npm run docs\` writes this page. SMTP sends the code, the
enhanced status code and the text; HTTP the status and \`application/problem+json\` with the cause as \`code\`. The metric
\`posthorn_submissions_rejected_total\` counts them with the cause as \`reason\`. \`...\` stands for what the case fills in.

A 4xx of SMTP, and 429 and 503 of HTTP, pass: the client keeps the message and comes back, after \`Retry-After\` where HTTP names it. What
passes with time is never a 5xx of SMTP; a message that is too large is one (RFC 1870). All else must be put right first.

<!-- prettier-ignore-start -->
| cause | SMTP | HTTP | what the client reads |
| --- | --- | --- | --- |
`;

const INTAKE_HEAD = `
## The intake, where mail comes back

What other mail servers hear on port 25 (\`src/bounces/intake/intake-refusals.ts\`). It takes bounces of the relay's own mail, and mail to postmaster,
abuse and fbl.

<!-- prettier-ignore-start -->
| cause | SMTP | what the other server reads |
| --- | --- | --- |
`;

const END = '<!-- prettier-ignore-end -->\n';

export function refusalsPage(): string {
  const rows = allRefusals().map(
    ({ cause, code, enhanced, status, text }) =>
      `| \`${cause}\` | ${code} ${enhanced} | ${status} | ${text.replaceAll('|', '\\|')} |\n`,
  );
  const intakeRows = allIntakeRefusals().map(({ cause, code, text }) => {
    const [enhanced = '', ...words] = text.split(' ');
    return `| \`${cause}\` | ${code} ${enhanced} | ${words.join(' ').replaceAll('|', '\\|')} |\n`;
  });
  return `${HEAD}${rows.join('')}${END}${INTAKE_HEAD}${intakeRows.join('')}${END}`;
}
