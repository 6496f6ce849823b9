/**
 * Where all systems deliver to. It counts, and keeps nothing.
 *
 * Postfix's smtp-sink prints its counter at every message. That goes into a file, which is looked at 40 times a second;
 * the file's time of change is the time of the last message. So counting costs all systems the same, and next to nothing.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { startMx } from '../demo/scripted-mx.js';
import { startProgram, untilReady } from './child-program.js';
import type { Cleanup } from './cleanup.js';
import { SMTP_SINK } from './debian-programs.js';
import { freePort } from './free-ports.js';

export interface SinkCount {
  readonly messages: number;
  /** When the last of them came, in milliseconds since the epoch. */
  readonly lastAtMs: number;
}

export interface Sink {
  readonly port: number;
  /** What came so far. */
  count(): SinkCount;
  /** Throws where it has died. */
  check(): void;
}

const START_WITHIN_MS = 5_000;
const CONNECTIONS_MAX = 1_000;
/** Longer than one line of the counter. */
const TAIL_BYTES = 128;

export async function startSmtpSink(folder: string, cleanup: Cleanup): Promise<Sink> {
  const port = await freePort();
  const counter = openSync(join(folder, 'sink-counter'), 'a+');
  cleanup.add(() => closeSync(counter));
  const asRoot = process.getuid?.() === 0;
  const options = ['-c', '-4', '-m', String(CONNECTIONS_MAX), ...(asRoot ? ['-u', 'nobody'] : [])];
  const program = startProgram(SMTP_SINK, [...options, `127.0.0.1:${port}`, String(CONNECTIONS_MAX)], {
    stdout: counter,
  });
  cleanup.add(() => program.stop(1_000));
  const fault = await untilReady(program, () => answers(port), START_WITHIN_MS);
  if (fault !== undefined) throw new Error(`the sink did not start: ${fault}`);
  return {
    port,
    count: () => readCounter(counter),
    check: () => {
      if (!program.isAlive()) throw new Error('the sink died');
    },
  };
}

/** Where there is no smtp-sink: a receiver in this process. It takes more of the machine than smtp-sink does. */
export async function startOwnSink(cleanup: Cleanup): Promise<Sink> {
  const receiver = await startMx({ name: 'sink.example' });
  cleanup.add(() => receiver.close());
  return {
    port: receiver.port,
    count: () => ({ messages: receiver.received.length, lastAtMs: receiver.received.at(-1)?.at ?? 0 }),
    check: () => undefined,
  };
}

/** Whether something takes connections there. */
export function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

function readCounter(file: number): SinkCount {
  const { size, mtimeMs } = fstatSync(file);
  const tail = Buffer.alloc(TAIL_BYTES);
  const bytes = readSync(file, tail, 0, TAIL_BYTES, Math.max(size - TAIL_BYTES, 0));
  return { messages: lastCount(tail.toString('latin1', 0, bytes)), lastAtMs: mtimeMs };
}

/** The last whole `sess=20 quit=0 mesg=1234\r` of what smtp-sink printed. */
export function lastCount(printed: string): number {
  const counts = [...printed.matchAll(/mesg=(\d+)\s*\r/g)];
  return Number(counts.at(-1)?.[1] ?? 0);
}
