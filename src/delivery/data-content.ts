/** The text of a message on its way into a connection, and whether its final dot has left: RFC 1047. */
import type { Socket } from 'node:net';
import type { Writable } from 'node:stream';

/**
 * The message as the library asks for it once the server said 354: it only calls `pipe`. Small ones are corked, so that
 * text and final dot leave in one write.
 */
export class DataContent {
  /** The last moment before the final dot leaves has passed. */
  dotSent = false;

  constructor(
    private readonly message: Buffer,
    private readonly socket: Socket | undefined,
  ) {}

  pipe(data: Writable): void {
    const { message, socket } = this;
    // A corked socket never drains: only what surely fits is held back.
    const corked = socket !== undefined && message.length * 2 < socket.writableHighWaterMark;
    if (corked) socket.cork();
    data.once('end', () => {
      this.dotSent = true;
      if (corked) socket.uncork();
    });
    data.end(message);
  }
}
