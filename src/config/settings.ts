/**
 * The settings as the rest of the code is handed them: read once, whole, frozen. Plain data, so that the supervisor can
 * pass them to its children as JSON. Durations are in milliseconds, sizes in bytes, paths absolute.
 */
import type { z } from 'zod';
import type { SettingField, settingsSchema } from './settings-schema.js';

/** The types of its fields. */
export type { Route, TlsMode } from './routes.js';
export type { Role } from './settings-schema.js';

export type SettingSource = 'default' | 'environment' | 'file';

// The interface and the class are one name on purpose: the type of the data, and the token it is injected by.
// eslint-disable-next-line @typescript-eslint/no-unsafe-declaration-merging
export interface Settings extends Readonly<z.output<typeof settingsSchema>> {
  /** The port base is 10000 only because this process may not bind ports below 1024. */
  readonly portBaseIsFallback: boolean;
  /** Where each value came from. */
  readonly sources: Readonly<Record<SettingField, SettingSource>>;
}

// eslint-disable-next-line @typescript-eslint/no-unsafe-declaration-merging
export abstract class Settings {}

/** Takes settings back out of the JSON that another process of ours made of them. */
export function settingsFromJson(json: string): Settings {
  return deepFrozen(JSON.parse(json) as Settings);
}

/** Freezes plain data, all the way down. */
export function deepFrozen<T>(data: T): T {
  if (typeof data === 'object' && data !== null) {
    Object.values(data).forEach(deepFrozen);
    Object.freeze(data);
  }
  return data;
}
