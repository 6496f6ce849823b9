/**
 * Reads a Redis URL into the options of a connection.
 *
 * `redis://` and `rediss://[user:pass@]host[:port][/db]`, `unix:///path[?db=]` and
 * `redis+sentinel://[user:pass@]host[:port],host[:port]/masterName[?db=&sentinelUsername=&sentinelPassword=]`, where the user
 * and password before the hosts are Redis's own.
 */
import type { RedisOptions } from 'ioredis';

/** `why` never repeats the URL: it holds a password. */
export type RedisUrl = { kind: 'parsed'; options: RedisOptions } | { kind: 'fault'; why: string };

export function parseRedisUrl(url: string): RedisUrl {
  try {
    return { kind: 'parsed', options: optionsOf(url) };
  } catch (error) {
    const why = error instanceof RedisUrlFault ? error.message : 'it is not a URL';
    return { kind: 'fault', why };
  }
}

class RedisUrlFault extends Error {}

function optionsOf(url: string): RedisOptions {
  const scheme = /^([a-z+]+):\/\//i.exec(url)?.[1]?.toLowerCase();
  switch (scheme) {
    case 'redis':
      return serverOptions(new URL(url));
    case 'rediss':
      return { ...serverOptions(new URL(url)), tls: {} };
    case 'unix':
      return socketOptions(new URL(url));
    case 'redis+sentinel':
      return sentinelOptions(url);
    default:
      throw new RedisUrlFault('it must begin with redis://, rediss://, redis+sentinel:// or unix://');
  }
}

function serverOptions(url: URL): RedisOptions {
  if (url.hostname === '') throw new RedisUrlFault('it names no host');
  readQuery(url, []);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const db = databaseNumber(url.pathname.slice(1));
  return { host, port: url.port === '' ? 6379 : Number(url.port), ...login(url), ...db };
}

function socketOptions(url: URL): RedisOptions {
  const path = decodeURIComponent(url.pathname);
  if (url.hostname !== '' || path === '' || path === '/') throw new RedisUrlFault('unix:// wants an absolute path');
  return { path, ...databaseNumber(readQuery(url, ['db']).get('db')) };
}

function sentinelOptions(text: string): RedisOptions {
  // A list of hosts is no authority in the sense of RFC 3986: it is taken out before the rest is read as a URL.
  const parts = /^redis\+sentinel:\/\/(?:([^@/?]*)@)?([^/?@]+)\/([^?]+)(\?.*)?$/i.exec(text);
  if (parts === null) throw new RedisUrlFault('redis+sentinel:// wants host:port,host:port/masterName');
  const [, userAndPassword, hosts = '', masterName = '', query = ''] = parts;
  const url = new URL(`redis://${userAndPassword === undefined ? '' : `${userAndPassword}@`}sentinel/${query}`);
  const values = readQuery(url, ['db', 'sentinelUsername', 'sentinelPassword']);
  return {
    sentinels: hosts.split(',').map(sentinelAddress),
    name: decodeURIComponent(masterName),
    ...login(url),
    ...databaseNumber(values.get('db')),
    ...(values.has('sentinelUsername') && { sentinelUsername: values.get('sentinelUsername') }),
    ...(values.has('sentinelPassword') && { sentinelPassword: values.get('sentinelPassword') }),
  };
}

function sentinelAddress(text: string): { host: string; port: number } {
  const [, bracketed, plain, port = '26379'] =
    /^(?:\[([0-9a-f:.]+)\]|([^:\s]+))(?::(\d{1,5}))?$/i.exec(text.trim()) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || Number(port) < 1 || Number(port) > 65_535) {
    throw new RedisUrlFault('every Sentinel in its list must be host:port');
  }
  return { host, port: Number(port) };
}

function login(url: URL): RedisOptions {
  return {
    ...(url.username !== '' && { username: decodeURIComponent(url.username) }),
    ...(url.password !== '' && { password: decodeURIComponent(url.password) }),
  };
}

function databaseNumber(text: string | undefined): RedisOptions {
  if (text === undefined || text === '') return {};
  if (!/^\d{1,5}$/.test(text)) throw new RedisUrlFault('its database must be a number');
  return { db: Number(text) };
}

function readQuery(url: URL, known: readonly string[]): Map<string, string> {
  const values = new Map(url.searchParams);
  const unknown = [...values.keys()].filter((name) => !known.includes(name));
  if (unknown.length > 0) throw new RedisUrlFault(`it has unknown options: ${unknown.join(', ')}`);
  return values;
}
