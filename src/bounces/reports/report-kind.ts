/** Decides in which view of the mailbox a report stands. */
import type { Fault, Finding } from '../../mail/classification.js';
import type { ReportKind } from './reports.js';

/** Somebody on this side has to do something before such mail is taken. */
const OURS: readonly Fault[] = ['sender', 'content', 'reputation'];

/**
 * `hard`: the address is dead. `blocked`: the mail was refused, whoever it was for. `soft`: everything else that did not
 * arrive.
 */
export function reportKindOf(type: 'bounced' | 'expired' | 'delayed' | 'complained', finding?: Finding): ReportKind {
  if (type === 'complained') return 'complaint';
  if (type === 'delayed') return 'delayed';
  if (finding === undefined) return 'soft';
  if (finding.type === 'hard') return 'hard';
  const refusesTheMail = finding.type === 'undetermined' && finding.fault !== 'unknown';
  return refusesTheMail || OURS.includes(finding.fault) ? 'blocked' : 'soft';
}
