/**
 * Tells what a refusal means. What a caller may assume: every input gets a class, at once and without I/O; the same input
 * always gets the same one.
 */
import type { Finding, DialogueStage } from '../../mail/classification.js';

/** What is known of a refusal. The more, the better the answer; the text alone will do. */
export interface RefusalFacts {
  /** SMTP reply code, 200 to 599. */
  readonly code?: number;
  /** Enhanced status code, RFC 3463. */
  readonly enhanced?: string;
  /** The server's words, in any language; only the first 4,000 characters are looked at. */
  readonly text: string;
  readonly stage?: DialogueStage;
  /** The host that spoke, as a name, `name[address]` or `name[address]:port`. */
  readonly mx?: string;
}

export abstract class Classifier {
  abstract classify(facts: RefusalFacts): Finding;
}
