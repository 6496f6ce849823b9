/** One question to DNS and what its answer stands for: records, certainly none, or nothing that can be concluded from. */
import type { SrvRecord } from 'node:dns';
import type { DnsResolver } from './dns-resolver.js';

export type DnsAnswer =
  | { readonly kind: 'records'; readonly values: readonly string[] }
  /** The name does not exist (NXDOMAIN), or has no record of this type. */
  | { readonly kind: 'none' }
  /** A time-out, SERVFAIL and the like: it may be there or not. */
  | { readonly kind: 'unknown'; readonly why: string };

export type AskedType = 'TXT' | 'CNAME' | 'A' | 'AAAA' | 'SRV';
export type AskDns = (name: string, type: AskedType) => Promise<DnsAnswer>;

/**
 * Asks through `resolver`. The strings of a TXT record are joined: RFC 7208 section 3.3, RFC 6376 section 3.6.2.2. An SRV
 * record is `priority weight port target`, as in a zone.
 */
export function askThrough(resolver: DnsResolver): AskDns {
  return async (name, type) => {
    try {
      const records = await resolver.records(name, type);
      const values = records.map((record) => {
        if (type === 'SRV') return srvText(record as SrvRecord);
        return Array.isArray(record) ? record.join('') : String(record);
      });
      return values.length > 0 ? { kind: 'records', values } : { kind: 'none' };
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? 'no reason';
      return code === 'ENOTFOUND' || code === 'ENODATA' ? { kind: 'none' } : { kind: 'unknown', why: code };
    }
  };
}

/** The resolver leaves the root out: RFC 2782 says with it that there is no such service. */
function srvText({ priority, weight, port, name }: SrvRecord): string {
  return `${priority} ${weight} ${port} ${name === '' ? '.' : name}`;
}
