/**
 * Where the texts of settings come from: the environment, then the YAML file that POSTHORN_CONFIG names; a secret also
 * from the file that its name with `_FILE` names. An empty text is as good as none.
 */
import { resolve } from 'node:path';
import { readConfigFile } from './config-file.js';
import { shownValue } from './faults.js';
import type { Fault } from './faults.js';
import { nearestName } from './nearest-name.js';
import { readTextFile } from './read-file.js';
import { SETTINGS } from './settings-schema.js';
import type { Setting } from './settings-schema.js';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface GivenText {
  readonly text: string | readonly string[];
  readonly source: 'environment' | 'file';
}

export interface Sources {
  /** By the name of the setting. */
  readonly given: ReadonlyMap<string, GivenText>;
  /** The path of the YAML file, where there is one. */
  readonly configFile?: string;
  readonly faults: readonly Fault[];
  readonly warnings: readonly string[];
}

const PREFIX = 'POSTHORN_';
const SECRET_BYTES_MAX = 65_536;

/** What Kubernetes sets in every pod for a service, when its name begins like ours. */
const SERVICE_LINK = /_(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)$/;
const SERVICE_LINK_VALUE = /^(?:tcp|udp|sctp):\/\//;

type Texts = ReadonlyMap<string, string | readonly string[]>;

/** Reads all sources. `cwd` is where relative paths start. */
export function readSources(env: Environment, cwd: string): Sources {
  const { texts, links } = ours(env);
  const environment = pick(texts, 'environment', cwd, (name) => name);
  const warnings = [...unknownVariables(texts), ...linkWarning(links)];
  const path = texts.get('POSTHORN_CONFIG');
  if (path === undefined) return { ...environment, warnings };

  const configFile = resolve(cwd, String(path));
  const file = readConfigFile(configFile);
  if (file.kind === 'failed') {
    const fault = {
      name: 'POSTHORN_CONFIG',
      value: shownValue(String(path)),
      expected: `must name a YAML file, but it ${file.why}`,
    };
    return { given: environment.given, configFile, faults: [...environment.faults, fault], warnings };
  }
  const listed = pick(file.entries, 'file', cwd, keyOf);
  const faults = [...listed.faults, ...unknownKeys(file.keys), ...file.odd.map(oddEntry)];
  return {
    given: new Map([...listed.given, ...environment.given]),
    configFile,
    faults: [...environment.faults, ...faults.map((fault) => ({ ...fault, file: configFile }))],
    warnings,
  };
}

/** The key of a setting in the YAML file. */
export function keyOf(name: string): string {
  return name.slice(PREFIX.length).toLowerCase();
}

function ours(env: Environment): { texts: Texts; links: string[] } {
  const texts = new Map<string, string>();
  const links: string[] = [];
  for (const [name, value = ''] of Object.entries(env)) {
    if (!name.startsWith(PREFIX) || value.trim() === '') continue;
    // A service called posthorn-http makes a POSTHORN_HTTP_PORT=tcp://10.0.0.1:8080, which nobody meant as a setting.
    if (SERVICE_LINK.test(name) || (name.endsWith('_PORT') && SERVICE_LINK_VALUE.test(value))) links.push(name);
    else texts.set(name, value.trim());
  }
  return { texts, links };
}

function pick(texts: Texts, source: GivenText['source'], cwd: string, nameIn: (name: string) => string) {
  const given = new Map<string, GivenText>();
  const faults: Fault[] = [];
  for (const setting of SETTINGS) {
    if (source === 'file' && setting.isEnvironmentOnly === true) continue;
    const name = nameIn(setting.name);
    const text = texts.get(name);
    const fileName = nameIn(`${setting.name}_FILE`);
    const path = setting.secret === undefined ? undefined : texts.get(fileName);
    if (text !== undefined) given.set(setting.name, { text, source });
    if (path === undefined) continue;
    const value = shownValue(String(path));
    if (text !== undefined) {
      faults.push({ name: fileName, value, expected: `must not be set beside ${name}` });
      continue;
    }
    const file = readTextFile(resolve(cwd, String(path)), SECRET_BYTES_MAX);
    const secret = file.kind === 'ok' ? file.text.trim() : '';
    if (secret !== '') given.set(setting.name, { text: secret, source });
    else
      faults.push({
        name: fileName,
        value,
        expected: `must name a file, but it ${file.kind === 'failed' ? file.why : 'is empty'}`,
      });
  }
  return { given, faults };
}

function unknownVariables(texts: Texts): string[] {
  const known = knownNames(SETTINGS).map((name) => name.slice(PREFIX.length));
  return [...texts.keys()]
    .filter((name) => !known.includes(name.slice(PREFIX.length)))
    .map((name) => {
      const nearest = nearestName(name.slice(PREFIX.length), known);
      const hint = nearest === undefined ? '' : `; did you mean ${PREFIX}${nearest}?`;
      return `${shownValue(name)} is no setting and is not read${hint}`;
    });
}

function linkWarning(links: readonly string[]): string[] {
  if (links.length === 0) return [];
  const what = links.length === 1 ? `${links[0]} is` : `${links[0]} and ${links.length - 1} more are`;
  return [`${what} not read: Kubernetes sets such variables for its services (enableServiceLinks: false ends it)`];
}

function unknownKeys(keys: readonly string[]): Fault[] {
  const known = knownNames(SETTINGS.filter((setting) => setting.isEnvironmentOnly !== true)).map(keyOf);
  return keys
    .filter((key) => !known.includes(key))
    .map((key) => {
      const spelt = key
        .toLowerCase()
        .replace(/^posthorn_/, '')
        .replaceAll('-', '_');
      const nearest = nearestName(spelt, known);
      // The value is not shown: it may be a secret under a misspelt name.
      const expected =
        nearest === undefined
          ? 'is no setting; ./posthorn up --print-config lists them'
          : `is no setting; did you mean ${nearest}?`;
      return { name: shownValue(key), value: '', expected };
    });
}

function oddEntry(key: string): Fault {
  return { name: shownValue(key), value: '', expected: 'must be one value or a list of values, not nested deeper' };
}

function knownNames(settings: readonly Setting[]): string[] {
  return settings.flatMap(({ name, secret }) => (secret === undefined ? [name] : [name, `${name}_FILE`]));
}
