/**
 * Mail servers that take all that comes and bounce it later: Postfix and Exim of Debian as private instances, each with its
 * own configuration, queue and port. Their bounces go to one port, that of the intake.
 */
import { execFile, spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { postfixServices } from '../../src/cli/bench/postfix-config.js';
import { userIds } from '../../src/cli/bench/user-ids.js';
import { isInstalled } from '../programs/installed.js';
import { freePort } from './running-posthorn.js';

const run = promisify(execFile);
const READY_WITHIN_MS = 60_000;
const POSTFIX = '/usr/sbin/postfix';
/** Debian's package conflicts with Postfix's, so it is only unpacked. */
const EXIM_PACKAGE = 'exim4-daemon-light';
const EXIM_FOLDER = join(import.meta.dirname, '../../.cache/exim');
const EXIM = join(EXIM_FOLDER, 'usr/sbin/exim4');
/** Compiled into Debian's program, which does not start where there is no such user. */
const EXIM_USER = 'Debian-exim';
/** A user that every Debian has, by whose number the other goes. */
const BORROWED_USER = 'mail';
/**
 * Runs its arguments where /etc/passwd and /etc/group are those of the first: in a mount namespace of its own, so that the
 * machine's stay as they are. unshare(1).
 */
const WITH_USERS = 'mount --bind "$1/passwd" /etc/passwd && mount --bind "$1/group" /etc/group && shift && exec "$@"';

export interface LateBouncer {
  readonly port: number;
  /** What it said to its log. */
  log(): string;
  stop(): Promise<void>;
}

export function mayRunPostfix(): boolean {
  return process.getuid?.() === 0 && isInstalled('postfix');
}

/** Downloads and unpacks it where it is not there; false where that cannot be. */
export async function mayRunExim(): Promise<boolean> {
  if (process.getuid?.() !== 0 || !isInstalled('apt-get', 'dpkg', 'unshare')) return false;
  mkdirSync(EXIM_FOLDER, { recursive: true });
  try {
    if (!existsSync(EXIM)) await run('apt-get', ['download', EXIM_PACKAGE], { cwd: EXIM_FOLDER, timeout: 60_000 });
    const [file = ''] = readdirSync(EXIM_FOLDER).filter((name) => name.endsWith('.deb'));
    await run('dpkg', ['-x', join(EXIM_FOLDER, file), EXIM_FOLDER]);
    const folder = makeFolder('exim');
    await run('unshare', withUsers(folder, ['-C', '/dev/null', '-bV'])).finally(() =>
      rmSync(folder, { recursive: true }),
    );
    return true;
  } catch {
    rmSync(EXIM_FOLDER, { recursive: true, force: true });
    return false;
  }
}

/** Takes mail for `domain`, finds that the server on `nextPort` refuses it, and bounces it. */
export async function startPostfix(domain: string, nextPort: number, bouncePort: number): Promise<LateBouncer> {
  const folder = makeFolder('postfix');
  const [config, queue, data] = ['config', 'queue', 'data'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  for (const directory of [config, queue, data]) mkdirSync(directory);
  const { uid, gid } = userIds('postfix');
  chownSync(data, uid, gid);
  const port = await freePort();
  const log = join(folder, 'mail.log');
  const parameters = {
    compatibility_level: '3.6',
    queue_directory: queue,
    data_directory: data,
    maillog_file: log,
    maillog_file_prefixes: folder,
    myhostname: `mx.${domain}`,
    mydestination: '',
    mynetworks: '127.0.0.0/8',
    inet_interfaces: '127.0.0.1',
    inet_protocols: 'ipv4',
    smtpd_relay_restrictions: 'permit_mynetworks, reject',
    smtpd_peername_lookup: 'no',
    alias_maps: '',
    alias_database: '',
    local_recipient_maps: '',
    smtp_tls_security_level: 'may',
    smtp_host_lookup: 'native',
    relayhost: `[127.0.0.1]:${bouncePort}`,
    transport_maps: `inline:{${domain}=smtp:[127.0.0.1]:${nextPort}}`,
  };
  const text = Object.entries(parameters).map(([name, value]) => `${name} = ${value}\n`);
  writeFileSync(join(config, 'main.cf'), text.join(''));
  writeFileSync(join(config, 'master.cf'), postfixServices(port));
  await run(POSTFIX, ['-c', config, 'start']);
  const bouncer = {
    port,
    log: () => (existsSync(log) ? readFileSync(log, 'utf8') : ''),
    stop: async () => {
      // `stop` itself waits for seconds.
      await run(POSTFIX, ['-c', config, 'abort']).catch(() => undefined);
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return untilAnswers(bouncer);
}

/** Takes mail for `domain`, knows no user there when it is to be delivered, and bounces it. */
export async function startExim(domain: string, bouncePort: number): Promise<LateBouncer> {
  const folder = makeFolder('exim');
  const { uid, gid } = userIds(BORROWED_USER);
  chownSync(folder, uid, gid);
  const port = await freePort();
  const config = join(folder, 'exim.conf');
  writeFileSync(config, eximConfig(folder, domain, bouncePort));
  const child = spawn(
    'unshare',
    withUsers(folder, ['-C', config, '-bdf', '-q2s', '-oX', String(port), '-oP', join(folder, 'pid')]),
    {
      stdio: 'ignore',
    },
  );
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const bouncer = {
    port,
    log: () => (existsSync(join(folder, 'mainlog')) ? readFileSync(join(folder, 'mainlog'), 'utf8') : ''),
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return untilAnswers(bouncer);
}

/** What `unshare` runs Exim with. */
function withUsers(folder: string, args: readonly string[]): string[] {
  const { uid, gid } = userIds(BORROWED_USER);
  const passwd = `${readFileSync('/etc/passwd', 'utf8')}${EXIM_USER}:x:${uid}:${gid}::/:/usr/sbin/nologin\n`;
  writeFileSync(join(folder, 'passwd'), passwd);
  writeFileSync(join(folder, 'group'), `${readFileSync('/etc/group', 'utf8')}${EXIM_USER}:x:${gid}:\n`);
  return ['-m', 'sh', '-c', WITH_USERS, 'sh', folder, EXIM, ...args];
}

function eximConfig(folder: string, domain: string, bouncePort: number): string {
  return `
primary_hostname = mx.${domain}
exim_path = ${EXIM}
keep_environment =
spool_directory = ${folder}
log_file_path = ${folder}/%slog
exim_user = ${EXIM_USER}
exim_group = ${EXIM_USER}
never_users =
local_interfaces = 127.0.0.1
host_lookup =
rfc1413_query_timeout = 0s
tls_advertise_hosts =
acl_smtp_rcpt = accept
acl_smtp_data = accept
begin routers
late:
  driver = redirect
  domains = ${domain}
  allow_fail
  data = :fail: 550 5.1.1 unrouteable mail domain user unknown
back:
  driver = manualroute
  route_list = * 127.0.0.1 byname
  transport = back
  self = send
begin transports
back:
  driver = smtp
  port = ${bouncePort}
  allow_localhost
  hosts_try_dane =
  hosts_try_prdr =
begin retry
* * F,1h,2s
`;
}

function makeFolder(name: string): string {
  const folder = mkdtempSync(join('/var/tmp', `posthorn-${name}-`));
  // Its processes run as other users.
  chmodSync(folder, 0o755);
  return folder;
}

async function untilAnswers(bouncer: LateBouncer): Promise<LateBouncer> {
  const deadline = Date.now() + READY_WITHIN_MS;
  while (!(await answers(bouncer.port))) {
    if (Date.now() > deadline) {
      const said = bouncer.log();
      await bouncer.stop();
      throw new Error(`it does not answer: ${said}`);
    }
    await sleep(50);
  }
  return bouncer;
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('data', () => {
      socket.end('QUIT\r\n');
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
