/** OpenDKIM as Postfix's milter: signs only, RSA-2048, as Posthorn signs (relaxed header, simple body), on a unix socket. */
import { generateKeyPairSync } from 'node:crypto';
import { chownSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startProgram, untilReady } from './child-program.js';
import type { Cleanup } from './cleanup.js';
import { OPENDKIM, POSTFIX_USER } from './debian-programs.js';
import { SENDER_DOMAIN } from './mail-system.js';
import { userIds } from './user-ids.js';

export interface RunningOpendkim {
  readonly pid: number;
  readonly socket: string;
  /** The TXT record of its key. */
  readonly record: string;
}

const START_WITHIN_MS = 10_000;
const STOP_WITHIN_MS = 5_000;

/** @param folder an empty one that Postfix's user may enter; it is given to that user. */
export async function startOpendkim(folder: string, cleanup: Cleanup): Promise<RunningOpendkim> {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const keyFile = join(folder, 'key.pem');
  const socket = join(folder, 'socket');
  const config = join(folder, 'opendkim.conf');
  const { uid, gid } = userIds(POSTFIX_USER);
  writeFileSync(keyFile, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  writeFileSync(config, configuration(keyFile, socket));
  for (const path of [folder, keyFile, config]) chownSync(path, uid, gid);
  const program = startProgram(OPENDKIM, ['-f', '-x', config]);
  cleanup.add(() => program.stop(STOP_WITHIN_MS));
  const fault = await untilReady(program, async () => existsSync(socket), START_WITHIN_MS);
  if (fault !== undefined) throw new Error(`OpenDKIM did not start: ${fault}`);
  const key = publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
  return { pid: program.pid, socket, record: `v=DKIM1; k=rsa; p=${key}` };
}

function configuration(keyFile: string, socket: string): string {
  const lines = [
    'Mode s',
    'Background no',
    // Its log would cost it time.
    'Syslog no',
    `UserID ${POSTFIX_USER}`,
    'UMask 007',
    `Socket local:${socket}`,
    `Domain ${SENDER_DOMAIN}`,
    'Selector bench',
    `KeyFile ${keyFile}`,
    // The folders above the key are world-writable with the sticky bit, as /var/tmp is.
    'RequireSafeKeys no',
    'Canonicalization relaxed/simple',
    'OversignHeaders From',
    'InternalHosts 127.0.0.0/8',
  ];
  return `${lines.join('\n')}\n`;
}
