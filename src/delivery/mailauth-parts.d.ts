/** The parts of mailauth that it does not declare types for. */
declare module 'mailauth/lib/tools.js' {
  export function formatRelaxedLine(line: Buffer, suffix: string): Buffer;
}

declare module 'mx-connect' {
  import type { Socket } from 'node:net';

  interface MxConnection {
    socket: Socket;
    /** Name of the MX, or its address where it has none. */
    hostname: string;
    /** Address that was connected to. */
    host: string;
    port: number;
  }

  interface MxConnectOptions {
    target: string;
    port: number;
    maxConnectTime: number;
    ignoreMXHosts: string[];
    dnsOptions: {
      resolveRecords: (domain: string, type: string) => Promise<unknown[]>;
      blockLocalAddresses: boolean;
      blockReservedNetworks: boolean;
    };
  }

  /** Errors carry `response`, `category` ('dns', 'network') and, where trying again may help, `temporary: true`. */
  function mxConnect(options: MxConnectOptions): Promise<MxConnection>;
  export default mxConnect;
}

declare module 'mailauth/lib/dkim/verify.js' {
  /** Verifies every signature of a message. `resolver` answers TXT look-ups. */
  export function dkimVerify(
    message: Buffer,
    options: { resolver: (name: string, type: string) => Promise<string[][]> },
  ): Promise<{ results: { status: { result: string } }[] }>;
}
