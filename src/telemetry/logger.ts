/**
 * JSON logs, one line an event. Bodies and secrets are never handed to it; addresses are written as the operator
 * chose (`POSTHORN_LOG_ADDRESSES`), also those that stand in a text: what a server replied, what a refusal or an error quotes.
 */
import { createHash } from 'node:crypto';
import { pino, destination, type Logger as PinoLogger } from 'pino';
import { rewriteAddresses } from './addresses-in-text.js';

export type AddressDetail = 'full' | 'domain' | 'hash';

export interface LogOptions {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly addresses: AddressDetail;
  /** What the line says of its origin: `doors`, `worker`, `supervisor`. */
  readonly process: string;
  /** File descriptor; 2 if nothing is said, so that standard output stays the banner's. */
  readonly out?: number;
}

/** A write for every line costs more than the line. */
const PAGE_BYTES = 4_096;
const FLUSH_EVERY_MS = 100;

type Fields = Record<string, unknown>;

/** The log. `event` is a stable name that operators search for, such as `message.accepted`. */
export class Log {
  private constructor(
    private readonly pino: PinoLogger,
    private readonly addresses: AddressDetail,
  ) {}

  /** Writes by the page, and what is less within 100 ms. */
  static open(options: LogOptions): Log {
    const out = destination({ dest: options.out ?? 2, sync: false, minLength: PAGE_BYTES });
    setInterval(() => {
      out.flush();
    }, FLUSH_EVERY_MS).unref();
    const base = { process: options.process, pid: process.pid };
    return new Log(
      pino(
        {
          level: options.level,
          base,
          formatters: { level: (label) => ({ level: label }) },
          timestamp: pino.stdTimeFunctions.isoTime,
          messageKey: 'event',
        },
        out,
      ),
      options.addresses,
    );
  }

  debug(event: string, fields: Fields = {}): void {
    this.pino.debug(this.shown(fields), event);
  }

  info(event: string, fields: Fields = {}): void {
    this.pino.info(this.shown(fields), event);
  }

  warn(event: string, fields: Fields = {}): void {
    this.pino.warn(this.shown(fields), event);
  }

  error(event: string, error: unknown, fields: Fields = {}): void {
    const known = error instanceof Error || (typeof error === 'object' && error !== null && 'message' in error);
    const shown = known ? { error: String((error as Error).message), stack: (error as Error).stack } : { error };
    this.pino.error(this.shown({ ...fields, ...shown }), event);
  }

  /** An address as the operator wants it in the log. */
  address(address: string): string {
    if (this.addresses === 'full') return address;
    if (this.addresses === 'domain') return address.slice(address.lastIndexOf('@') + 1);
    return createHash('sha256').update(address.toLowerCase()).digest('hex').slice(0, 16);
  }

  /** A text from outside, or one that quotes some: each address in it as the operator wants it. */
  text(text: string): string {
    return this.addresses === 'full' ? text : rewriteAddresses(text, (address) => this.address(address));
  }

  /** All of it, so that no line has to think of it: what holds an address is shown once, and then holds none. */
  private shown(fields: Fields): Fields {
    return this.addresses === 'full' ? fields : (this.shownValue(fields) as Fields);
  }

  private shownValue(value: unknown): unknown {
    if (typeof value === 'string') return this.text(value);
    if (Array.isArray(value)) return value.map((item) => this.shownValue(item));
    if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, this.shownValue(item)]));
  }

  /** Writes what is buffered; at the end of the process. */
  flush(done: () => void = () => undefined): void {
    this.pino.flush(done);
  }
}
