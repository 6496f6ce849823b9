/** A real Dovecot, from Debian, on loopback: the server that ours is compared with. It holds one mailbox of given mails. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { chown, copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../e2e/running-posthorn.js';

const PROGRAM = '/usr/sbin/dovecot';
const IMAP = '/usr/lib/dovecot/imap';
/** nobody and nogroup of Debian: where the tests run as root, Dovecot does not. */
const NOBODY = 65534;
const PASSWORD = 'a-secret-of-the-test';
const READY_WITHIN_MS = 60_000;
const POLL_MS = 20;

/** What is missing of it here; undefined where it can be started. */
export function missingOfDovecot(): string | undefined {
  try {
    for (const path of [PROGRAM, IMAP]) accessSync(path, constants.X_OK);
    return undefined;
  } catch {
    return 'dovecot-imapd';
  }
}

export class RunningDovecot {
  readonly host = '127.0.0.1';
  readonly user = 'reader';
  readonly password = PASSWORD;

  private constructor(
    readonly port: number,
    private readonly directory: string,
    private readonly server: ChildProcess,
    private readonly tls: boolean,
  ) {}

  /**
   * Starts one whose INBOX holds `mails`, with UIDs from 1 in their order, and returns when it answers.
   * @param tls PEM files, for TLS from the first octet; without it nothing is encrypted
   */
  static async start(
    mails: readonly Buffer[],
    tls?: { readonly cert: string; readonly key: string },
  ): Promise<RunningDovecot> {
    const directory = await mkdtemp(join(tmpdir(), 'posthorn-dovecot-'));
    const port = await freePort();
    await writeMaildir(directory, mails);
    // Where it runs as another user it cannot read what is ours.
    if (tls) await Promise.all((['cert', 'key'] as const).map((name) => copyFile(tls[name], join(directory, name))));
    const owner = ownerOfProcesses();
    await writeFile(join(directory, 'dovecot.conf'), configuration(directory, port, owner, tls !== undefined));
    if (process.getuid?.() !== owner.uid) await giveTo(directory, owner);
    const server = spawn(PROGRAM, ['-F', '-c', join(directory, 'dovecot.conf')], {
      ...{ stdio: 'ignore', uid: owner.uid, gid: owner.gid },
    });
    const dovecot = new RunningDovecot(port, directory, server, tls !== undefined);
    await dovecot.untilReady();
    return dovecot;
  }

  /** What it wrote to its log. */
  async log(): Promise<string> {
    return readFile(join(this.directory, 'log'), 'utf8').catch(() => '');
  }

  async stop(): Promise<void> {
    if (this.server.exitCode === null && this.server.signalCode === null) {
      const gone = once(this.server, 'exit');
      this.server.kill('SIGTERM');
      await gone;
    }
    await rm(this.directory, { recursive: true, force: true });
  }

  private async untilReady(): Promise<void> {
    const giveUpAt = Date.now() + READY_WITHIN_MS;
    while (!(await (this.tls ? accepts : greets)(this.host, this.port))) {
      if (Date.now() < giveUpAt && this.server.exitCode === null) {
        await delay(POLL_MS);
        continue;
      }
      const log = await this.log();
      await this.stop();
      throw new Error(`Dovecot does not answer on port ${this.port}: ${log}`);
    }
  }
}

interface Owner {
  readonly uid: number;
  readonly gid: number;
  readonly name: string;
}

/** Who runs the tests, unless that is root. */
function ownerOfProcesses(): Owner {
  const { uid, gid, username } = userInfo();
  return uid === 0 ? { uid: NOBODY, gid: NOBODY, name: 'nobody' } : { uid, gid, name: username };
}

/** The least that listens: no chroot, no user other than the one that runs it. */
function configuration(directory: string, port: number, { uid, gid, name }: Owner, tls: boolean): string {
  return `
base_dir = ${directory}/run
state_dir = ${directory}/run
log_path = ${directory}/log
protocols = imap
listen = 127.0.0.1
${tls ? `ssl = yes\nssl_cert = <${directory}/cert\nssl_key = <${directory}/key` : 'ssl = no'}
disable_plaintext_auth = no
default_internal_user = ${name}
default_login_user = ${name}
default_internal_group = ${gid === NOBODY ? 'nogroup' : name}
mail_location = maildir:${directory}/mail
mail_max_userip_connections = 100
first_valid_uid = 1
passdb {
  driver = static
  args = password=${PASSWORD}
}
userdb {
  driver = static
  args = uid=${uid} gid=${gid} home=${directory}
}
service anvil {
  chroot =
}
service imap-login {
  chroot =
  inet_listener imap {
    port = ${tls ? 0 : port}
  }
  inet_listener imaps {
    port = ${tls ? port : 0}
    ssl = yes
  }
}
`;
}

/** Names that sort in their order, so that the UIDs follow it. */
async function writeMaildir(directory: string, mails: readonly Buffer[]): Promise<void> {
  const folders = ['cur', 'new', 'tmp'].map((name) => join(directory, 'mail', name));
  await mkdir(join(directory, 'run'), { recursive: true });
  await Promise.all(folders.map((folder) => mkdir(folder, { recursive: true })));
  for (const [index, mail] of mails.entries()) {
    const name = `${1_700_000_000 + index}.M${index}.test,S=${mail.length}:2,`;
    await writeFile(join(directory, 'mail', 'cur', name), mail);
  }
}

async function giveTo(directory: string, { uid, gid }: Owner): Promise<void> {
  const entries = await readdir(directory, { recursive: true });
  await chown(directory, uid, gid);
  await Promise.all(entries.map((entry) => chown(join(directory, entry), uid, gid)));
}

async function greets(host: string, port: number): Promise<boolean> {
  const socket = createConnection({ host, port });
  try {
    const [data] = (await Promise.race([once(socket, 'data'), once(socket, 'end')])) as [Buffer?];
    return data?.toString('latin1').startsWith('* OK') ?? false;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

async function accepts(host: string, port: number): Promise<boolean> {
  const socket = createConnection({ host, port });
  const connected = await once(socket, 'connect').then(
    () => true,
    () => false,
  );
  socket.destroy();
  return connected;
}
