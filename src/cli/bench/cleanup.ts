/**
 * What must be undone however the bench ends: its processes and its folder, the newest first.
 *
 * A step runs once: by whoever holds the handle that `add` returned, or by `run`.
 */

export type Undo = () => Promise<void>;

export class Cleanup {
  private readonly steps: Undo[] = [];
  private closed = false;
  private running: Promise<void> | undefined;

  /** Returns the step as a function to take it early. Throws after `run`: nothing new may begin then. */
  add(step: () => Promise<void> | void): Undo {
    if (this.closed) throw new Error('the bench was interrupted');
    let done: Promise<void> | undefined;
    const once: Undo = () => {
      done ??= Promise.resolve()
        .then(step)
        .finally(() => this.steps.splice(this.steps.indexOf(once), 1));
      return done;
    };
    this.steps.push(once);
    return once;
  }

  /** Takes every step that is not done, and resolves for all who call it after the last. One that fails stops no other. */
  run(complain: (error: unknown) => void): Promise<void> {
    this.closed = true;
    this.running ??= this.takeAll(complain);
    return this.running;
  }

  private async takeAll(complain: (error: unknown) => void): Promise<void> {
    for (let step = this.steps.at(-1); step; step = this.steps.at(-1)) await step().catch(complain);
  }
}
