/**
 * Work that is kept until it is done: a Redis stream that all processes take from. An entry goes to one of them; where
 * that one dies or fails, to another after a while. So what is done with an entry must do no harm when it is done twice.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';

export interface StreamEntry {
  /** Given by Redis, unique in the stream: a name for what is done with it. */
  readonly id: string;
  readonly fields: ReadonlyMap<string, Buffer>;
}

export interface WorkStreamOptions {
  /** Entries in hand at once. */
  readonly batch: number;
  readonly handle: (entry: StreamEntry) => Promise<void>;
  /** It has failed `TRIES_MAX` times, and is taken out after this. */
  readonly giveUp: (entry: StreamEntry) => Promise<void>;
  readonly onError: (error: Error) => void;
}

const GROUP = 'posthorn';
const TRIES_MAX = 5;
const WAIT_MS = 2_000;
/** Who holds an entry for longer than this has died, or failed. */
const HELD_MAX_MS = 60_000;
const TAKE_OVER_EVERY_MS = 10_000;
const OUTAGE_PAUSE_MS = 500;

type RawEntry = [id: Buffer, fields: Buffer[] | null];

export class WorkStream {
  private readonly blocking: Redis;
  private readonly consumer = `${String(process.pid)}-${Date.now().toString(36)}`;
  private stopping = false;
  private loop: Promise<void> | undefined;
  private tookOverAt = 0;

  constructor(
    private readonly redis: Redis,
    private readonly key: string,
    private readonly options: WorkStreamOptions,
  ) {
    // A command that waits would hold up all others on its connection.
    this.blocking = redis.duplicate();
    this.blocking.on('error', options.onError);
  }

  start(): void {
    this.loop ??= this.run();
  }

  /** Takes nothing more, and resolves when what is in hand is done. */
  async stop(): Promise<void> {
    this.stopping = true;
    this.blocking.disconnect();
    await this.loop;
  }

  private async run(): Promise<void> {
    while (!this.stopping) {
      try {
        await this.round();
      } catch (error) {
        if (this.isStopping()) return;
        if ((error as Error).message.startsWith('NOGROUP')) await this.makeGroup();
        else this.options.onError(error as Error);
        await sleep(OUTAGE_PAUSE_MS);
      }
    }
  }

  /** Asked anew after a wait. */
  private isStopping(): boolean {
    return this.stopping;
  }

  private async round(): Promise<void> {
    if (Date.now() - this.tookOverAt >= TAKE_OVER_EVERY_MS) {
      this.tookOverAt = Date.now();
      await this.takeOver();
    }
    const count = String(this.options.batch);
    const read = ['GROUP', GROUP, this.consumer, 'COUNT', count, 'BLOCK', WAIT_MS, 'STREAMS', this.key, '>'];
    const answer = (await this.blocking.callBuffer('XREADGROUP', read)) as [Buffer, RawEntry[]][] | null;
    const entries = answer?.[0]?.[1] ?? [];
    await Promise.all(entries.map((raw) => this.work(entryOf(raw))));
  }

  /** What others have held for too long: they are gone, or it failed in their hands. */
  private async takeOver(): Promise<void> {
    const pending = (await this.redis.call('XPENDING', [
      this.key,
      GROUP,
      'IDLE',
      HELD_MAX_MS,
      '-',
      '+',
      this.options.batch,
    ])) as [id: string, consumer: string, idleMs: number, deliveries: number][];
    for (const [id, , , deliveries] of pending) {
      const claim = [this.key, GROUP, this.consumer, HELD_MAX_MS, id];
      const [raw] = (await this.redis.callBuffer('XCLAIM', claim)) as RawEntry[];
      // Another process was faster, or the entry is gone.
      if (!raw || raw[1] === null) continue;
      const entry = entryOf(raw);
      if (deliveries < TRIES_MAX) await this.work(entry);
      else {
        await this.options.giveUp(entry);
        await this.done(entry);
      }
    }
  }

  private async work(entry: StreamEntry): Promise<void> {
    try {
      await this.options.handle(entry);
      await this.done(entry);
    } catch (error) {
      // It stays in hand, and is taken over when it has been there for too long.
      this.options.onError(error as Error);
    }
  }

  private async done({ id }: StreamEntry): Promise<void> {
    await this.redis.multi().xack(this.key, GROUP, id).xdel(this.key, id).exec();
  }

  private async makeGroup(): Promise<void> {
    await this.redis.xgroup('CREATE', this.key, GROUP, '0', 'MKSTREAM').catch((error: unknown) => {
      if (!String(error).includes('BUSYGROUP')) this.options.onError(error as Error);
    });
  }
}

function entryOf([id, list]: RawEntry): StreamEntry {
  const fields = new Map<string, Buffer>();
  for (let i = 0; list && i + 1 < list.length; i += 2) {
    const value = list[i + 1];
    if (value) fields.set(String(list[i]), value);
  }
  return { id: String(id), fields };
}
