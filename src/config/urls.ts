/** URLs of the services that we talk to: Redis, and for the CLI the HTTP API. */
import { readHostPort } from './hosts.js';
import { fault, ok, oneOfText } from './setting.js';
import type { Read } from './setting.js';

const URL_CHARACTERS_MAX = 2000;
const SENTINELS_MAX = 32;
const REDIS_FORMS =
  'redis://[USER:PASSWORD@]HOST[:PORT][/DB], rediss://..., redis+sentinel://HOST:PORT,HOST:PORT/MASTER[/DB] or unix:///PATH';

export function readRedisUrl(text: string): Read<string> {
  if (/^redis(?:s)?\+cluster:/i.test(text)) {
    return fault(`must be ${REDIS_FORMS} (redis+cluster:// comes with the cluster work)`);
  }
  const hint = text.includes('@') ? '; in a password write /, ?, #, @ and % as %2F, %3F, %23, %40 and %25' : '';
  return text.length <= URL_CHARACTERS_MAX && isRedisUrl(text) ? ok(text) : fault(`must be ${REDIS_FORMS}${hint}`);
}

export function redisUrl() {
  return oneOfText(readRedisUrl, (value) => value);
}

/** Reads the address of the API, without a `/` at its end. */
export function readApiUrl(text: string): Read<string> {
  const url = text.length <= URL_CHARACTERS_MAX ? URL.parse(text) : null;
  const isHttp = url?.protocol === 'http:' || url?.protocol === 'https:';
  if (url === null || !isHttp || url.username + url.password + url.search + url.hash !== '') {
    return fault('must be http://HOST[:PORT] or https://HOST[:PORT], without user, query or fragment');
  }
  return ok(`${url.origin}${url.pathname}`.replace(/\/+$/, ''));
}

export function apiUrl() {
  return oneOfText(readApiUrl, (value) => value);
}

function isRedisUrl(text: string): boolean {
  if (/[\x00-\x20\x7f]/.test(text)) return false;
  if (text.startsWith('unix://')) return /^unix:\/\/\/[^?#]+$/.test(text);
  // Several hosts are more than URL can read.
  const sentinel = /^redis\+sentinel:\/\/(?:[^@/]*@)?([^@/?#]+)\/[^/?#]+(?:\/\d{1,4})?$/.exec(text);
  if (sentinel !== null) {
    const hosts = (sentinel[1] ?? '').split(',');
    return hosts.length <= SENTINELS_MAX && hosts.every((host) => readHostPort(host) !== undefined);
  }
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'redis:' && url.protocol !== 'rediss:')) return false;
  return readHostPort(url.host) !== undefined && /^(?:\/\d{0,4})?$/.test(url.pathname) && url.search + url.hash === '';
}
