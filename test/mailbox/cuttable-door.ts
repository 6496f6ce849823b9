/** A way to a Redis that can be cut, for those who go through it alone. */
import { once } from 'node:events';
import { createServer, connect, type Server, type Socket } from 'node:net';

export class CuttableDoor {
  private readonly sockets = new Set<Socket>();
  private server: Server | undefined;

  /** @param behind the path of the socket that Redis listens on */
  constructor(
    private readonly behind: string,
    private readonly path: string,
  ) {}

  get url(): string {
    return `unix://${this.path}`;
  }

  async open(): Promise<void> {
    this.server = createServer((front) => {
      const back = connect(this.behind);
      for (const [socket, other] of [
        [front, back],
        [back, front],
      ] as const) {
        this.sockets.add(socket);
        socket.on('error', () => undefined);
        socket.on('close', () => {
          this.sockets.delete(socket);
          other.destroy();
        });
        socket.pipe(other);
      }
    });
    this.server.listen(this.path);
    await once(this.server, 'listening');
  }

  async cut(): Promise<void> {
    const closed = this.server && once(this.server, 'close');
    this.server?.close();
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }
}
