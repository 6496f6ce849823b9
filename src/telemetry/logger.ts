/**
 * JSON logs, one line an event. Bodies and secrets are never handed to it; addresses are written as the operator
 * chose (`POSTHORN_LOG_ADDRESSES`).
 */
import { createHash } from 'node:crypto';
import { pino, destination, type Logger as PinoLogger } from 'pino';

export type AddressDetail = 'full' | 'domain' | 'hash';

export interface LogOptions {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly addresses: AddressDetail;
  /** What the line says of its origin: `doors`, `worker`, `supervisor`. */
  readonly process: string;
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

  /** Writes to file descriptor 2, so that standard output stays the banner's: by the page, and what is less within 100 ms. */
  static open(options: LogOptions): Log {
    const out = destination({ dest: 2, sync: false, minLength: PAGE_BYTES });
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
    this.pino.debug(fields, event);
  }

  info(event: string, fields: Fields = {}): void {
    this.pino.info(fields, event);
  }

  warn(event: string, fields: Fields = {}): void {
    this.pino.warn(fields, event);
  }

  error(event: string, error: unknown, fields: Fields = {}): void {
    const known = error instanceof Error || (typeof error === 'object' && error !== null && 'message' in error);
    const shown = known ? { error: String((error as Error).message), stack: (error as Error).stack } : { error };
    this.pino.error({ ...fields, ...shown }, event);
  }

  /** An address as the operator wants it in the log. */
  address(address: string): string {
    if (this.addresses === 'full') return address;
    if (this.addresses === 'domain') return address.slice(address.lastIndexOf('@') + 1);
    return createHash('sha256').update(address.toLowerCase()).digest('hex').slice(0, 16);
  }

  /** Writes what is buffered; at the end of the process. */
  flush(): void {
    this.pino.flush();
  }
}
