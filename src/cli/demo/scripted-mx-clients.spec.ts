import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import SMTPConnection, {
  type SMTPConnectionOptions,
  type SMTPConnectionSendInfo,
  type SMTPEnvelope,
} from 'nodemailer/lib/smtp-connection';
import { createSelfSignedCertificate, type SelfSignedCertificate } from '../../listeners/self-signed-certificate.js';
import { findCommonPort } from './common-port.js';
import type { MxScript } from './mx-script.js';
import { startMx, type MxOptions, type ScriptedMx } from './scripted-mx.js';

const itWith = (program: string): typeof it.skip =>
  spawnSync('sh', ['-c', `command -v ${program}`]).status === 0 ? it : it.skip;

const message = Buffer.from('Subject: dots\r\n\r\n.\r\n..\r\n.a\r\nb.\r\n\r\ncaf\xe9\r\n', 'latin1');
const closing: (() => Promise<void> | void)[] = [];
let tls: SelfSignedCertificate;

beforeAll(async () => {
  tls = await createSelfSignedCertificate('mx.test');
});

afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function mxWith(script: MxScript, options: MxOptions = {}): Promise<ScriptedMx> {
  const mx = await startMx({ name: 'mx.test', ...options, script });
  closing.push(() => mx.close());
  return mx;
}

/** The delivery's own client. */
class Client {
  private constructor(private readonly connection: SMTPConnection) {}

  static async to(mx: ScriptedMx, options: SMTPConnectionOptions = {}): Promise<Client> {
    const connection = new SMTPConnection({ host: mx.address, port: mx.port, name: 'client.test', ...options });
    closing.unshift(() => connection.close());
    await new Promise<void>((resolve, reject) => {
      connection.once('error', reject);
      connection.connect((error) => (error ? reject(error) : resolve()));
    });
    connection.on('error', () => undefined);
    return new Client(connection);
  }

  send(to: string[], envelope: Partial<SMTPEnvelope> = {}): Promise<SMTPConnectionSendInfo> {
    return new Promise((resolve, reject) => {
      this.connection.send({ from: 'from@client.test', to, ...envelope }, message, (error, info) =>
        error ? reject(error) : resolve(info),
      );
    });
  }
}

describe('nodemailer', () => {
  it('brings mail after mail on one connection, octets unchanged', async () => {
    const mx = await mxWith({});
    const client = await Client.to(mx);
    for (let i = 0; i < 3; i++)
      await client.send(['a@mx.test', 'b@mx.test'], { use8BitMime: true, size: message.length });
    expect(mx).toMatchObject({ connections: 1, transactions: 3 });
    for (const received of mx.received) {
      expect(received.data.equals(message)).toBe(true);
      expect(received).toMatchObject({
        from: 'from@client.test',
        recipients: ['a@mx.test', 'b@mx.test'],
        mailParameters: { BODY: '8BITMIME', SIZE: String(message.length) },
        audit: { bareCr: 0, bareLf: 0, nul: 0, longestLine: 13, pipelined: true },
        helo: 'client.test',
      });
    }
  });

  it('does not pipeline where that is not offered', async () => {
    const mx = await mxWith({ without: ['PIPELINING'] });
    await (await Client.to(mx)).send(['a@mx.test', 'b@mx.test']);
    expect(mx.received).toMatchObject([{ audit: { pipelined: false } }]);
  });

  it('learns which recipients were refused, and how', async () => {
    const mx = await mxWith({
      rcpt: (address) => {
        if (address.startsWith('later')) return '451 4.7.1 greylisted';
        return address.startsWith('no') ? '550 5.1.1 no such user' : '250 2.1.5 Ok';
      },
    });
    const info = await (await Client.to(mx)).send(['a@mx.test', 'later@mx.test', 'no@mx.test']);
    expect(info.accepted).toEqual(['a@mx.test']);
    expect(info.rejectedErrors).toMatchObject([
      { recipient: 'later@mx.test', responseCode: 451 },
      { recipient: 'no@mx.test', responseCode: 550, response: '550 5.1.1 no such user' },
    ]);
    expect(mx.received).toMatchObject([{ recipients: ['a@mx.test'] }]);
  });

  it('is encrypted by STARTTLS, and says EHLO anew', async () => {
    const mx = await mxWith({}, { tls });
    const client = await Client.to(mx, { requireTLS: true, tls: { ca: tls.cert, servername: 'mx.test' } });
    await client.send(['a@mx.test']);
    expect(mx.received).toMatchObject([{ tls: 'TLSv1.3', helo: 'client.test' }]);
    expect(mx.received[0]?.data.equals(message)).toBe(true);
  });

  it('sends in the clear where STARTTLS is refused', async () => {
    const mx = await mxWith({ starttls: 'refuse' });
    await (await Client.to(mx, { opportunisticTLS: true })).send(['a@mx.test']);
    expect(mx.received).toMatchObject([{ tls: undefined }]);
    await expect(Client.to(mx, { requireTLS: true })).rejects.toMatchObject({ code: 'ETLS' });
  });

  it('meets a broken handshake, and the MX takes the next connection', async () => {
    const mx = await mxWith({ starttls: 'break the handshake' });
    const trusting = { opportunisticTLS: true, tls: { rejectUnauthorized: false } };
    await expect(Client.to(mx, trusting)).rejects.toMatchObject({
      message: expect.stringContaining('handshake failure'),
    });
    await (await Client.to(mx, { ignoreTLS: true })).send(['a@mx.test']);
    expect(mx.received).toHaveLength(1);
  });

  it('turns away from a certificate that it cannot verify, and the MX lives on', async () => {
    const mx = await mxWith({}, { tls });
    await expect(Client.to(mx, { requireTLS: true })).rejects.toMatchObject({ code: 'ESOCKET' });
    await (await Client.to(mx, { ignoreTLS: true })).send(['a@mx.test']);
    expect(mx.received).toHaveLength(1);
  });

  it('falls back to HELO', async () => {
    const mx = await mxWith({ ehlo: '502 5.5.1 what?' });
    await (await Client.to(mx)).send(['a@mx.test']);
    expect(mx.received).toMatchObject([{ helo: 'client.test', mailParameters: {}, audit: { pipelined: false } }]);
  });

  it('loses the connection after the final dot', async () => {
    const mx = await mxWith({ dot: 'drop before reply' });
    await expect((await Client.to(mx)).send(['a@mx.test'])).rejects.toMatchObject({ code: 'ECONNECTION' });
    expect(mx.received).toHaveLength(1);
  });

  it('gives up on a silent server', async () => {
    const mx = await mxWith({ silent: true });
    await expect(Client.to(mx, { greetingTimeout: 50 })).rejects.toMatchObject({ code: 'ETIMEDOUT' });
  });
});

