/** Who may read a mailbox, and how many at once: what IMAP and POP3 have in common. */
import type { Credential, Credentials } from '../accounts/credentials.js';
import type { LineConnection } from '../listeners/line-connection.js';
import { ConnectionLost } from '../listeners/line-writer.js';
import type { ConnectionLimits } from '../listeners/connection-limits.js';
import { waitInWords } from '../listeners/login-guard.js';
import type { PasswordLogins } from '../listeners/password-login.js';
import type { Log } from '../telemetry/logger.js';
import type { Metrics } from '../telemetry/metrics.js';
import { LoginWatch } from './login-watch.js';
import type { AccountMailbox } from './state/account-mailbox.js';
import type { Mailboxes } from './state/mailboxes.js';

export type MailboxProtocol = 'imap' | 'pop3';

/** Somebody who has logged in. */
export interface MailboxUser {
  readonly mailbox: AccountMailbox;
  readonly mayWrite: boolean;
  /** False once the credential was removed or has expired: known within a second. */
  isStillGood(): Promise<boolean>;
  /** To be called once, at the end of the session. */
  release(): void;
}

/** What a login ends with; `text` is for the user to read. */
export type MailboxLogin =
  | { readonly kind: 'accepted'; readonly user: MailboxUser }
  | {
      readonly kind: 'refused';
      readonly why: 'wrong_password' | 'locked' | 'no_scope' | 'too_many_sessions' | 'unavailable';
      readonly text: string;
    };

export interface MailboxAccessParts {
  readonly logins: PasswordLogins;
  readonly credentials: Credentials;
  readonly mailboxes: Mailboxes;
  /** By account. */
  readonly sessions: ConnectionLimits;
  readonly metrics: Metrics;
  readonly log: Log;
}

const SAME_FAILURE_EVERY_MS = 10_000;

export class MailboxAccess {
  /** The last one that was noted. */
  private failure = { text: '', at: 0 };

  private readonly watch: LoginWatch;

  constructor(private readonly parts: MailboxAccessParts) {
    this.watch = new LoginWatch(parts.credentials);
  }

  /** Resolves when the answer may go out, which for one failure of many is not at once. */
  async logIn(
    user: string,
    password: string,
    connection: LineConnection,
    protocol: MailboxProtocol,
  ): Promise<MailboxLogin> {
    const login = await this.parts.logins.logIn(user, password, connection.clientAddress, protocol);
    switch (login.kind) {
      case 'accepted':
        return this.open(login.credential, connection, protocol);
      case 'refused':
        return refused('wrong_password', 'User name or password is wrong');
      case 'locked':
        return refused('locked', `Too many failed logins: try again in ${waitInWords(login.retryAfterS)}`);
      case 'unavailable':
        return refused('unavailable', UNAVAILABLE);
      default:
        return login satisfies never;
    }
  }

  /** Notes why a command failed that should not have. Throws ConnectionLost again: that is the end of a session. */
  failed(error: unknown, protocol: MailboxProtocol): void {
    if (error instanceof ConnectionLost) throw error;
    // Without Redis every command of every session fails, and all say the same.
    const [text, now] = [(error as Error).message, performance.now()];
    if (text === this.failure.text && now - this.failure.at < SAME_FAILURE_EVERY_MS) return;
    this.failure = { text, at: now };
    this.parts.log.error('mailbox.command_failed', error, { protocol });
  }

  private async open(
    credential: Credential,
    connection: LineConnection,
    protocol: MailboxProtocol,
  ): Promise<MailboxLogin> {
    const { mailboxes, sessions, credentials, metrics, log } = this.parts;
    const { account, scopes } = credential;
    const mayWrite = scopes.includes('mailbox');
    if (!mayWrite && !scopes.includes('mailbox:read')) {
      return refused('no_scope', 'This login may not read the mailbox: it needs the scope mailbox or mailbox:read');
    }
    const lease = await sessions.enter(account);
    if (!lease) return refused('too_many_sessions', 'The account has too many sessions open: close some');
    // Sessions are limited by how many are open, not by how many come in a minute.
    lease.loggedIn();
    let mailbox: AccountMailbox;
    try {
      mailbox = await mailboxes.open(account);
    } catch (error) {
      lease.release();
      log.error('mailbox.unavailable', error, { account });
      return refused('unavailable', UNAVAILABLE);
    }
    metrics.mailboxSessions.inc({ protocol });
    const unwatch = this.watch.watch(credential, {
      isGone: () => mailbox.gone,
      end: () => connection.interrupt('revoked'),
      cut: () => connection.destroy(),
    });
    const release = (): void => {
      unwatch();
      metrics.mailboxSessions.dec({ protocol });
      mailbox.release();
      lease.release();
    };
    const isStillGood = (): Promise<boolean> => credentials.isStillGood(credential);
    return { kind: 'accepted', user: { mailbox, mayWrite, isStillGood, release } };
  }
}

const UNAVAILABLE = 'The mailbox cannot be reached at the moment: try again later';

function refused(why: Extract<MailboxLogin, { kind: 'refused' }>['why'], text: string): MailboxLogin {
  return { kind: 'refused', why, text };
}
