/** The programs of Debian's packages that the bench uses, and which are here. */
import { accessSync, constants } from 'node:fs';
import { runProgram } from './child-program.js';

export const POSTFIX = '/usr/sbin/postfix';
export const SMTP_SOURCE = '/usr/sbin/smtp-source';
export const SMTP_SINK = '/usr/sbin/smtp-sink';
export const OPENDKIM = '/usr/sbin/opendkim';
const POSTCONF = '/usr/sbin/postconf';
const ANSWER_WITHIN_MS = 5_000;
/** Postfix runs as this user of its package; so does the OpenDKIM beside it, which shares a socket with it. */
export const POSTFIX_USER = 'postfix';

export interface Peers {
  /** Why each cannot be measured; undefined where it can. */
  readonly postfix: string | undefined;
  readonly opendkim: string | undefined;
  /** Whether Postfix's smtp-source and smtp-sink are here; else the bench loads and receives by itself. */
  readonly loadTools: boolean;
  /** Such as `Postfix 3.7.11`. */
  readonly versions: readonly string[];
}

export async function findPeers(): Promise<Peers> {
  const root = process.getuid?.() === 0;
  const notRoot = 'it must be started by root';
  const postfix = !isHere(POSTFIX) ? 'Debian package postfix is not installed' : root ? undefined : notRoot;
  const opendkim = postfix ?? (isHere(OPENDKIM) ? undefined : 'Debian package opendkim is not installed');
  const versions: string[] = [];
  if (!postfix)
    versions.push(`Postfix ${(await runProgram(POSTCONF, ['-d', '-h', 'mail_version'], ANSWER_WITHIN_MS)).said}`);
  if (!opendkim) {
    const { said } = await runProgram(OPENDKIM, ['-V'], ANSWER_WITHIN_MS);
    versions.push(`OpenDKIM ${/v(\d[\d.]*)/.exec(said)?.[1] ?? ''}`.trim());
  }
  return { postfix, opendkim, loadTools: isHere(SMTP_SOURCE) && isHere(SMTP_SINK), versions };
}

function isHere(program: string): boolean {
  try {
    accessSync(program, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
