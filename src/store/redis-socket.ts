/**
 * Speaks to the server behind a unix socket one inline command at a time, without a client library: to learn when it is
 * ready, and to end one that nobody owns.
 */
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { RedisProcess } from './redis-process.js';

/** `nobody`: nothing listens there, for sure. `silent`: something may, and gave no answer in time. */
export type SocketAnswer = { kind: 'reply'; line: string } | { kind: 'nobody' } | { kind: 'silent' };

// Any other error (too many files, a full backlog) does not prove that nobody is there.
const NOBODY_CODES = new Set(['ENOENT', 'ECONNREFUSED', 'ENOTSOCK']);

/** Sends one inline command and returns the first line of the reply. Never rejects. */
export function askSocket(socketPath: string, command: string, withinMs: number): Promise<SocketAnswer> {
  return new Promise((resolve) => {
    let received = '';
    const socket = connect(socketPath);
    const settle = (answer: SocketAnswer): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    const timer = setTimeout(() => settle({ kind: 'silent' }), withinMs);
    socket.setEncoding('utf8');
    socket.on('connect', () => {
      socket.write(`${command}\r\n`);
    });
    socket.on('data', (text: string) => {
      received += text;
      const end = received.indexOf('\r\n');
      if (end >= 0) settle({ kind: 'reply', line: received.slice(0, end) });
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      settle(NOBODY_CODES.has(error.code ?? '') ? { kind: 'nobody' } : { kind: 'silent' });
    });
    socket.on('close', () => settle({ kind: 'silent' }));
  });
}

export type Readiness = { kind: 'ready' } | { kind: 'exited'; why: string } | { kind: 'too-slow'; why: string };

export interface ReadinessOptions {
  socketPath: string;
  server: RedisProcess;
  withinMs: number;
  /** Called at the first answer that says "loading", then every ten seconds, with the time waited. */
  onLoading: (waitedMs: number) => void;
}

const LOADING_NOTICE_EVERY_MS = 10_000;

/** Waits until the server answers PING. A big append-only file takes minutes, in which it answers LOADING. */
export async function untilServerReady({
  socketPath,
  server,
  withinMs,
  onLoading,
}: ReadinessOptions): Promise<Readiness> {
  const startedAt = performance.now();
  let noticeDueMs = 0;
  for (;;) {
    const answer = await askSocket(socketPath, 'PING', 1_000);
    const waitedMs = performance.now() - startedAt;
    if (!server.isAlive()) return { kind: 'exited', why: (await server.exited).why };
    if (answer.kind === 'reply') {
      // Any other error than these comes from a server that is up: its health is another's question.
      if (!/^-(LOADING|BUSY)/.test(answer.line)) return { kind: 'ready' };
      if (waitedMs >= noticeDueMs) {
        onLoading(waitedMs);
        noticeDueMs = waitedMs + LOADING_NOTICE_EVERY_MS;
      }
    }
    if (waitedMs > withinMs)
      return { kind: 'too-slow', why: `it was not ready after ${Math.round(waitedMs / 1000)} s` };
    await delay(waitedMs < 300 ? 5 : 50);
  }
}
