/** What a person sees when the service is up. Secrets go to a terminal only; elsewhere the file is named that holds them. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { FIRST_CREDENTIALS_FILE, type FirstCredentials } from '../../accounts/first-start.js';
import type { Settings } from '../../config/settings.js';
import type { OpenListener } from './process-messages.js';

export interface BannerFacts {
  readonly settings: Settings;
  readonly listeners: readonly OpenListener[];
  readonly first: FirstCredentials | undefined;
  readonly startMs: number;
  /** Whether a person reads it. */
  readonly terminal: boolean;
}

export function banner({ settings, listeners, first, startMs, terminal }: BannerFacts): string {
  const rows = listeners.map(({ name, port }) => `  ${`${settings.listen}:${String(port)}`.padEnd(22)} ${name}`);
  const lines = [
    `Posthorn is up on ${settings.hostname} after ${(startMs / 1000).toFixed(1)} s`,
    '',
    ...rows,
    ...(settings.portBaseIsFallback
      ? ['', 'Ports below 1024 may not be bound by this user: all are 10000 higher (POSTHORN_PORT_BASE).']
      : []),
    '',
    ...(first ? firstStart(first, settings.dataDir, terminal) : laterStart(settings.dataDir)),
  ];
  return `${lines.join('\n')}\n`;
}

function firstStart(first: FirstCredentials, dataDir: string, terminal: boolean): string[] {
  const file = join(dataDir, FIRST_CREDENTIALS_FILE);
  if (!terminal) return [`First start: the account "${first.account}" was made, its credentials are in ${file}`, ''];
  return [
    `First start: the account "${first.account}" may send as ${first.domain}. This is shown once, and kept in ${file}`,
    '',
    `  SMTP user      ${first.smtp.user}`,
    `  SMTP password  ${first.smtp.password}`,
    `  API key        ${first.apiKey}`,
    '',
  ];
}

function laterStart(dataDir: string): string[] {
  const file = join(dataDir, FIRST_CREDENTIALS_FILE);
  return existsSync(file) ? [`The first account's credentials are in ${file}`, ''] : [];
}
