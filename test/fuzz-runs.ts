/**
 * How often a property is tried with random input: 1,000 times in `./posthorn test`, 100,000 times in `npm run fuzz`,
 * which sets FUZZ_RUNS. The time-out is for whole tests of the slow kind, those that speak to a running relay.
 */
export const FUZZ_RUNS = Number(process.env.FUZZ_RUNS ?? 1_000);

/** 100,000 requests are answered in some minutes. */
export const FUZZ_WITHIN_MS = 60_000 + FUZZ_RUNS * 20;
