/** The built service with reports of every kind in its mailbox, and one who looks at it over IMAP beside the programs. */
import { startMx, type ScriptedMx } from '../../src/cli/demo/scripted-mx.js';
import { arf } from '../bounces/mails.js';
import { ImapWatcher } from './imap-watcher.js';
import { RawSmtp } from './raw-smtp.js';
import { RunningPosthorn } from './running-posthorn.js';

/** What the recipient's server says, by the address: from each comes a report of another kind. */
const REPLIES = {
  unknown: '550 5.1.1 No such user here',
  full: '552 5.2.2 The mailbox is full',
  blocked: '550 5.7.1 Client host blocked using zen.spamhaus.org',
} as const;

/** As a person writes: alternatives, a file, and words beyond ASCII. */
const LETTER = [
  'From: =?utf-8?q?J=C3=BCrgen?= <juergen@example.net>',
  'To: postmaster@example.org',
  'Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe_aus_K=C3=B6ln?=',
  'Date: Tue, 1 Dec 2026 08:00:00 +0000',
  'Message-ID: <letter@example.net>',
  'MIME-Version: 1.0',
  'Content-Type: multipart/mixed; boundary=outer',
  '',
  '--outer',
  'Content-Type: multipart/alternative; boundary=inner',
  '',
  '--inner',
  'Content-Type: text/plain; charset=utf-8',
  'Content-Transfer-Encoding: quoted-printable',
  '',
  'Please stop. Gr=C3=BC=C3=9Fe!',
  '--inner',
  'Content-Type: text/html; charset=utf-8',
  '',
  '<p>Please <b>stop</b>.</p>',
  '--inner--',
  '--outer',
  'Content-Type: application/octet-stream; name="note.bin"',
  'Content-Disposition: attachment; filename="note.bin"',
  'Content-Transfer-Encoding: base64',
  '',
  'AAECAwQFBgc=',
  '--outer--',
  '',
].join('\r\n');

export class RunningReports {
  private sent = 0;

  private constructor(
    readonly posthorn: RunningPosthorn,
    readonly login: { readonly user: string; readonly password: string },
    readonly watcher: ImapWatcher,
    private readonly mx: ScriptedMx,
  ) {}

  /** Starts it and resolves when five reports are there: three bounces, a complaint, and a letter to the postmaster. */
  static async start(): Promise<RunningReports> {
    const rcpt = (address: string) => REPLIES[address.split('-')[0] as keyof typeof REPLIES] ?? '250 2.1.5 OK';
    const mx = await startMx({ script: { rcpt } });
    try {
      const posthorn = await RunningPosthorn.start({ POSTHORN_ROUTES: `*=smtp://127.0.0.1:${mx.port}?tls=none` });
      const { smtp } = await posthorn.credentials();
      const running = new RunningReports(posthorn, smtp, await ImapWatcher.open(posthorn), mx);
      await running.fill();
      return running;
    } catch (error) {
      await mx.close();
      throw error;
    }
  }

  /** Sends what is refused, and resolves with the recipient when the report is in the mailbox. */
  async bounce(kind: keyof typeof REPLIES): Promise<string> {
    const to = `${kind}-${String(++this.sent)}@example.net`;
    await this.send(to);
    await this.watcher.untilFound(`SUBJECT "${to}"`);
    return to;
  }

  async dispose(): Promise<void> {
    await this.watcher.close();
    await this.posthorn.dispose();
    await this.mx.close();
  }

  private async fill(): Promise<void> {
    await this.bounce('unknown');
    await this.bounce('full');
    await this.bounce('blocked');
    await this.complain();
    await this.bringBack('postmaster@example.org', LETTER);
  }

  private async complain(): Promise<void> {
    await this.send('happy@example.net');
    const [message] = await this.mx.waitFor(1);
    await this.bringBack(message?.from ?? '', arf({ recipient: 'happy@example.net' }));
  }

  private async bringBack(to: string, mail: string): Promise<void> {
    const count = await this.watcher.count();
    const client = await RawSmtp.session(this.posthorn.ports.bounce);
    await client.send('', [to], Buffer.from(mail));
    client.close();
    await this.watcher.untilCount(count + 1);
  }

  private async send(to: string): Promise<void> {
    const mail = { from: 'shop@example.org', to: [to], subject: `for ${to}`, text: 'It is on its way.' };
    const { status } = await this.posthorn.api('POST', '/v1/messages', mail);
    if (status !== 202) throw new Error(`${to} was answered ${String(status)}`);
  }
}
