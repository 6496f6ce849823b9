/**
 * Plays the scenario: a relay and a small internet are started, the mail is sent, and each message is followed until it is
 * delivered or bounced; delivered ones are verified. What went otherwise than the scenario says is told at the end.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { timeOfMessage } from '../../mail/message-id.js';
import type { Cleanup } from '../bench/cleanup.js';
import { startDemoRelay, type DemoRelay } from './demo-relay.js';
import { verifyDkim, type DkimProof } from './dkim-proof.js';
import { startLoopbackInternet, type LoopbackInternet } from './loopback-internet.js';
import { MessageTrail } from './message-trail.js';
import type { Narration } from './narration.js';
import { DOMAINS, MESSAGES, RELAY_HOSTNAME, SENDING_DOMAIN, type DemoMessage } from './scenario.js';
import { submitMessage } from './submit-message.js';
import { judge, type Sighting, type Verdict } from './verdict.js';

const POLL_MS = 25;
/** Many times what it takes on a slow machine. */
const SETTLED_WITHIN_MS = 60_000;
const RECORD_CHARACTERS_SHOWN = 24;

interface Followed {
  readonly message: DemoMessage;
  readonly trail: MessageTrail;
}

/** Rejects where the relay does not start or does not answer. `cleanup` ends what was started. */
export async function runDemo(narration: Narration, cleanup: Cleanup): Promise<Verdict> {
  narration.opening();
  const internet = await startLoopbackInternet();
  try {
    cleanup.add(() => internet.close());
  } catch (interruption) {
    await internet.close();
    throw interruption;
  }
  tellInternet(narration, internet);
  const relayStartedAt = performance.now();
  const relay = await startDemoRelay({ dnsServer: internet.dns.server, mxPort: internet.mxPort }, cleanup);
  tellRelay(narration, relay, performance.now() - relayStartedAt);
  await publishKeys(narration, relay, internet);
  return new Demo(narration, relay, internet).play();
}

function tellInternet(narration: Narration, { dns, mxPort, mxAddresses }: LoopbackInternet): void {
  const servers = DOMAINS.flatMap((domain) => domain.servers);
  const down = servers.filter(({ isDown }) => isDown === true).length;
  const [first = '', last = first] = [mxAddresses[0], mxAddresses.at(-1)];
  const place = first === last ? first : `${first} to ${last}`;
  narration.fact('DNS', `${dns.server}, knows ${DOMAINS.length} mail domains and answers NXDOMAIN to all others`);
  narration.fact('MXs', `${servers.length - down} at ${place}, port ${mxPort}; ${down} more that is down`);
}

function tellRelay(narration: Narration, { ports }: DemoRelay, startMs: number): void {
  const doors = `SMTP 127.0.0.1:${ports.starttls} and :${ports.implicitTls}, HTTP :${ports.http}`;
  narration.fact('relay', `${RELAY_HOSTNAME}, ${doors}, up after ${(startMs / 1000).toFixed(1)} s`);
}

interface DomainAnswer {
  readonly records: readonly { readonly purpose: string; readonly name: string; readonly value: string }[];
}

/** As the owner of the domain would: the relay says what DNS must hold. */
async function publishKeys(narration: Narration, { api }: DemoRelay, { dns }: LoopbackInternet): Promise<void> {
  const answer = await api.request<DomainAnswer>('GET', `/v1/domains/${SENDING_DOMAIN}`);
  if (answer.kind === 'failed') throw new Error(`the relay does not tell its DKIM record: ${answer.why}`);
  const records = answer.body.records.filter(({ purpose }) => purpose === 'dkim');
  if (records.length === 0) throw new Error(`the relay has no DKIM record for ${SENDING_DOMAIN}`);
  for (const { name, value } of records) {
    dns.set(name, 'TXT', [value]);
    narration.fact('DKIM', `published ${name} TXT "${value.slice(0, RECORD_CHARACTERS_SHOWN)}..."`);
  }
}

class Demo {
  private readonly followed: Followed[] = [];
  private readonly sightings: Sighting[] = [];
  private readonly deadline = performance.now() + SETTLED_WITHIN_MS;

  constructor(
    private readonly narration: Narration,
    private readonly relay: DemoRelay,
    private readonly internet: LoopbackInternet,
  ) {}

  async play(): Promise<Verdict> {
    for (const message of MESSAGES) {
      const { id, answer } = await submitMessage(this.relay, message);
      this.narration.accepted(message, answer, timeOfMessage(id));
      const trail = new MessageTrail(id, this.relay.api);
      this.followed.push({ message, trail });
      // One after the other, so that a reader sees what belongs together.
      await this.follow(() => trail.isAtRest);
    }
    await this.follow(() => this.followed.every(({ trail }) => trail.isSettled));
    const recipients = MESSAGES.flatMap((message) => message.recipients);
    return judge(recipients, this.sightings);
  }

  /** Tells what happens to any message until `isOver`, or until the time is. */
  private async follow(isOver: () => boolean): Promise<void> {
    while (!isOver() && performance.now() < this.deadline) {
      await sleep(POLL_MS);
      for (const { message, trail } of this.followed.filter((each) => !each.trail.isSettled)) {
        for (const event of await trail.look()) {
          const proof = event.type === 'delivered' ? await this.proofFor(event.recipient) : undefined;
          this.sightings.push({ event, ...(proof && { proof }) });
          this.narration.event(message, event, proof);
        }
      }
    }
  }

  private async proofFor(recipient: string): Promise<DkimProof> {
    const received = this.internet.receivedFor(recipient);
    if (!received) return { kind: 'failed', why: 'no server has the message' };
    return verifyDkim(received.data, this.internet.dns.server);
  }
}
