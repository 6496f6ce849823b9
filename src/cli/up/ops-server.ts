/** What operators' machines ask: `/metrics` for all processes together, `/livez` and `/readyz`. Plain HTTP, no secrets. */
import { createServer, type Server, type ServerResponse } from 'node:http';

export interface Readiness {
  readonly ready: boolean;
  /** What was looked at, and what is wrong with it. */
  readonly checks: Readonly<Record<string, string>>;
}

export interface OpsSources {
  metrics(): Promise<string>;
  readiness(): Promise<Readiness>;
}

const PROMETHEUS_TEXT = 'text/plain; version=0.0.4; charset=utf-8';

/** Resolves when the port is bound; rejects where it cannot be. */
export async function openOpsServer(port: number, address: string, sources: OpsSources): Promise<Server> {
  const server = createServer(
    { requestTimeout: 10_000, headersTimeout: 5_000, maxHeaderSize: 8_192 },
    (request, response) => {
      if (request.method !== 'GET' && request.method !== 'HEAD') {
        answer(response, 405, 'application/json', JSON.stringify({ error: 'only GET' }));
        return;
      }
      const path = (request.url ?? '').split('?')[0] ?? '';
      respond(path, response, sources).catch((error: unknown) => {
        answer(response, 500, 'application/json', JSON.stringify({ error: String(error) }));
      });
    },
  );
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, address, () => {
      server.off('error', reject);
      resolve();
    });
  });
  return server;
}

async function respond(path: string, response: ServerResponse, sources: OpsSources): Promise<void> {
  switch (path) {
    case '/metrics':
      answer(response, 200, PROMETHEUS_TEXT, await sources.metrics());
      return;
    case '/livez':
      answer(response, 200, 'application/json', JSON.stringify({ status: 'alive' }));
      return;
    case '/readyz': {
      const { ready, checks } = await sources.readiness();
      const body = JSON.stringify({ status: ready ? 'ready' : 'not ready', checks });
      answer(response, ready ? 200 : 503, 'application/json', body);
      return;
    }
    default:
      answer(response, 404, 'application/json', JSON.stringify({ error: 'there is /metrics, /livez and /readyz' }));
  }
}

function answer(response: ServerResponse, status: number, type: string, body: string): void {
  if (response.headersSent) return;
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) });
  response.end(body);
}
