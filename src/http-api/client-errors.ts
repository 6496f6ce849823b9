/** Answers what never became a request: bytes that are no HTTP, header fields without end, a body that does not arrive. */
import type { Socket } from 'node:net';
import { STATUS_CODES } from 'node:http';
import { problem, problemBody, type ProblemCode } from './problem.js';

const CODE_OF_ERROR: Readonly<Record<string, ProblemCode>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
  HPE_HEADER_OVERFLOW: 'header_fields_too_large',
};

/** For Node's `clientError`: nothing of the request is known, so the answer is written by hand and the connection closed. */
export function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  // A client that is gone hears nothing.
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const found = problem(CODE_OF_ERROR[error.code ?? ''] ?? 'malformed_request', 'it is no HTTP/1.1');
  const body = JSON.stringify(problemBody(found));
  const head = [
    `HTTP/1.1 ${found.status} ${STATUS_CODES[found.status] ?? 'Error'}`,
    'Content-Type: application/problem+json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
  socket.destroySoon();
}
