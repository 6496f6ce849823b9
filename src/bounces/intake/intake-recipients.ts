/**
 * Whom the intake takes mail for: return paths that we have signed and whose message is still known, and the postmaster,
 * the abuse desk and the feedback loop of our domains. RFC 5321 section 4.5.1, RFC 2142.
 */
import { normalizeDomain } from '../../mail/address.js';
import type { Clock } from '../../mail/clock.js';
import { returnPathName } from '../../accounts/domain-records.js';
import type { Spool } from '../../queue/spool.js';
import type { IntakeNames, OurDomains } from './our-domains.js';
import type { MailReference, ReturnPathSigner } from '../return-path/return-path.js';

/** A recipient as it is taken. */
export type IntakeRecipient =
  ({ readonly kind: 'return_path' } & MailReference) | { readonly kind: 'role'; readonly account: string };

export type RecipientReading =
  | { readonly kind: 'taken'; readonly recipient: IntakeRecipient }
  | { readonly kind: 'refused'; readonly cause: 'not_ours' | 'forged' | 'expired' | 'gone' };

const ROLES: ReadonlySet<string> = new Set(['postmaster', 'abuse', 'fbl']);

export class IntakeRecipients {
  constructor(
    private readonly names: IntakeNames,
    private readonly signer: ReturnPathSigner,
    private readonly spool: Spool,
    private readonly ourDomains: OurDomains,
    private readonly clock: Clock,
  ) {}

  /** Rejects where Redis does not answer. */
  async read(address: string): Promise<RecipientReading> {
    const at = address.lastIndexOf('@');
    const localPart = at < 0 ? address : address.slice(0, at);
    // RFC 5321 section 4.1.1.3: the postmaster needs no domain.
    const domain = at < 0 ? this.names.hostname : normalizeDomain(address.slice(at + 1));
    if (domain === undefined) return refused('not_ours');
    if (ROLES.has(localPart.toLowerCase())) return this.readRole(domain);
    const reading = this.signer.read(localPart, this.clock.now());
    switch (reading.kind) {
      case 'valid':
        return this.readReturnPath(reading, domain);
      case 'expired':
      case 'forged':
        return refused(reading.kind);
      case 'other':
        return refused('not_ours');
      default:
        return reading satisfies never;
    }
  }

  private async readRole(domain: string): Promise<RecipientReading> {
    const account = await this.ourDomains.accountOf(domain);
    return account === undefined ? refused('not_ours') : taken({ kind: 'role', account });
  }

  private async readReturnPath(reference: MailReference, domain: string): Promise<RecipientReading> {
    const { messageId, transaction } = reference;
    const history = await this.spool.read(messageId);
    if (!history?.message.transactions[transaction]) return refused('gone');
    const isOurs = domain === this.names.bounceDomain || domain === returnPathName(history.message.fromDomain);
    return isOurs ? taken({ kind: 'return_path', messageId, transaction }) : refused('not_ours');
  }
}

function refused(cause: (RecipientReading & { kind: 'refused' })['cause']): RecipientReading {
  return { kind: 'refused', cause };
}

function taken(recipient: IntakeRecipient): RecipientReading {
  return { kind: 'taken', recipient };
}
