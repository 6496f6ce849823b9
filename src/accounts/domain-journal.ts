/** Tells of a sending domain whose state has changed: in its account's log, and in the operator's. */
import type { AccountLog } from '../events/account-log.js';
import type { Log } from '../telemetry/logger.js';
import { stateSince } from './domain-state.js';
import type { SendingDomain } from './sending-domains.js';

export interface DomainChange {
  readonly before: SendingDomain;
  readonly after: SendingDomain;
}

export class DomainJournal {
  constructor(
    private readonly accountLog: AccountLog,
    private readonly log: Log,
  ) {}

  /** Says nothing where the state is as it was. */
  async tell(account: string, { before, after }: DomainChange, because: string): Promise<void> {
    if (before.state === after.state) return;
    const change = { domain: after.name, from: before.state, to: after.state, because };
    this.log.info('domain.status_changed', { account, ...change });
    await this.accountLog.append(account, { type: 'domain.status_changed', at: stateSince(after), ...change });
  }
}
