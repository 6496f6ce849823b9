/** The verdict of a DKIM verifier that is not ours (`dkim-verifier.py`) on messages, one process for all of them. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { join } from 'node:path';
import { PYTHON } from '../programs/installed.js';

const PROGRAM = join(import.meta.dirname, 'dkim-verifier.py');

export interface SignatureVerdict {
  readonly verified: boolean;
  readonly algorithm: string;
  readonly domain: string;
  readonly selector: string;
  /** Why it could not be verified; empty where the signature is simply wrong. */
  readonly why: string;
}

export interface DkimVerdict {
  /** The topmost first. */
  readonly signatures: readonly SignatureVerdict[];
  /** The verifier could not read the header as it stands: `dkim-verifier.py` says what was done. */
  readonly reread: boolean;
}

/** What is missing of it here, for the name of a test that is skipped. Without python3-nacl it knows no Ed25519. */
export function missingOfDkimVerifier(): string | undefined {
  const modules = { 'python3-dkim': 'dkim', 'python3-nacl': 'nacl.signing' };
  return Object.entries(modules).find(([, module]) => !canImport(module))?.[0];
}

function canImport(module: string): boolean {
  try {
    execFileSync(PYTHON, ['-c', `import ${module}`], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Whether `domain` signed with both algorithms, RSA first, and both signatures hold; others may have signed below. */
export function bothVerified({ signatures }: DkimVerdict, domain: string): boolean {
  const own = signatures.filter((signature) => signature.domain === domain);
  const isBoth = own.map(({ algorithm }) => algorithm).join() === 'rsa-sha256,ed25519-sha256';
  return isBoth && own.every(({ verified }) => verified);
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
