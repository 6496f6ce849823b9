/**
 * Fails a suite that leaves something open: a socket, a server, a timer, a child process, a worker.
 * What was open before the suite, and what closes within the grace time, is not held against it.
 */
import { getActiveResourcesInfo, stderr, stdout } from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { TestEnvironment } from 'jest-environment-node';

const graceMs = 3_000;
const pollMs = 20;

// Of what Node reports, that which a suite opens and must close. File system and DNS requests end by themselves.
const mustClose = [
  'FSEventWrap',
  'MessagePort',
  'PipeServerWrap',
  'PipeWrap',
  'ProcessWrap',
  'StatWatcher',
  'TCPServerWrap',
  'TCPSocketWrap',
  'Timeout',
  'TLSWrap',
  'UDPWrap',
  'Worker',
];

export default class LeakCheckingEnvironment extends TestEnvironment {
  private before = new Map<string, number>();
  private readonly failures: string[] = [];

  override async setup(): Promise<void> {
    await super.setup();
    // Opened on first use; ours to keep.
    void [stdout.writable, stderr.writable];
    this.before = openResources();
  }

  /** A leak takes the place of the suite's results, and is often but the trace of a test that failed: so it tells both. */
  handleTestEvent(event: { name: string; test?: { name: string; errors: unknown[] } }): void {
    if (event.name !== 'test_done' || event.test === undefined || event.test.errors.length === 0) return;
    const [first] = event.test.errors.flat();
    this.failures.push(`${event.test.name}: ${String((first as Error | undefined)?.message ?? first)}`);
  }

  override async teardown(): Promise<void> {
    const left = await this.leftOpen();
    await super.teardown();
    if (left.length > 0) {
      const failed = this.failures.map((failure) => `\n  failed: ${failure}`).join('');
      const leak = new Error(
        `The suite left open: ${left.join(', ')}. Close what a test opened before it ends.${failed}`,
      );
      leak.stack = leak.message; // Where it was found says nothing about where it was opened.
      throw leak;
    }
  }

  private async leftOpen(): Promise<string[]> {
    const giveUpAt = Date.now() + graceMs;
    for (;;) {
      const left = this.newSince();
      if (left.length === 0 || Date.now() > giveUpAt) return left;
      await sleep(pollMs, undefined, { ref: false });
    }
  }

  private newSince(): string[] {
    return [...openResources()]
      .map(([type, count]) => ({ type, count: count - (this.before.get(type) ?? 0) }))
      .filter(({ count }) => count > 0)
      .map(({ type, count }) => `${count} x ${type}`);
  }
}

function openResources(): Map<string, number> {
  const counts = new Map<string, number>();
  for (const type of getActiveResourcesInfo()) {
    if (mustClose.includes(type)) counts.set(type, (counts.get(type) ?? 0) + 1);
  }
  return counts;
}
