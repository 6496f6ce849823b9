/** How many times as long a machine whose neighbours take most of it may need. */
const BUSY_MACHINE = 10;

/**
 * The time after which a test calls a promise broken that the service keeps within `promisedMs` on a machine of its own:
 * far enough from the promise to be true on a busy one, and near enough to tell late from never.
 */
export function withPatience(promisedMs: number): number {
  return promisedMs * BUSY_MACHINE;
}