describe('several MXs', () => {
  // RFC 1122 section 3.2.1.3 gives a host all of 127/8; macOS has only 127.0.0.1.
  const addresses = process.platform === 'linux' ? ['127.0.0.2', '127.0.0.3', '127.0.0.4'] : ['127.0.0.1'];

  it('share one port, as real ones do', async () => {
    const port = await findCommonPort(addresses);
    const mxs = await Promise.all(addresses.map((address) => mxWith({}, { address, port })));
    for (const [i, mx] of mxs.entries()) await (await Client.to(mx)).send([`user${i}@mx.test`]);
    expect(mxs.map(({ address, port }) => ({ address, port }))).toEqual(
      addresses.map((address) => ({ address, port })),
    );
    expect(mxs.map(({ received }) => received[0]?.recipients)).toEqual(addresses.map((_, i) => [`user${i}@mx.test`]));
  });

  it('are refused an address that the machine has not got', async () => {
    await expect(findCommonPort(['127.0.0.1', '192.0.2.1'])).rejects.toMatchObject({ code: 'EADDRNOTAVAIL' });
  });
});

describe('a client that trusts the self-signed certificate', () => {
  interface Run {
    readonly code: number;
    readonly output: string;
  }

  function run(program: string, args: string[], input = ''): Promise<Run> {
    return new Promise((resolve) => {
      const child = execFile(program, args, { timeout: 20_000 }, (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code ?? -1), output: stdout + stderr });
      });
      child.stdin?.on('error', () => undefined).end(input);
    });
  }

  async function certificateFile(pem: string): Promise<string> {
    const directory = await mkdtemp(join(tmpdir(), 'scripted-mx-'));
    closing.push(() => rm(directory, { recursive: true }));
    await writeFile(join(directory, 'ca.pem'), pem);
    return join(directory, 'ca.pem');
  }

  itWith('swaks')('is swaks, which delivers in a pipeline and shows the refusal', async () => {
    const mx = await mxWith({ rcpt: (to) => (to === 'no@mx.test' ? '550 5.1.1 no' : '250 2.1.5 Ok') }, { tls });
    const tlsArgs = ['-tls', '--tls-verify', '--tls-ca-path', await certificateFile(tls.cert)];
    const common = [
      '--server',
      mx.address,
      '--port',
      String(mx.port),
      '--pipeline',
      '--from',
      'f@client.test',
      ...tlsArgs,
    ];
    expect(await run('swaks', [...common, '--to', 'a@mx.test'])).toMatchObject({ code: 0 });
    const refused = await run('swaks', [...common, '--to', 'no@mx.test']);
    // Exit 24: RCPT was refused.
    expect(refused).toMatchObject({ code: 24, output: expect.stringContaining('550 5.1.1 no') });
    expect(mx.received).toMatchObject([
      { from: 'f@client.test', recipients: ['a@mx.test'], audit: { pipelined: true } },
    ]);
    expect(mx.received[0]?.tls).toMatch(/^TLSv1\.[23]$/);
  });

  itWith('msmtp')('is msmtp, with GnuTLS, and only with this certificate', async () => {
    const mx = await mxWith({}, { tls });
    const msmtp = async (pem: string): Promise<Run> => {
      const trust = ['--tls=on', '--tls-starttls=on', `--tls-trust-file=${await certificateFile(pem)}`];
      const to = ['--host=localhost', `--port=${mx.port}`, '--auth=off', '--from=f@client.test', 'a@mx.test'];
      return run('msmtp', ['-C', '/dev/null', ...trust, ...to], 'Subject: x\n\nhello\n');
    };
    expect(await msmtp(tls.cert)).toEqual({ code: 0, output: '' });
    expect((await msmtp((await createSelfSignedCertificate('mx.test')).cert)).code).not.toBe(0);
    expect(mx.received).toMatchObject([{ recipients: ['a@mx.test'] }]);
  });
});
