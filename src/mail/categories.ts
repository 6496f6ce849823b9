/** What each class of refusal means and what follows from it; the one table behind the rules, the API and `docs/bounces.md`. */
import type { BounceType, Category, Classification, Fault, Finding } from './classification.js';

export interface CategoryFacts {
  readonly type: BounceType;
  /** Whether it makes sense to send it again as it is; whether that is done by itself, the code decides. */
  readonly retry: boolean;
  readonly suppress: boolean;
  readonly fault: Fault;
  /** What happened, in plain words for the sender. */
  readonly explanation: string;
  /** What to do about it. */
  readonly todo: string;
}

const hard = { type: 'hard', retry: false, suppress: true } as const;
const soft = { type: 'soft', retry: true, suppress: false } as const;
const undetermined = { type: 'undetermined', retry: false, suppress: false } as const;

export const CATEGORY_FACTS: Readonly<Record<Category, CategoryFacts>> = {
  unknown_recipient: {
    ...hard,
    fault: 'recipient',
    explanation: 'The mailbox does not exist.',
    todo: 'Look for a typo, or ask the person for a working address. Do not send to this one again.',
  },
  recipient_disabled: {
    ...hard,
    fault: 'recipient',
    explanation: 'The mailbox exists, but it is closed, suspended or no longer used.',
    todo: 'Do not send to it again, unless the person says that it works.',
  },
  recipient_moved: {
    ...hard,
    fault: 'recipient',
    explanation: 'The person has another address now.',
    todo: 'Use the new address if the reply names one, and do not send to this one again.',
  },
  bad_domain: {
    ...hard,
    fault: 'recipient',
    explanation: 'The domain of the address does not exist, or takes no mail at all.',
    todo: 'Look for a typo in the domain.',
  },
  mailbox_full: {
    ...soft,
    fault: 'recipient',
    explanation: 'The mailbox is full.',
    todo: 'Tell the person by another channel, and send it again when there is room.',
  },
  recipient_refused: {
    ...undetermined,
    fault: 'recipient',
    explanation: 'The person, or who runs the mailbox, does not take this mail: a filter, or a list of who may write.',
    todo: 'Ask the person to allow your address.',
  },
  message_too_large: {
    ...undetermined,
    fault: 'content',
    explanation: 'The message is larger than the server takes. The address is fine.',
    todo: 'Make it smaller, or put links in place of the attachments.',
  },
  content_spam: {
    ...undetermined,
    fault: 'content',
    explanation: 'The server took the content for spam.',
    todo: 'Look at the words, the links and how often you send. Do not send the same again.',
  },
  content_malware: {
    ...undetermined,
    fault: 'content',
    explanation: 'The server found a virus, a phishing link or a forbidden program in the message.',
    todo: 'Stop this message, take out the attachment or link, and see whether somebody else uses your account.',
  },
  content_rejected: {
    ...undetermined,
    fault: 'content',
    explanation: 'The form of the message is not what the server takes: its header, an attachment or its encoding.',
    todo: 'Mend the program that makes the message.',
  },
  auth_failed: {
    ...undetermined,
    fault: 'sender',
    explanation: 'The server could not see that the mail is really from your domain (SPF, DKIM or DMARC).',
    todo: 'Mend the DNS records of the sending domain, then send it again.',
  },
  sender_rejected: {
    ...undetermined,
    fault: 'sender',
    explanation: 'The server does not take mail from this sender address or domain.',
    todo: 'See that the sender address exists and its domain takes mail, or ask to be allowed.',
  },
  relay_denied: {
    ...undetermined,
    fault: 'sender',
    explanation: 'The server we reached is not responsible for the address, or wants us to log in first.',
    todo: 'Look for a typo in the domain; else its MX record or our route is wrong. The address itself may be fine.',
  },
  tls_failed: {
    ...soft,
    fault: 'infrastructure',
    explanation: 'No encrypted connection could be made that satisfies both sides.',
    todo: 'Nothing for the sender; the operator looks at certificates and TLS versions on both sides.',
  },
  reverse_dns: {
    ...undetermined,
    fault: 'infrastructure',
    explanation: 'The name of our server and its IP address do not agree in DNS (PTR, HELO).',
    todo: 'The operator sets the PTR record of the sending IP to the name in HELO, then the mail is sent again.',
  },
  ip_blocked: {
    ...undetermined,
    fault: 'reputation',
    explanation: 'The IP address that sent the mail is on a block list, or has a bad reputation there.',
    todo: 'The operator asks the list named in the reply to be taken off. The address is fine.',
  },
  domain_blocked: {
    ...undetermined,
    fault: 'reputation',
    explanation: 'The sending domain, or a link in the message, is on a block list.',
    todo: 'Stop sending, take out the link, and ask the list to take the domain off.',
  },
  rate_limited: {
    ...soft,
    fault: 'reputation',
    explanation: 'The server takes no more mail from us for now: too many messages or connections in a short time.',
    todo: 'Nothing, where it is tried again; else send it again later, and less at once.',
  },
  greylisted: {
    ...soft,
    fault: 'protocol',
    explanation: 'The server does not know us yet, and asks us to come back in a few minutes.',
    todo: 'Nothing, where it is tried again; else send it again in a quarter of an hour.',
  },
  policy_rejected: {
    ...undetermined,
    fault: 'reputation',
    explanation: 'A rule of the server forbids this mail, and it does not say which.',
    todo: 'Read the reply and any page it names, or ask the postmaster there. Do not send the same again unchanged.',
  },
  remote_system_error: {
    ...soft,
    fault: 'infrastructure',
    explanation: 'The other mail system has a fault: its disk is full, or its configuration is wrong.',
    todo: 'Nothing, where it is tried again; else send it again later. If it lasts for days, tell its postmaster.',
  },
  connection_failed: {
    ...soft,
    fault: 'infrastructure',
    explanation: 'The other server could not be reached, or the connection broke.',
    todo: 'Nothing, where it is tried again; else send it again later.',
  },
  routing_error: {
    ...soft,
    fault: 'infrastructure',
    explanation:
      'The mail went in circles, or no way to the mailbox was found: the DNS or a forwarding there is wrong.',
    todo: 'Tell who runs the mail of that domain.',
  },
  protocol_error: {
    ...undetermined,
    fault: 'protocol',
    explanation: 'The two servers did not understand each other: a command or extension that the other does not know.',
    todo: 'Tell the operator: it is a bug or an incompatibility.',
  },
  expired: {
    type: 'soft',
    retry: false,
    suppress: false,
    fault: 'infrastructure',
    explanation: 'It was tried again and again until its time was over.',
    todo: 'The last reply says why; send it again later.',
  },
  unclassified: {
    ...undetermined,
    fault: 'unknown',
    explanation: 'The server refused the mail, and no rule knows its words.',
    todo: 'Read the reply. If it comes often, add a rule for it.',
  },
};

/** Rule of what we found ourselves: no server said it. */
export const OWN_RULE = 'local';

/** What the class `category` says by itself. `rule` is what decided on it. */
export function findingOf(category: Category, rule: string): Finding {
  const { type, retry, suppress, fault } = CATEGORY_FACTS[category];
  return { category, type, retry, suppress, fault, rule };
}

/** The finding of what is refused for the time being only, whatever its words: never hard, and never held against the address. */
export function forNow(finding: Finding): Finding {
  return { ...finding, type: finding.type === 'hard' ? 'soft' : finding.type, retry: true, suppress: false };
}

/** The finding with its words: its rule's own, else those of its class. */
export function inWords(finding: Finding): Classification {
  const { explanation, todo } = CATEGORY_FACTS[finding.category];
  return { explanation, todo, ...finding };
}
