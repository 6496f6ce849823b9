/** Bounds how long a client waits for what it can do without. */

/** What `promise` gives within `ms`; else `otherwise`. A promise that rejects, rejects. */
export async function within<T>(ms: number, promise: Promise<T>, otherwise: T): Promise<T> {
  const { promise: late, resolve } = Promise.withResolvers<T>();
  // Where the process itself was busy, the answer lies there already: it is read before the time counts as over.
  const timer = setTimeout(() => setImmediate(resolve, otherwise), ms);
  return Promise.race([promise, late]).finally(() => {
    clearTimeout(timer);
  });
}
