/** The verdict of a DKIM verifier that is not ours (`dkim-verifier.py`) on messages, one process for all of them. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { join } from 'node:path';

/** Debian's own Python, which is the one that python3-dkim is installed for. */
const PYTHON = '/usr/bin/python3';
const PROGRAM = join(import.meta.dirname, 'dkim-verifier.py');

export interface DkimVerdict {
  readonly verified: boolean;
  readonly domain: string;
  readonly selector: string;
  /** The verifier could not read the header as it stands: `dkim-verifier.py` says what was done. */
  readonly reread: boolean;
  /** Why it could not be verified; empty where the signature is simply wrong. */
  readonly why: string;
}

/** Whether python3-dkim is installed here. */
export function hasDkimVerifier(): boolean {
  try {
    execFileSync(PYTHON, ['-c', 'import dkim'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** A verdict on each message, in their order. `records` are TXT records by their names: nothing else is in this DNS. */
export async function verifyDkim(
  messages: readonly Buffer[],
  records: Readonly<Record<string, string>>,
): Promise<DkimVerdict[]> {
  const verifier = spawn(PYTHON, [PROGRAM], { stdio: ['pipe', 'pipe', 'inherit'] });
  const closed = once(verifier, 'close');
  verifier.stdin.on('error', () => undefined); // Its exit says more.
  const lines = messages.map((message) => message.toString('base64'));
  verifier.stdin.end([JSON.stringify(records), ...lines, ''].join('\n'));
  const output = await text(verifier.stdout);
  const [code] = (await closed) as [number | null];
  if (code !== 0) throw new Error(`the DKIM verifier ended with ${String(code)}`);
  return output
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as DkimVerdict);
}
