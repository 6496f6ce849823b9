/**
 * Clients that hand a relay numbered messages through every door, whatever befalls it, and keep a record of each answer.
 *
 * A message that got no 2xx (a 4xx, a lost connection) is sent again as a new one with a number of its own, so that of
 * each number it is known for certain whether we answered for it. What got no answer may arrive or not.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { readFile } from 'node:fs/promises';
import { RawSmtp } from './raw-smtp.js';
import type { RunningPosthorn } from './running-posthorn.js';

export type LoadDoor = 'submission' | 'trusted' | 'http';

/** One message as it was handed over once. */
export interface Submission {
  /** Of this submission alone; stands in the message's `X-Ledger-Number` and in its recipient's address. */
  readonly number: string;
  readonly recipient: string;
  readonly door: LoadDoor;
  /** What the 250 or 202 called it; undefined where none came. */
  readonly messageId: string | undefined;
}

export interface LoadPlan {
  /** Messages to be acknowledged in all. */
  readonly messages: number;
  /** Clients at each door, each with one message at a time. */
  readonly clients: Readonly<Record<LoadDoor, number>>;
  /** The recipient's mailbox name for the message of this index; its number is added. */
  readonly mailbox: (index: number) => string;
}

/** A client at a door. Throws where the connection is lost. */
interface Client {
  /** What the relay calls the message; undefined where it refused for now. */
  submit(from: string, to: string, message: string): Promise<string | undefined>;
  close(): void;
}

const PAUSE_MS = 50;
const HTTP_ANSWER_WITHIN_MS = 60_000;
const BODY = 'Twelve lines like this one make a message about as long as a receipt.\r\n'.repeat(12);

export class SubmissionLoad {
  /** Every submission that was begun, in the order of their ends. */
  readonly submissions: Submission[] = [];
  acknowledged = 0;
  private begun = 0;
  private readonly stopping = new AbortController();
  private readonly milestones: { readonly count: number; readonly reach: () => void }[] = [];

  constructor(
    private readonly posthorn: RunningPosthorn,
    private readonly plan: LoadPlan,
  ) {}

  /** Resolves when all are acknowledged; rejects where that takes longer than `withinMs`. */
  async run(withinMs: number): Promise<void> {
    const timer = setTimeout(() => this.stopping.abort(), withinMs);
    const clients = (Object.keys(this.plan.clients) as LoadDoor[]).flatMap((door) =>
      Array.from({ length: this.plan.clients[door] }, () => this.work(door)),
    );
    await Promise.all(clients).finally(() => clearTimeout(timer));
    if (this.acknowledged < this.plan.messages) {
      throw new Error(`${this.acknowledged} of ${this.plan.messages} were acknowledged in ${withinMs} ms`);
    }
  }

  /** Resolves when so many are acknowledged. */
  async reached(count: number): Promise<void> {
    if (this.acknowledged >= count) return;
    await new Promise<void>((reach) => this.milestones.push({ count, reach }));
  }

  private async work(door: LoadDoor): Promise<void> {
    let client: Client | undefined;
    while (this.begun < this.plan.messages && !this.stopping.signal.aborted) {
      const index = this.begun++;
      for (let attempt = 1; !this.stopping.signal.aborted; attempt++) {
        client ??= await this.open(door).catch(() => undefined);
        if (client && (await this.submit(client, door, index, attempt))) break;
        client?.close();
        client = undefined;
        await sleep(PAUSE_MS);
      }
    }
    client?.close();
  }

  private async submit(client: Client, door: LoadDoor, index: number, attempt: number): Promise<boolean> {
    const number = `${index}-${attempt}`;
    const recipient = `${this.plan.mailbox(index)}.${number}@customers.example`;
    const header = `From: shop@example.org\r\nTo: ${recipient}\r\nSubject: Your receipt\r\nX-Ledger-Number: ${number}\r\n`;
    const message = `${header}\r\n${BODY}`;
    const messageId = await client.submit('shop@example.org', recipient, message).catch(() => undefined);
    this.submissions.push({ number, recipient, door, messageId });
    if (messageId === undefined) return false;
    this.acknowledged++;
    for (const { count, reach } of this.milestones) if (this.acknowledged >= count) reach();
    return true;
  }

  private async open(door: LoadDoor): Promise<Client> {
    const { ports } = this.posthorn;
    switch (door) {
      case 'trusted':
        return smtpClient(await RawSmtp.session(ports.trusted));
      case 'submission': {
        const { smtp } = await this.posthorn.credentials();
        const session = await RawSmtp.session(ports.submission);
        await session.startTls(await readFile(this.posthorn.caFile, 'utf8'));
        await session.logIn(smtp.user, smtp.password);
        return smtpClient(session);
      }
      case 'http':
        return httpClient(ports.http, (await this.posthorn.credentials()).apiKey);
      default:
        return door satisfies never;
    }
  }
}

function smtpClient(session: RawSmtp): Client {
  return {
    async submit(from, to, message) {
      const reply = await session.send(from, [to], Buffer.from(message));
      return reply.code === 250 ? /queued as (\w+)/.exec(reply.text)?.[1] : undefined;
    },
    close: () => session.close(),
  };
}

function httpClient(port: number, apiKey: string): Client {
  return {
    async submit(from, to, message) {
      const response = await fetch(`http://127.0.0.1:${port}/v1/messages`, {
        method: 'POST',
        headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
        body: JSON.stringify({ raw: Buffer.from(message).toString('base64'), envelope: { from, to: [to] } }),
        signal: AbortSignal.timeout(HTTP_ANSWER_WITHIN_MS),
      });
      const answer = (await response.json()) as { id?: string };
      return response.status === 202 ? answer.id : undefined;
    },
    close: () => undefined,
  };
}
