/** Looks on while a delivery asks DNS: what addresses came, and whether anything exists at all. */
import type { DnsResolver } from '../network/dns-resolver.js';

/** Wraps a resolver for one look-up, and tells afterwards what it brought. */
export class LookupWatch {
  private asked = 0;
  private nonexistent = 0;
  /** Every address that was answered. */
  readonly addresses = new Set<string>();

  constructor(private readonly resolver: DnsResolver) {}

  readonly records = async (name: string, type: string): Promise<unknown[]> => {
    this.asked++;
    try {
      const records = await this.resolver.records(name, type);
      if (type === 'A' || type === 'AAAA') for (const address of records) this.addresses.add(String(address));
      return records;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOTFOUND') this.nonexistent++;
      throw error;
    }
  };

  /** Every name that was asked for does not exist. Only then may a DNS failure be permanent: NODATA and time-outs pass. */
  get nothingExists(): boolean {
    return this.asked > 0 && this.nonexistent === this.asked;
  }
}
