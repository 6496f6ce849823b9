/** The settings of this process: of its own environment and machine. */
import { loadSettings, type Loaded } from './load-settings.js';
import { thisMachine } from './machine.js';

export function loadProcessSettings(): Loaded {
  return loadSettings(process.env, thisMachine());
}
