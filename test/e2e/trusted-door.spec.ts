/** The trusted listener: plain SMTP without a password, for the networks that the operator named and for nobody else. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { connect } from 'node:net';
import { startMx, type ScriptedMx } from '../../src/cli/demo/scripted-mx.js';
import { refusal } from '../../src/submission/refusals.js';
import { RawSmtp } from './raw-smtp.js';
import { RunningPosthorn } from './running-posthorn.js';

const SENDER = 'cron@example.org';
const MESSAGE = Buffer.from(`From: ${SENDER}\r\nTo: ops@example.net\r\nSubject: disk\r\n\r\nFull.\r\n`);

describe('the trusted listener', () => {
  let posthorn: RunningPosthorn | undefined;
  let sink: ScriptedMx | undefined;
  let client: RawSmtp | undefined;

  afterEach(async () => {
    client?.close();
    await posthorn?.dispose();
    await sink?.close();
    client = posthorn = sink = undefined;
  });

  it('takes mail of its networks without AUTH, for the domains of its account only', async () => {
    sink = await startMx();
    posthorn = await RunningPosthorn.start({
      POSTHORN_ROUTES: `*=smtp://127.0.0.1:${sink.port}?tls=none`,
      POSTHORN_TRUSTED_NETWORKS: '127.0.0.0/8',
    });
    client = await RawSmtp.session(posthorn.ports.trusted);
    const { code, enhanced, text } = refusal('sender_not_allowed', 'example.com');
    const foreign = await client.send('ceo@example.com', ['ops@example.net'], MESSAGE);
    expect(foreign.text).toBe(`${code} ${enhanced} ${text}`);

    const accepted = await client.send(SENDER, ['ops@example.net', 'dev@example.net'], MESSAGE);
    expect(accepted.text).toMatch(/^250 2\.0\.0 Ok: queued as \S+$/);
    const [message, ...more] = await sink.waitFor(1);
    expect(more).toEqual([]);
    expect(message?.recipients).toEqual(['ops@example.net', 'dev@example.net']);
    expect(message?.data.toString()).toMatch(
      /^DKIM-Signature: .*[^]*\r\nReceived: from client\.test .*[^]* with ESMTP id /,
    );
    expect(await posthorn.metric('posthorn_messages_accepted_total', 'door="trusted"')).toBe(1);
  });

  it('offers and takes neither STARTTLS nor AUTH', async () => {
    posthorn = await RunningPosthorn.start({ POSTHORN_TRUSTED_NETWORKS: '127.0.0.0/8' });
    client = await RawSmtp.session(posthorn.ports.trusted);
    const { lines } = await client.command('EHLO client.test');
    expect(lines).toContain('PIPELINING');
    expect(lines.filter((line) => /STARTTLS|AUTH/.test(line))).toEqual([]);
    const { user, password } = (await posthorn.credentials()).smtp;
    expect(await client.logIn(user, password)).toMatchObject({ text: expect.stringMatching(/^500 5\.5\.2 /) });
    expect(await client.commands('STARTTLS', 'NOOP')).toEqual([
      expect.stringMatching(/^500 5\.5\.2 /),
      expect.stringMatching(/^250 2\.0\.0 /),
    ]);
  });

  it('turns others away in its greeting', async () => {
    posthorn = await RunningPosthorn.start({ POSTHORN_TRUSTED_NETWORKS: '10.0.0.0/8, fd00::/48' });
    client = await RawSmtp.connect(posthorn.ports.trusted);
    const { code, enhanced, text } = refusal('network_not_trusted', '127.0.0.1');
    expect(await client.reply()).toMatchObject({ text: `${code} ${enhanced} ${text}` });
    expect(`${code} ${enhanced}`).toBe('554 5.7.1');
    await client.untilClosed();
  });

  it('is off while no network is named', async () => {
    posthorn = await RunningPosthorn.start();
    const socket = connect(posthorn.ports.trusted, '127.0.0.1');
    const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toBe('ECONNREFUSED');
  });
});
