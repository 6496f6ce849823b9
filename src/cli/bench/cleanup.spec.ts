import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, it } from '@jest/globals';
import { Cleanup } from './cleanup.js';

it('takes the steps in reverse, and each once', async () => {
  const taken: string[] = [];
  const cleanup = new Cleanup();
  cleanup.add(() => void taken.push('first'));
  const early = cleanup.add(() => void taken.push('second'));
  cleanup.add(() => void taken.push('third'));
  await early();
  await cleanup.run(() => undefined);
  expect(taken).toEqual(['second', 'third', 'first']);
});

it('goes on after a step that fails, and tells why', async () => {
  const taken: string[] = [];
  const complaints: unknown[] = [];
  const cleanup = new Cleanup();
  cleanup.add(() => void taken.push('first'));
  cleanup.add(() => {
    throw new Error('it would not go');
  });
  await cleanup.run((error) => complaints.push(error));
  expect(taken).toEqual(['first']);
  expect(complaints).toEqual([new Error('it would not go')]);
});

it('waits for a step that is already being taken, whoever takes it', async () => {
  const { promise: gone, resolve: go } = Promise.withResolvers<undefined>();
  let done = 0;
  const cleanup = new Cleanup();
  const early = cleanup.add(() => gone);
  void early();
  const both = [cleanup.run(() => undefined), cleanup.run(() => undefined)].map((run) => run.then(() => done++));
  await nextTurn();
  expect(done).toBe(0);
  go(undefined);
  await Promise.all(both);
  expect(done).toBe(2);
});

it('takes no new step after the end', async () => {
  const cleanup = new Cleanup();
  await cleanup.run(() => undefined);
  expect(() => cleanup.add(() => undefined)).toThrow('interrupted');
});
