/**
 * Reads a mail that came back: what kind it is, and what became of which recipient. A report for programs (RFC 3464) is
 * believed first; what it leaves open is looked for in its words for people, then in the message that came back with it.
 * Never fails, does no I/O, and takes time in proportion to the size of the mail.
 */
import { forNow } from '../../mail/categories.js';
import type { Classifier } from '../classify/classifier.js';
import { readProse, readReport } from './prose/read-prose.js';
import { combineRecipients, type FoundRecipient } from './report/combine-recipients.js';
import { enhancedIn } from './report/enhanced-code.js';
import { readDeliveryStatus, RECIPIENTS_MAX } from './report/delivery-status.js';
import { readComplaint } from './report/feedback-report.js';
import { isAutoReply, isChallenge, isChallengeDiagnostic, reportOf } from './report/kinds-by-header.js';
import { readMailFacts, type MailFacts } from './report/mail-facts.js';
import { isFromDaemon, likelihoodOfReport } from './report/plausible-report.js';
import type { ReturnedKind, ReturnedMail, ReturnedRecipient } from './returned-mail.js';

/** Two of the fields that every recipient has: RFC 3464 section 2.3. */
const STATUS_FIELDS = [/^(?:final|original)-recipient[ \t]{0,9}:/im, /^action[ \t]{0,9}:/im];

/** Every event keeps a copy. */
const DIAGNOSTIC_CHARACTERS_MAX = 1_000;

export function readReturnedMail(raw: Buffer, classifier: Classifier): ReturnedMail {
  const facts = unwrapped(readMailFacts(raw));
  const original = facts.original && { original: facts.original };

  const complaint = readComplaint(facts.raw, facts.root, facts.parts, facts.original);
  if (complaint) {
    const { feedbackType, diagnostic } = complaint;
    const recipients = complaint.addresses.map((address) => judged({ address, diagnostic }, classifier));
    return { kind: 'complaint', recipients, feedbackType, ...original };
  }
  const report = reportOf(facts);
  if (report) return { kind: 'other', recipients: [], report, ...original };

  const outcome = readOutcome(facts);
  if (outcome) {
    return { kind: outcome.kind, recipients: outcome.recipients.map((one) => judged(one, classifier)), ...original };
  }
  return { kind: kindOfOther(facts), recipients: [], ...original };
}

/** A gateway may wrap a report into a notice of its own: then the report inside says what happened. */
function unwrapped(facts: MailFacts): MailFacts {
  const [inside] = facts.parts.originals;
  if (inside === undefined || facts.parts.statuses.length > 0 || !isFromDaemon(facts)) return facts;
  const inner = readMailFacts(Buffer.from(inside));
  const isReport = isFromDaemon(inner) && (inner.parts.statuses.length > 0 || likelihoodOfReport(inner) === 'certain');
  return isReport ? inner : facts;
}

/** What the mail says of a delivery, if it is a report on one. */
function readOutcome(facts: MailFacts): { kind: ReturnedKind; recipients: FoundRecipient[] } | undefined {
  let statuses = facts.parts.statuses.flatMap((text) => readDeliveryStatus(text)).slice(0, RECIPIENTS_MAX);
  if (statuses.length > 0 && statuses.every(({ diagnostic }) => isChallengeDiagnostic(diagnostic))) {
    return { kind: 'challenge', recipients: [] };
  }
  const likelihood = statuses.length > 0 ? 'certain' : likelihoodOfReport(facts);
  if (likelihood === 'none') return undefined;
  const read = likelihood === 'certain' ? readReport : readProse;
  const prose = read({
    text: facts.words,
    subject: facts.subject,
    from: facts.from,
    header: (name) => facts.header(name.toLowerCase()),
    ...(facts.original && { original: facts.original }),
  });
  if (statuses.length === 0 && !prose) return undefined;
  // The fields of a report stand among the words where its part is broken or of another type.
  if (statuses.length === 0 && STATUS_FIELDS.every((field) => field.test(facts.words)))
    statuses = readDeliveryStatus(facts.words);
  return combineRecipients(statuses, prose, facts);
}

function kindOfOther(facts: MailFacts): ReturnedKind {
  // RFC 8098: what a person did with a mail says nothing of its way.
  if (facts.parts.dispositions.length > 0) return 'other';
  if (isChallenge(facts)) return 'challenge';
  return isAutoReply(facts) ? 'auto_reply' : 'other';
}

function judged(found: FoundRecipient, classifier: Classifier): ReturnedRecipient {
  const { address, final, action, status, code, mx, stage } = found;
  const diagnostic = found.diagnostic.slice(0, DIAGNOSTIC_CHARACTERS_MAX);
  // What the server said goes before what the reporting program made of it.
  const enhanced = enhancedIn(diagnostic) ?? status;
  const facts = {
    ...(code !== undefined && { code }),
    ...(enhanced !== undefined && { enhanced }),
    ...(mx !== undefined && { mx }),
    ...(stage !== undefined && { stage }),
  };
  let classification = classifier.classify({ ...facts, text: diagnostic });
  for (const text of found.otherWords ?? []) {
    if (classification.category !== 'unclassified') break;
    classification = classifier.classify({ ...facts, text });
  }
  if (classification.suppress) {
    // Nobody is called dead by a report that contradicts itself.
    const contradiction = (found.otherWords ?? [])
      .map((text) => classifier.classify({ text }))
      .find(({ category }) => category === 'mailbox_full');
    classification = contradiction ?? classification;
  }
  return {
    address,
    ...(final !== undefined && { final }),
    ...(action !== undefined && { action }),
    ...(status !== undefined && { status }),
    ...(code !== undefined && { code }),
    diagnostic,
    ...(mx !== undefined && { mx }),
    // Who is still being tried is not dead, whatever was said at the last try.
    classification: action === 'delayed' ? forNow(classification) : classification,
  };
}
