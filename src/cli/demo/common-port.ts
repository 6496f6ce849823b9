/** Real MXs share port 25; a small internet on loopback shares one that is free on all its addresses. */
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';

/** Another program may hold the port on the next address: try some more. */
const ATTEMPTS_MAX = 50;

/**
 * A TCP port that is free on every one of `addresses` now. Throws EADDRNOTAVAIL where the machine has not got one of
 * them: Linux has all of 127.0.0.0/8, macOS only 127.0.0.1 unless aliases were added to `lo0`.
 */
export async function findCommonPort(addresses: readonly string[]): Promise<number> {
  for (let attempt = 1; ; attempt++) {
    const servers: Server[] = [];
    try {
      let port = 0;
      for (const address of addresses) {
        const server = createServer().listen(port, address);
        await once(server, 'listening');
        servers.push(server);
        port = (server.address() as AddressInfo).port;
      }
      return port;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE' || attempt === ATTEMPTS_MAX) throw error;
    } finally {
      await Promise.all(servers.map((server) => once(server.close(), 'close')));
    }
  }
}
