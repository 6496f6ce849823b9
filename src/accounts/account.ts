/** An account: whose mail it is. Its credentials and sending domains are kept beside it. */
import { ACCOUNTS_PREFIX } from '../store/keyspace.js';

/** Hash: the accounts by name. */
export const ACCOUNTS_KEY = `${ACCOUNTS_PREFIX}:accounts`;

/** Messages in a window of time; a window that is absent is not limited. */
export interface MessageLimits {
  readonly perSecond?: number;
  readonly perHour?: number;
  readonly perDay?: number;
  /** Of the calendar month, UTC. */
  readonly perMonth?: number;
}

export interface AccountLimits {
  /** Of the streams `default` and `bulk`. */
  readonly messages?: MessageLimits;
  /** Of the stream `critical`, counted apart so that bulk cannot starve it; as `messages` where it is absent. */
  readonly criticalMessages?: MessageLimits;
  readonly recipientsPerMessage?: number;
  readonly messageBytes?: number;
}

/** What becomes of a message that is over a limit of time: asked to come back, or kept until the window allows it. */
export const ON_LIMIT = ['refuse', 'hold'] as const;
export type OnLimit = (typeof ON_LIMIT)[number];

/** When the mail of an account looks as if somebody else sent it. */
export interface AbuseWatch {
  /** Messages of this hour against the busiest hour of the last seven days. */
  readonly volumeFactor: number;
  /** Share of recipients whose servers say that they do not exist, of those settled in this hour: 0 to 1. */
  readonly unknownRate: number;
  readonly action: 'alert' | 'suspend';
}

export const DEFAULT_WATCH: AbuseWatch = { volumeFactor: 10, unknownRate: 0.2, action: 'alert' };

/** Over SMTP, a recipient that is suppressed: accepted and reported as an event, or refused at RCPT. */
export const SUPPRESSED_RECIPIENTS = ['report', 'refuse'] as const;
export type SuppressedRecipients = (typeof SUPPRESSED_RECIPIENTS)[number];

export const DEFAULT_SUPPRESS_AFTER = 5;

export interface Account {
  readonly name: string;
  /** A suspended account's submissions are refused for the time being, and its queued mail waits. */
  readonly state: 'active' | 'suspended';
  readonly suspendedBecause?: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly limits: AccountLimits;
  readonly onLimit: OnLimit;
  readonly watch: AbuseWatch;
  readonly suppressedRecipients: SuppressedRecipients;
  /**
   * Messages refused within 30 days, for no reason that is known, until their recipient is suppressed for such a time; 0:
   * never.
   */
  readonly suppressAfter: number;
  /** POSTHORN_PROVISION made it; it goes when it no longer stands there, and nothing of it was made by hand. */
  readonly provisioned?: true;
  /** It was made by hand, and POSTHORN_PROVISION names it: it stays, and only what that made of it goes. */
  readonly namedInProvision?: true;
}

/** What of an account may be changed. */
export type AccountChange = Partial<Omit<Account, 'name' | 'createdAt'>>;

/** Settings that accounts did not have at first. */
const LATER_SETTINGS = { suppressedRecipients: 'report', suppressAfter: DEFAULT_SUPPRESS_AFTER } as const;

export function newAccount(name: string, nowMs: number, settings: AccountChange = {}): Account {
  return {
    name,
    state: 'active',
    createdAt: nowMs,
    limits: {},
    onLimit: 'refuse',
    watch: DEFAULT_WATCH,
    ...LATER_SETTINGS,
    ...settings,
  };
}

/** An account out of its record: one that is older than a setting has that setting's default. */
export function readAccount(record: string): Account {
  const account = JSON.parse(record) as Account & Partial<typeof LATER_SETTINGS>;
  const { suppressedRecipients, suppressAfter } = { ...LATER_SETTINGS, ...account };
  // Their order in the record stays, so that it compares as unchanged.
  return { ...account, suppressedRecipients, suppressAfter };
}
