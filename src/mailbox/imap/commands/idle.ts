/** RFC 2177: what happens is told at once, until the client says DONE. */
import { bad, ok, type Completion } from '../completion.js';
import type { CommandSession, ImapCommand } from '../imap-command.js';

/** Section 3: a client comes back within 29 minutes; who does not is gone. */
const IDLE_MS = 30 * 60_000;
/** How late it is noticed that a client that did not read does again. */
const LOOK_EVERY_MS = 10_000;
/** Networks forget connections on which nothing is said, some after 5 minutes. */
const SAY_EVERY_MS = 120_000;

export const idle: ImapCommand = {
  name: 'IDLE',
  state: 'user',
  tells: 'all',
  async run(session, args) {
    args.end();
    // First: once it is asked to go on, the client waits for no answer but that to DONE.
    if (session.isSelected) await session.mailbox.refresh();
    await session.say('+ Waiting, say DONE to end it\r\n');
    const bell = new Bell();
    const forget = session.mailbox.onChange(() => bell.ring());
    try {
      return completionFor(await tellUntilSaid(session, bell));
    } finally {
      forget();
    }
  },
};

/** What the client said in the end; undefined where it said nothing and the session ends. */
async function tellUntilSaid(session: CommandSession, bell: Bell): Promise<string | undefined> {
  const line = session.nextLine(IDLE_MS);
  let hasSaid = false;
  const said = (): void => {
    hasSaid = true;
    bell.ring();
  };
  // One listener, however often the bell rings.
  void line.then(said, said);
  for (let saidAt = performance.now(); ;) {
    // Who does not read is told later, all at once.
    if (session.connection.isTaken) {
      await session.tellChanges({ mayExpunge: true });
      if (performance.now() - saidAt >= SAY_EVERY_MS) {
        await session.say('* OK Still here\r\n');
        saidAt = performance.now();
      }
      await session.connection.flush();
    }
    await bell.wait(LOOK_EVERY_MS);
    if (hasSaid) return line;
  }
}

function completionFor(said: string | undefined): Completion | undefined {
  if (said === undefined) return undefined;
  return said.trim().toUpperCase() === 'DONE' ? ok('IDLE completed') : bad('IDLE is ended by DONE');
}

/** Wakes whoever waits; one that rang before is heard at once. */
class Bell {
  private hasRung = false;
  private wake: (() => void) | undefined;

  ring(): void {
    this.hasRung = true;
    this.wake?.();
  }

  /** Resolves when it rings, and after `ms` at the latest. */
  async wait(ms: number): Promise<void> {
    if (!this.hasRung) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, ms);
      this.wake = resolve;
      await promise;
      clearTimeout(timer);
    }
    this.hasRung = false;
  }
}
