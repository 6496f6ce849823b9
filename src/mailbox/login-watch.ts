/** Ends the sessions of logins that are no longer good: within a second those that wait, and soon after all others. */
import type { Credential, Credentials } from '../accounts/credentials.js';

/** With the time that the reading takes, less than the second that is promised. */
const LOOK_EVERY_MS = 750;

export interface WatchedSession {
  /** Whether its account was removed. */
  isGone(): boolean;
  /** The login is no longer good: it is to end when it next waits for its client. */
  end(): void;
  /** It has not ended yet: it is in the middle of an answer, which is no longer to be had. */
  cut(): void;
}

export class LoginWatch {
  /** By the credential's id. */
  private readonly logins = new Map<string, { credential: Credential; sessions: Set<WatchedSession> }>();
  private readonly ending = new WeakSet<WatchedSession>();
  private timer: NodeJS.Timeout | undefined;
  private looking: Promise<void> | undefined;

  constructor(private readonly credentials: Credentials) {}

  /** Watches until what it returns is called. */
  watch(credential: Credential, session: WatchedSession): () => void {
    const login = this.logins.get(credential.id) ?? { credential, sessions: new Set() };
    this.logins.set(credential.id, login);
    login.sessions.add(session);
    // One look at a time: a slow one must not cut off who was told by another just now.
    this.timer ??= setInterval(() => {
      this.looking ??= this.look().finally(() => (this.looking = undefined));
    }, LOOK_EVERY_MS).unref();
    return () => {
      login.sessions.delete(session);
      if (login.sessions.size === 0 && this.logins.get(credential.id) === login) this.logins.delete(credential.id);
      if (this.logins.size > 0) return;
      clearInterval(this.timer);
      this.timer = undefined;
    };
  }

  private async look(): Promise<void> {
    const looks = [...this.logins.values()].map(async ({ credential, sessions }) => {
      const isGood = await this.credentials.isStillGood(credential, 'anew');
      for (const session of [...sessions]) if (!isGood || session.isGone()) this.end(session);
    });
    await Promise.all(looks);
  }

  private end(session: WatchedSession): void {
    if (this.ending.has(session)) session.cut();
    else session.end();
    this.ending.add(session);
  }
}
