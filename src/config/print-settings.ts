/** The settings in effect, as text for a person: `./posthorn up --print-config`. Secrets are hidden. */
import { z } from 'zod';
import { shownValue, withoutPasswords } from './faults.js';
import { formatRoute } from './routes.js';
import { FALLBACK_PORT_BASE } from './listener-settings.js';
import { SETTINGS, settingsSchema } from './settings-schema.js';
import type { Setting } from './settings-schema.js';
import type { Settings } from './settings.js';

/** One line for each setting: its name, where its value came from, the value; columns aligned. */
export function printSettings(settings: Settings): string {
  const texts = z.encode(settingsSchema, settings);
  const nameColumns = Math.max(...SETTINGS.map(({ name }) => name.length));
  const sourceColumns = 'environment'.length;
  const lines = SETTINGS.map((setting) => {
    const source = settings.sources[setting.field];
    const value = valueOf(setting, texts[setting.field], settings);
    return `${setting.name.padEnd(nameColumns)}  ${source.padEnd(sourceColumns)}  ${value}`.trimEnd();
  });
  return `${lines.join('\n')}\n`;
}

function valueOf(
  { field, secret, defaultWords }: Setting,
  text: string | string[] | undefined,
  settings: Settings,
): string {
  if (text === undefined || text === '') return `(${(defaultWords ?? 'none').replaceAll('`', '')})`;
  // Each route by itself: of the list as one text more than the passwords would be hidden.
  if (field === 'routes') return settings.routes.map((route) => withoutPasswords(formatRoute(route), secret)).join(',');
  if (field === 'portBase' && settings.portBaseIsFallback) {
    return `${FALLBACK_PORT_BASE} (not allowed to bind ports below 1024)`;
  }
  return secret === 'whole' ? shownValue(String(text), secret) : withoutPasswords(String(text), secret);
}
