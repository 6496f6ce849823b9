/**
 * The mailboxes that have sessions in this process, each read once for all of them, and the one connection on which it hears
 * of changes by others.
 */
import type { Redis } from 'ioredis';
import type { ReportMailbox } from '../../bounces/reports/report-mailbox.js';
import { disconnectRedis } from '../../store/connect-redis.js';
import { REPORTS_CHANNEL } from '../../store/keyspace.js';
import type { Log } from '../../telemetry/logger.js';
import { AccountMailbox } from './account-mailbox.js';

/** A connection that only hears is silent for long, and would be taken for dead. */
const PING_EVERY_MS = 10_000;
const RETRY_EVERY_MS = 1_000;
/** How long a report is still seen after its time. */
const EXPIRE_EVERY_MS = 30_000;
/** So long, and so many, mailboxes are kept that nobody has open: webmail opens one anew with every click. */
const KEPT_MS = 60_000;
const KEPT_MAX = 100;

interface Opened {
  readonly mailbox: Promise<AccountMailbox>;
  sessions: number;
}

export class Mailboxes {
  private readonly opened = new Map<string, Opened>();
  /** Accounts whose mailbox nobody has open, and since when; the first closed first. */
  private readonly kept = new Map<string, number>();
  private subscriber: Redis | undefined;
  private timers: NodeJS.Timeout[] = [];

  /** @param connect makes the connection to hear on, of the manner `queue`; it is closed here. */
  constructor(
    private readonly store: ReportMailbox,
    private readonly connect: () => Redis,
    private readonly log: Log,
  ) {}

  /** The mailbox as it is now. Call `release` on it once the session ends. Throws where Redis is away. */
  async open(account: string): Promise<AccountMailbox> {
    this.listen();
    const known = this.opened.get(account);
    const opened = known ?? this.load(account);
    opened.sessions += 1;
    this.kept.delete(account);
    try {
      const mailbox = await opened.mailbox;
      if (known) await mailbox.refresh();
      if (!mailbox.gone) return mailbox;
    } catch (error) {
      // Others may have it open, and have to hear of changes once Redis is back.
      this.release(account, opened);
      throw error;
    }
    // Its account was removed; there may be another with its name.
    this.release(account, opened);
    this.forget(account, opened);
    return this.open(account);
  }

  async close(): Promise<void> {
    for (const timer of this.timers) clearInterval(timer);
    this.timers = [];
    this.opened.clear();
    if (this.subscriber) await disconnectRedis(this.subscriber);
  }

  private load(account: string): Opened {
    const mailbox = this.store
      .load(account)
      .then((state) => new AccountMailbox(account, this.store, this.log, state, () => this.release(account, opened)));
    const opened: Opened = { mailbox, sessions: 0 };
    this.opened.set(account, opened);
    mailbox.catch(() => this.forget(account, opened));
    return opened;
  }

  private release(account: string, opened: Opened): void {
    opened.sessions -= 1;
    if (opened.sessions < 0) throw new Error(`the mailbox of ${account} was released too often`);
    if (opened.sessions > 0 || this.opened.get(account) !== opened) return;
    this.kept.set(account, performance.now());
    const [oldest] = this.kept.size > KEPT_MAX ? this.kept.keys() : [];
    if (oldest !== undefined) this.forget(oldest);
  }

  /** @param opened what is of no use to the next; another one that took its place is left */
  private forget(account: string, opened = this.opened.get(account)): void {
    if (this.opened.get(account) !== opened) return;
    this.kept.delete(account);
    this.opened.delete(account);
  }

  private forgetOld(): void {
    const before = performance.now() - KEPT_MS;
    for (const [account, closedAt] of this.kept) if (closedAt < before) this.forget(account);
  }

  private listen(): void {
    if (this.subscriber) return;
    const subscriber = this.connect();
    this.subscriber = subscriber;
    subscriber.on('message', (_channel, text: string) => {
      const [version = '', account = ''] = text.split(' ');
      this.withMailbox(this.opened.get(account), (mailbox) => mailbox.hear(Number(version)));
    });
    const subscribe = (): void => void this.subscribe(subscriber);
    subscriber.on('ready', subscribe);
    if (subscriber.status === 'ready') subscribe();
    this.timers = [
      setInterval(() => this.ping(subscriber), PING_EVERY_MS),
      setInterval(() => this.withAll((mailbox) => mailbox.catchUp()), RETRY_EVERY_MS),
      setInterval(() => this.withAll((mailbox) => mailbox.expire()), EXPIRE_EVERY_MS),
      setInterval(() => this.forgetOld(), EXPIRE_EVERY_MS),
    ];
    for (const timer of this.timers) timer.unref();
  }

  /** Also after each time without it: what happened meanwhile was not heard. */
  private async subscribe(subscriber: Redis): Promise<void> {
    try {
      await subscriber.subscribe(REPORTS_CHANNEL);
    } catch (error) {
      this.log.warn('mailbox.deaf', { error: (error as Error).message });
    }
    this.withAll((mailbox) => mailbox.doubt());
  }

  private ping(subscriber: Redis): void {
    if (subscriber.status === 'ready') subscriber.ping().catch(() => undefined);
  }

  private withAll(act: (mailbox: AccountMailbox) => void): void {
    for (const opened of this.opened.values()) this.withMailbox(opened, act);
  }

  /** Also with one that is still being read. */
  private withMailbox(opened: Opened | undefined, act: (mailbox: AccountMailbox) => void): void {
    opened?.mailbox.then(act, () => undefined);
  }
}
