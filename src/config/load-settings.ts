/**
 * Makes the settings of what the environment and the YAML file say, or says everything that is wrong with them at once.
 * Nothing else reads the environment.
 */
import { resolve } from 'node:path';
import { shownValue } from './faults.js';
import type { Fault } from './faults.js';
import type { Machine } from './machine.js';
import { SETTINGS, settingsSchema } from './settings-schema.js';
import type { Setting, SettingField } from './settings-schema.js';
import { disagreements, doubts } from './settings-rules.js';
import type { Disagreement } from './settings-rules.js';
import { deepFrozen } from './settings.js';
import type { Settings, SettingSource } from './settings.js';
import { readSources } from './sources.js';
import type { Environment, Sources } from './sources.js';

export type Loaded =
  | { readonly kind: 'ok'; readonly settings: Settings; readonly warnings: readonly string[] }
  | { readonly kind: 'faults'; readonly faults: readonly Fault[]; readonly warnings: readonly string[] };

/** Reads `env` and the files that it names; depends on nothing else. */
export function loadSettings(env: Environment, machine: Machine): Loaded {
  const sources = readSources(env, machine.cwd);
  const texts = allTexts(sources, machine);
  const parsed = settingsSchema.safeParse(texts);
  const wrong = whatIsWrong(parsed.error?.issues ?? [], texts, sources);
  const faults = [...sources.faults, ...wrong.map((disagreement) => located(disagreement, sources))];
  if (!parsed.success || faults.length > 0) {
    return { kind: 'faults', faults, warnings: sources.warnings };
  }
  const settings: Settings = deepFrozen({
    ...parsed.data,
    portBaseIsFallback: !machine.mayBindLowPorts && !sources.given.has('POSTHORN_PORT_BASE'),
    sources: sourcesOf(sources),
  });
  return { kind: 'ok', settings, warnings: [...sources.warnings, ...doubts(settings, machine)] };
}

type Texts = Partial<Record<SettingField, string | readonly string[]>>;

/** What was given, and the defaults of the rest, which may depend on what stands before them. */
function allTexts(sources: Sources, machine: Machine): Texts {
  const texts: Texts = {};
  const byName = new Map<string, string | undefined>();
  const given = { machine, text: (name: string) => byName.get(name) };
  for (const setting of SETTINGS) {
    const standard = typeof setting.default === 'function' ? setting.default(given) : setting.default;
    let text = sources.given.get(setting.name)?.text ?? standard;
    if (setting.isPath === true && typeof text === 'string') text = resolve(machine.cwd, text);
    if (text === undefined) continue;
    texts[setting.field] = text;
    byName.set(setting.name, String(text));
  }
  return texts;
}

interface Issue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

function whatIsWrong(issues: readonly Issue[], texts: Texts, sources: Sources): Disagreement[] {
  const wrong = issues.map(({ path, message }) => ({ field: path[0] as SettingField, expected: message }));
  const faulty = new Set(wrong.map(({ field }) => field));
  const sound = Object.fromEntries(Object.entries(texts).filter(([field]) => !faulty.has(field as SettingField)));
  const all = [...wrong, ...disagreements(settingsSchema.partial().parse(sound), faulty)];
  // A default is wrong by itself only when it was made from a setting that is wrong too; that one is enough to say.
  const own = all.filter(({ field }) => !faulty.has(field) || sources.given.has(settingOf(field).name));
  return own.length > 0 ? own : all;
}

function located({ field, expected }: Disagreement, sources: Sources): Fault {
  const { name, secret } = settingOf(field);
  const given = sources.given.get(name);
  const value = shownValue(String(given?.text ?? ''), secret);
  return {
    name,
    value: given === undefined ? '' : value,
    expected,
    ...(given?.source === 'file' ? { file: sources.configFile } : {}),
  };
}

function settingOf(field: SettingField): Setting {
  const setting = SETTINGS.find((candidate) => candidate.field === field);
  if (setting === undefined) throw new Error(`no setting ${field}`);
  return setting;
}

function sourcesOf(sources: Sources): Record<SettingField, SettingSource> {
  const entries = SETTINGS.map(({ field, name }) => [field, sources.given.get(name)?.source ?? 'default']);
  return Object.fromEntries(entries) as Record<SettingField, SettingSource>;
}
