/** The verdict of OpenDKIM on a message: its program in test mode, with the published keys in a file. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const OPENDKIM = '/usr/sbin/opendkim';
const run = promisify(execFile);

export function hasOpendkim(): boolean {
  return existsSync(OPENDKIM);
}

/** What it says of the topmost signature. `records` are TXT records by their names. */
export async function askOpendkim(message: Buffer, records: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'posthorn-opendkim-'));
  try {
    const [keys, config, file] = ['keys', 'conf', 'message'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    await writeFile(
      keys,
      Object.entries(records).map((record) => `${record.join(' ')}\n`),
    );
    await writeFile(config, `Mode v\nSyslog no\nTestPublicKeys ${keys}\n`);
    await writeFile(file, message);
    const { stdout } = await run(OPENDKIM, ['-x', config, '-t', file]);
    return stdout.replace(file, 'message').trim();
  } finally {
    await rm(folder, { recursive: true });
  }
}
