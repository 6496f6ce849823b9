/** The mail clients that websites and people send with, each told to verify the certificate: what to run, and how it ended. */
import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createTransport } from 'nodemailer';
import { missingProgram, PYTHON } from '../programs/installed.js';
import { runProgram } from '../programs/run-program.js';

export interface Submission {
  readonly port: number;
  /** `starttls` upgrades a plain connection and goes no further without; `tls` is encrypted from its first octet. */
  readonly encryption: 'starttls' | 'tls';
  /** PEM file of the only authority that the client trusts. */
  readonly caFile: string;
  readonly auth: 'PLAIN' | 'LOGIN' | 'none';
  readonly user: string;
  readonly password: string;
  readonly from: string;
  readonly to: string;
  /** Header and body, lines ending in LF. */
  readonly message: string;
}

export interface Sending {
  readonly sent: boolean;
  /** All that the client said. */
  readonly output: string;
}

export interface MailClient {
  readonly name: string;
  /** Why it cannot run on this machine. */
  missing(): string | undefined;
  send(submission: Submission): Promise<Sending>;
}

const SMTPLIB = `
import smtplib, ssl, sys
host, port, encryption, ca, auth, user, password, sender, recipient = sys.argv[1:]
trust = ssl.create_default_context(cafile=ca)
if encryption == 'tls':
    client = smtplib.SMTP_SSL(host, int(port), 'client.test', context=trust, timeout=20)
else:
    client = smtplib.SMTP(host, int(port), 'client.test', timeout=20)
    client.starttls(context=trust)
client.ehlo()
if auth != 'none':
    client.user, client.password = user, password
    client.auth(auth, client.auth_plain if auth == 'PLAIN' else client.auth_login)
print(client.sendmail(sender, [recipient], sys.stdin.read()))
client.quit()
`;

export const MAIL_CLIENTS: readonly MailClient[] = [
  {
    name: 'swaks',
    missing: () => missingProgram('swaks') ?? missingPerlModule('Net::SSLeay', 'libnet-ssleay-perl'),
    send: ({ encryption, caFile, auth, user, password, from, to, port, message }) => {
      const tls = [encryption === 'tls' ? '-tlsc' : '-tls', '--tls-verify', '--tls-ca-path', caFile];
      const login = auth === 'none' ? [] : ['--auth', auth, '--auth-user', user, '--auth-password', password];
      const place = ['--server', 'localhost', '--port', String(port), '--helo', 'client.test', '--timeout', '20'];
      return run('swaks', [...place, ...tls, ...login, '--from', from, '--to', to, '--data', '-'], message);
    },
  },
  {
    name: 'curl',
    missing: () => missingProgram('curl'),
    send: ({ encryption, caFile, auth, user, password, from, to, port, message }) => {
      const scheme = encryption === 'tls' ? 'smtps' : 'smtp';
      const login = auth === 'none' ? [] : ['--user', `${user}:${password}`, '--login-options', `AUTH=${auth}`];
      const mail = ['--mail-from', from, '--mail-rcpt', to, '--crlf', '--upload-file', '-'];
      const url = `${scheme}://localhost:${port}/client.test`;
      return run('curl', ['--verbose', '--ssl-reqd', '--cacert', caFile, ...login, ...mail, url], message);
    },
  },
  {
    name: 'smtplib',
    missing: () => missingProgram('python3'),
    send: ({ encryption, caFile, auth, user, password, from, to, port, message }) =>
      run(
        PYTHON,
        ['-c', SMTPLIB, 'localhost', String(port), encryption, caFile, auth, user, password, from, to],
        message,
      ),
  },
  {
    name: 'msmtp',
    missing: () => missingProgram('msmtp'),
    send: ({ encryption, caFile, auth, user, password, from, to, port, message }) => {
      const starttls = encryption === 'starttls' ? 'on' : 'off';
      const tls = ['--tls=on', `--tls-starttls=${starttls}`, `--tls-trust-file=${caFile}`];
      const login =
        auth === 'none'
          ? ['--auth=off']
          : [`--auth=${auth.toLowerCase()}`, `--user=${user}`, `--passwordeval=echo ${password}`];
      const place = ['--file=/dev/null', '--host=localhost', `--port=${port}`, '--domain=client.test'];
      return run('msmtp', [...place, ...tls, ...login, `--from=${from}`, '--', to], message);
    },
  },
  {
    name: 'nodemailer',
    missing: () => undefined,
    send: async ({ encryption, caFile, auth, user, password, from, to, port, message }) => {
      const transport = createTransport({
        host: 'localhost',
        name: 'client.test',
        port,
        secure: encryption === 'tls',
        requireTLS: true,
        tls: { ca: await readFile(caFile) },
        ...(auth !== 'none' && { auth: { user, pass: password }, authMethod: auth }),
      });
      try {
        const { response } = await transport.sendMail({ envelope: { from, to }, raw: message });
        return { sent: true, output: response };
      } catch (error) {
        return { sent: false, output: String(error) };
      } finally {
        transport.close();
      }
    },
  },
];

async function run(program: string, argv: readonly string[], input: string): Promise<Sending> {
  const { code, output } = await runProgram(program, argv, process.env, input);
  return { sent: code === 0, output };
}

function missingPerlModule(module: string, packageName: string): string | undefined {
  try {
    execFileSync('perl', [`-M${module}`, '-e', '1'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return packageName;
  }
}
