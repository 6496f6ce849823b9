/** What settings must be to each other, once each is sound by itself; and what is allowed but probably not meant. */
import type { Machine } from './machine.js';
import type { SettingField } from './settings-schema.js';
import type { Settings } from './settings.js';

export interface Disagreement {
  readonly field: SettingField;
  readonly expected: string;
}

const LISTENERS = [
  ['submissionPort', 'POSTHORN_SUBMISSION_PORT'],
  ['submissionsPort', 'POSTHORN_SUBMISSIONS_PORT'],
  ['trustedPort', 'POSTHORN_TRUSTED_PORT'],
  ['bouncePort', 'POSTHORN_BOUNCE_PORT'],
  ['imapsPort', 'POSTHORN_IMAPS_PORT'],
  ['imapPort', 'POSTHORN_IMAP_PORT'],
  ['pop3sPort', 'POSTHORN_POP3S_PORT'],
  ['pop3Port', 'POSTHORN_POP3_PORT'],
  ['httpPort', 'POSTHORN_HTTP_PORT'],
  ['opsPort', 'POSTHORN_OPS_PORT'],
] as const;

/** `settings` without the fields that are faulty by themselves. */
export function disagreements(settings: Partial<Settings>, faulty: ReadonlySet<SettingField>): Disagreement[] {
  return [...certificate(settings, faulty), ...ports(settings)];
}

/** Sentences for the log. */
export function doubts(settings: Settings, machine: Machine): string[] {
  const found: string[] = [];
  if (settings.sources.hostname === 'default' && settings.hostname !== machine.fqdn.toLowerCase()) {
    found.push(`the name of this machine cannot stand in SMTP, so ${settings.hostname} does: set POSTHORN_HOSTNAME`);
  }
  if (
    settings.sources.trustedPort !== 'default' &&
    settings.trustedPort !== 0 &&
    settings.trustedNetworks.length === 0
  ) {
    found.push(
      'POSTHORN_TRUSTED_PORT is set, but the listener stays off until POSTHORN_TRUSTED_NETWORKS says who may use it',
    );
  }
  for (const { pattern, target } of settings.routes) {
    if (target.kind !== 'smarthost' || target.auth === undefined || target.secure || target.tls === 'require') continue;
    found.push(
      `the route ${pattern} sends its password unencrypted where ${target.host} offers no TLS: add ?tls=require`,
    );
  }
  return found;
}

function certificate(settings: Partial<Settings>, faulty: ReadonlySet<SettingField>): Disagreement[] {
  if (faulty.has('tlsCert') || faulty.has('tlsKey')) return [];
  const [hasCert, hasKey] = [settings.tlsCert !== undefined, settings.tlsKey !== undefined];
  if (hasCert === hasKey) return [];
  return hasCert
    ? [{ field: 'tlsKey', expected: 'must be set too, because POSTHORN_TLS_CERT is' }]
    : [{ field: 'tlsCert', expected: 'must be set too, because POSTHORN_TLS_KEY is' }];
}

/** Two listeners cannot share a port. */
function ports(settings: Partial<Settings>): Disagreement[] {
  const takenBy = new Map<number, string>();
  const found: Disagreement[] = [];
  for (const [field, name] of LISTENERS) {
    const port = settings[field];
    const isOff = port === 0 || (field === 'trustedPort' && settings.trustedNetworks?.length === 0);
    if (port === undefined || isOff) continue;
    const other = takenBy.get(port);
    if (other === undefined) takenBy.set(port, name);
    else found.push({ field, expected: `must be another port: ${port} is that of ${other}` });
  }
  return found;
}
