/** Ports on loopback that nobody listens on now. */
import { createServer, type AddressInfo } from 'node:net';

/** The service's default ports, those of doors to come too: with one base added each must be free. */
const SERVICE_PORTS = [25, 110, 143, 465, 587, 993, 995, 2525, 8080, 9090];
/** With the highest port below 32768, from where Linux takes the ports of outgoing connections. */
const BASE = { min: 11_000, max: 23_000 };
const ATTEMPTS_MAX = 100;

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A port base with which every port of the service is free. */
export async function freePortBase(random: () => number): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const base = BASE.min + Math.floor(random() * (BASE.max - BASE.min));
    const free = await Promise.all(SERVICE_PORTS.map((port) => isFree(base + port)));
    if (free.every(Boolean)) return base;
  }
  throw new Error('no free ports found on 127.0.0.1');
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
