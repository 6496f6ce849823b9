/** One door of IMAP, and a second as in another process, for a suite of sessions. */
import { afterAll, afterEach, beforeAll, expect } from '@jest/globals';
import type { Report } from '../../src/bounces/reports/reports.js';
import { ImapClient } from './imap-client.js';
import {
  RunningMailbox,
  STARTED_WITHIN_MS,
  type MailboxDoorSetup,
  type OpenMailboxDoor,
  type Owner,
} from './running-mailbox.js';

export class ImapRig {
  private readonly clients: ImapClient[] = [];
  private readonly doors: OpenMailboxDoor[] = [];

  private started: RunningMailbox | undefined;

  static async start(doors = 1): Promise<ImapRig> {
    const rig = new ImapRig();
    await rig.start(doors);
    return rig;
  }

  /** For a whole suite, of which each test has sessions of its own. */
  static ofSuite(doors = 1): ImapRig {
    const rig = new ImapRig();
    beforeAll(() => rig.start(doors), STARTED_WITHIN_MS);
    afterEach(() => rig.clear());
    afterAll(() => rig.stop());
    return rig;
  }

  get running(): RunningMailbox {
    if (!this.started) throw new Error('it has not been started');
    return this.started;
  }

  async open(setup: MailboxDoorSetup = {}): Promise<OpenMailboxDoor> {
    const door = await this.running.open('imap', 'implicit', setup);
    this.doors.push(door);
    return door;
  }

  /** Of a new account with these reports: uids begin at 1. */
  async owner(...reports: readonly (string | Partial<Report>)[]): Promise<Owner> {
    const owner = await this.running.owner();
    for (const report of reports) {
      if (typeof report === 'string') await this.running.append(owner, report);
      else await this.running.appendReport(owner, report);
    }
    return owner;
  }

  /** @param door of which process, from 0 */
  async logIn(owner: Owner, door: number | OpenMailboxDoor = 0): Promise<ImapClient> {
    const { port = 0 } = (typeof door === 'number' ? this.doors[door] : door) ?? {};
    const client = await ImapClient.logIn(this.running, port, owner);
    this.clients.push(client);
    return client;
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
