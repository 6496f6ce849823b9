/** How a command is answered: RFC 1939 section 3, with the response codes of RFC 2449 section 8 and RFC 3206. */

export interface Reply {
  readonly status: '+OK' | '-ERR';
  /** Without its brackets. */
  readonly code?: 'AUTH' | 'SYS/TEMP' | 'SYS/PERM';
  readonly text: string;
  /** What came was no command of POP3. */
  readonly isFault?: true;
}

export function ok(text: string): Reply {
  return { status: '+OK', text };
}

export function err(text: string, code?: Reply['code']): Reply {
  return { status: '-ERR', text, ...(code !== undefined && { code }) };
}

export function bad(text: string): Reply {
  return { status: '-ERR', text, isFault: true };
}

export function formatReply({ status, code, text }: Reply): string {
  return `${status} ${code === undefined ? '' : `[${code}] `}${text}\r\n`;
}

/** What is refused, each once, in words that say what to do. */
export const REFUSED = {
  tlsFirst: err('Log in under TLS: use STLS first, or the port for TLS'),
  pipelinedTls: err('STLS must be the last command before TLS begins'),
  noSuchMessage: err('There is no such message'),
  deleted: err('The message is marked as deleted: RSET takes the mark away'),
  gone: err('The message is no longer there: somebody took it away, or it has had its time'),
  notRemoved: err('Nothing may have been removed: the mailbox cannot be reached, log in again later', 'SYS/TEMP'),
  loginIsOver: err('The login is no longer good', 'SYS/PERM'),
  unavailable: err('The mailbox cannot be reached at the moment: try again later', 'SYS/TEMP'),
} as const satisfies Record<string, Reply>;
