/** Sending domains as the API shows them. */
import type { DkimKeyState } from '../accounts/dkim-key.js';
import type { DomainRecord } from '../accounts/domain-records.js';
import type { RecordStatus } from '../accounts/record-verdict.js';
import type { DomainState, SendingDomain } from '../accounts/sending-domains.js';
import type { Finding } from '../accounts/verify-domain.js';

export interface DomainView {
  readonly name: string;
  readonly state: DomainState;
  readonly verifiedBy?: 'operator' | 'dns';
  readonly addedAt: string;
  /** When the state began. */
  readonly stateSince: string;
  /** When DNS was last asked. */
  readonly checkedAt?: string;
  readonly returnPath: 'verified' | 'pending';
}

/** A record to publish in DNS. */
export interface RecordView {
  readonly purpose: DomainRecord['purpose'];
  readonly type: DomainRecord['type'];
  readonly name: string;
  readonly value: string;
  readonly required: boolean;
  readonly explanation: string;
  /** Of a DKIM record: whether its key waits for DNS, signs, or signed until now. */
  readonly state?: DkimKeyState;
}

/** And what DNS shows of it. */
export interface FindingView extends RecordView {
  readonly status: RecordStatus;
  readonly found: readonly string[];
  readonly todo?: string;
}

export type DomainWithRecords = DomainView & { readonly records: readonly RecordView[] };
export type VerifiedDomainView = DomainView & { readonly records: readonly FindingView[] };

export function viewDomain(domain: SendingDomain): DomainView {
  const { name, state, verifiedBy, addedAt, stateSince, checkedAt, returnPath } = domain;
  return {
    name,
    state,
    ...(verifiedBy && { verifiedBy }),
    addedAt: isoTime(addedAt),
    stateSince: isoTime(stateSince ?? addedAt),
    ...(checkedAt !== undefined && { checkedAt: isoTime(checkedAt) }),
    returnPath: returnPath ?? 'pending',
  };
}

export function viewRecord(record: DomainRecord): RecordView {
  const { purpose, type, name, value, required, explanation } = record;
  return {
    ...{ purpose, type, name, value, required, explanation },
    ...(record.purpose === 'dkim' && { state: record.key.state }),
  };
}

export function viewFinding({ record, status, found, todo }: Finding): FindingView {
  return { ...viewRecord(record), status, found, ...(todo !== undefined && { todo }) };
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
