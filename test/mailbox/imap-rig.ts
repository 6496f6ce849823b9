/** Doors of IMAP, each as in a process of its own, and the sessions of a suite on them. */
import { afterAll, afterEach, beforeAll, expect } from '@jest/globals';
import type { Report } from '../../src/bounces/reports/reports.js';
import { ImapClient } from './imap-client.js';
import {
  RunningMailbox,
  type MailboxDoorKind,
  type MailboxDoorSetup,
  type OpenMailboxDoor,
  type Owner,
} from './running-mailbox.js';

/** Contents, and what of a report is not its content. */
type Reports = readonly (string | Partial<Report>)[];

/** Two hard bounces, and a soft one between them. */
export const BOUNCES: Reports = [{ kind: 'hard' }, { kind: 'soft' }, { kind: 'hard' }];

export interface ImapSuite {
  /** How long they last. */
  readonly sessions?: 'test' | 'suite';
}

export interface ImapDoorSetup extends MailboxDoorSetup {
  readonly kind?: MailboxDoorKind;
}

export class ImapRig {
  private readonly clients: ImapClient[] = [];
  private readonly doors: OpenMailboxDoor[] = [];

  private started: RunningMailbox | undefined;

  /** Starts before the tests of a suite and stops after them. */
  static ofSuite(doors = 1, { sessions = 'test' }: ImapSuite = {}): ImapRig {
    const rig = new ImapRig();
    beforeAll(() => rig.start(doors));
    if (sessions === 'test') afterEach(() => rig.clear());
    afterAll(() => rig.stop());
    return rig;
  }

  get running(): RunningMailbox {
    if (!this.started) throw new Error('it has not been started');
    return this.started;
  }

  async open({ kind, ...setup }: ImapDoorSetup = {}): Promise<OpenMailboxDoor> {
    const door = await this.running.open('imap', kind, setup);
    this.doors.push(door);
    return door;
  }

  /** Of a new account with these reports: uids begin at 1. */
  async owner(...reports: Reports): Promise<Owner> {
    const owner = await this.running.owner();
    for (const report of reports) {
      if (typeof report === 'string') await this.running.append(owner, report);
      else await this.running.appendReport(owner, report);
    }
    return owner;
  }

  /**
   * Who has not logged in: under TLS where the door begins with it.
   *
   * @param door of which process, from 0
   */
  async stranger(door: number | OpenMailboxDoor = 0): Promise<ImapClient> {
    const { kind, port } = (typeof door === 'number' ? this.doors[door] : door) ?? {};
    if (port === undefined) throw new Error('there is no such door');
    const client = await ImapClient.connect(port, kind === 'implicit' ? this.running.certificate.cert : undefined);
    this.clients.push(client);
    return client;
  }

  async logIn({ user, password }: Owner, door: number | OpenMailboxDoor = 0): Promise<ImapClient> {
    const client = await this.stranger(door);
    await client.ok(`LOGIN ${user} ${password}`);
    return client;
  }

  /** A session of a new account with these reports. */
  async reader(...reports: Reports): Promise<{ owner: Owner; client: ImapClient }> {
    const owner = await this.owner(...reports);
    return { owner, client: await this.logIn(owner) };
  }

  /** As `logIn`, with a folder selected. */
  async select(owner: Owner, folder = 'INBOX', door: number | OpenMailboxDoor = 0): Promise<ImapClient> {
    const client = await this.logIn(owner, door);
    await client.ok(`SELECT ${folder}`);
    return client;
  }

  /** Ends the sessions of a test, of which none may have failed. */
  clear(): void {
    for (const client of this.clients.splice(0)) client.close();
    expect(this.doors.flatMap(({ failures }) => failures)).toEqual([]);
  }

  async stop(): Promise<void> {
    this.clear();
    await this.started?.stop();
  }

  private async start(doors: number): Promise<void> {
    this.started = await RunningMailbox.start();
    for (let i = 0; i < doors; i++) await this.open();
  }
}
