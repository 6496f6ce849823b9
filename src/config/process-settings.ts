/** The settings of this process: of its own environment and machine. */
import { loadSettings, type Loaded } from './load-settings.js';
import { thisMachine } from './machine.js';

export function loadProcessSettings(): Loaded {
  return loadSettings(process.env, thisMachine());
}

/** POSTHORN_BOUNCE_RULES alone, for a command that needs no other setting to be sound. */
export function processBounceRules(): string | undefined {
  const { POSTHORN_BOUNCE_RULES: given, POSTHORN_CONFIG: file } = process.env;
  if (!given && !file) return undefined;
  const loaded = loadProcessSettings();
  return loaded.kind === 'ok' ? loaded.settings.bounceRules : given;
}
