/** DNS as we ask it: through the operator's servers, within bounds. */
import { promises } from 'node:dns';

/** c-ares asks each server `TRIES` times and waits this long, then longer: about 20 s in all for a dead server. */
const TIMEOUT_MS = 3_000;
const TRIES = 3;
/** More records of one type belong to no mail domain. */
const RECORDS_MAX = 50;

export class DnsResolver {
  private readonly resolver: promises.Resolver;

  /** @param servers `ip[:port]`; empty for the system's. */
  constructor(servers: readonly string[]) {
    this.resolver = new promises.Resolver({ timeout: TIMEOUT_MS, tries: TRIES });
    if (servers.length > 0) this.resolver.setServers(servers);
  }

  /** The records of a name. Rejects with c-ares' codes: ENOTFOUND for a name that does not exist, ENODATA, ETIMEOUT. */
  async records(name: string, type: string): Promise<unknown[]> {
    const records: unknown = await this.resolver.resolve(name, type);
    return Array.isArray(records) ? (records as unknown[]).slice(0, RECORDS_MAX) : [];
  }

  /** Gives up what is being asked: it rejects with ECANCELLED. */
  cancel(): void {
    this.resolver.cancel();
  }
}
