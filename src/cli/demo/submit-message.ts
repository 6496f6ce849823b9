/** Hands the relay a message of the scenario as an application would: by SMTP with a password, or by HTTP with a key. */
import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { openSession } from '../../delivery/nodemailer-session.js';
import { formatReply } from '../../mail/reply.js';
import type { DemoRelay } from './demo-relay.js';
import { RELAY_HOSTNAME, type DemoMessage, type DemoSubmission } from './scenario.js';

export interface Submitted {
  readonly id: string;
  /** What the relay answered. */
  readonly answer: string;
}

/** Greeting, STARTTLS and AUTH, all on loopback. */
const OPEN_WITHIN_MS = 20_000;

/** Rejects where the relay does not take it. */
export async function submitMessage(relay: DemoRelay, { submission, recipients }: DemoMessage): Promise<Submitted> {
  const to = recipients.map(({ address }) => address);
  return submission.kind === 'smtp' ? bySmtp(relay, submission, to) : byHttp(relay, submission.body, to);
}

/** How it goes in, in words. */
export function doorOf(submission: DemoSubmission): string {
  if (submission.kind === 'http') return 'by HTTP';
  return submission.tls === 'starttls' ? 'by SMTP with STARTTLS and AUTH' : 'by SMTP over TLS, with AUTH';
}

async function byHttp({ api }: DemoRelay, body: object, to: readonly string[]): Promise<Submitted> {
  const sent = await api.request<{ id: string }>('POST', '/v1/messages', { ...body, to });
  if (sent.kind === 'failed') throw new Error(`the relay refused a message: ${sent.why}`);
  return { id: sent.body.id, answer: `202 Accepted: ${sent.body.id}` };
}

async function bySmtp(
  relay: DemoRelay,
  { tls, from, message }: DemoSubmission & { kind: 'smtp' },
  to: readonly string[],
): Promise<Submitted> {
  const { user, password } = relay.smtp;
  const opening = await openSession(
    {
      socket: tls === 'starttls' ? await connectPlain(relay) : await connectSecure(relay),
      hostname: RELAY_HOSTNAME,
      label: RELAY_HOSTNAME,
      secured: tls === 'implicit',
      tls: 'require',
      // A session knows the public authorities only, and it is our own child that listens there.
      verify: false,
      auth: { user, pass: password },
    },
    'web.shop.example',
    AbortSignal.timeout(OPEN_WITHIN_MS),
  );
  if (opening.kind === 'failed') throw new Error(`no SMTP session: ${formatReply(opening.outcome.reply)}`);
  const { session } = opening;
  const { outcomes } = await session.transfer(from, to, Buffer.from(message.replaceAll('\n', '\r\n')));
  session.quit();
  const answers = [...outcomes.values()].map(({ reply }) => formatReply(reply));
  const ids = answers.map((answer) => /^250 .* queued as (\S+)/.exec(answer)?.[1]);
  const [answer = ''] = answers;
  const [id] = ids;
  if (id === undefined || ids.includes(undefined))
    throw new Error(`the relay refused a message: ${answers.join('; ')}`);
  return { id, answer };
}

async function connectPlain({ ports }: DemoRelay): Promise<Socket> {
  const socket = connectTcp(ports.starttls, '127.0.0.1');
  await once(socket, 'connect');
  return socket;
}

async function connectSecure({ ports, certificate }: DemoRelay): Promise<Socket> {
  const options = { port: ports.implicitTls, host: '127.0.0.1', servername: RELAY_HOSTNAME, ca: certificate };
  const socket = connectTls(options);
  await once(socket, 'secureConnect');
  return socket;
}
