/**
 * Lua as typed calls: a script is declared once with its key count, and run by hash; the server is sent the text only
 * when it does not know it (after a restart or SCRIPT FLUSH).
 */
import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';

export type ScriptArgument = string | number | Buffer;

export class LuaScript<Result> {
  private readonly sha: string;

  /** `name` is for errors; `keys` is how many of the arguments of `run` are keys, `any` where each run has its own number. */
  constructor(
    private readonly name: string,
    private readonly keys: number | 'any',
    private readonly text: string,
  ) {
    this.sha = createHash('sha1').update(text).digest('hex');
  }

  async run(redis: Redis, keys: readonly string[], args: readonly ScriptArgument[]): Promise<Result> {
    this.checkKeys(keys);
    // An array, because a call with 100,000 arguments is more than a stack takes.
    const given = [keys.length, ...keys, ...args];
    try {
      return (await redis.call('EVALSHA', [this.sha, ...given])) as Result;
    } catch (error) {
      if (!(error as Error).message.startsWith('NOSCRIPT')) throw error;
      return (await redis.call('EVAL', [this.text, ...given])) as Result;
    }
  }

  /** Runs it by its text, which no server can have forgotten: inside a MULTI there is no second try. */
  async runText(redis: Redis, keys: readonly string[], args: readonly ScriptArgument[]): Promise<unknown> {
    this.checkKeys(keys);
    return redis.eval(this.text, keys.length, ...keys, ...args);
  }

  private checkKeys(keys: readonly string[]): void {
    if (this.keys !== 'any' && keys.length !== this.keys)
      throw new Error(`${this.name} takes ${String(this.keys)} keys`);
  }
}
