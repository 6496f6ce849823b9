import { describe, expect, it } from '@jest/globals';
import { formatFaults } from './faults.js';
import { loadSettings } from './load-settings.js';
import { printSettings } from './print-settings.js';
import { SETTINGS } from './settings-schema.js';

function printed(env: Record<string, string>, mayBindLowPorts = true): Map<string, string> {
  const loaded = loadSettings(env, { fqdn: 'relay.example.net', cores: 4, mayBindLowPorts, cwd: '/srv' });
  if (loaded.kind === 'faults') throw new Error(formatFaults(loaded.faults));
  const lines = printSettings(loaded.settings).trimEnd().split('\n');
  return new Map(lines.map((line) => [line.split(' ', 1)[0] ?? '', line.replace(/^\S+\s+/, '').replace(/\s+/, ' ')]));
}

describe('printed settings', () => {
  it('have a line for each, in order', () => {
    expect([...printed({}).keys()]).toEqual(SETTINGS.map(({ name }) => name));
  });

  it('say the value in effect, and where it came from', () => {
    const lines = printed({ POSTHORN_EXPIRE_AFTER: '2880m', POSTHORN_TRUSTED_NETWORKS: '10.1.2.3/8' });
    expect(lines.get('POSTHORN_EXPIRE_AFTER')).toBe('environment 2d');
    expect(lines.get('POSTHORN_TRUSTED_NETWORKS')).toBe('environment 10.0.0.0/8');
    expect(lines.get('POSTHORN_RETRY')).toBe('default 1m,5m,10m,20m,40m,1h,2h,4h');
    expect(lines.get('POSTHORN_ROLES')).toBe('default all');
    expect(lines.get('POSTHORN_DATA_DIR')).toBe('default /srv/data');
    expect(lines.get('POSTHORN_REDIS_URL')).toBe('default (an embedded Redis)');
    expect(lines.get('POSTHORN_DNS_SERVERS')).toBe("default (the system's)");
  });

  it('say why the port base is not 0', () => {
    expect(printed({}, false).get('POSTHORN_PORT_BASE')).toBe('default 10000 (not allowed to bind ports below 1024)');
    expect(printed({}, false).get('POSTHORN_HTTP_PORT')).toBe('default 18080');
  });

  it('hide secrets, and nothing else', () => {
    const lines = printed({
      POSTHORN_API_KEY: 'SECRET',
      POSTHORN_REDIS_URL: 'rediss://user:SECRET@redis:6380/1',
      POSTHORN_ROUTES: 'a.example=smtps://u:SECRET%40%2C@one:4650,b.example=smtp://v:SECRET@two?tls=require,*=mx',
    });
    expect([...lines.values()].join('\n')).not.toContain('SECRET');
    expect(lines.get('POSTHORN_API_KEY')).toBe('environment ***');
    expect(lines.get('POSTHORN_REDIS_URL')).toBe('environment rediss://***@redis:6380/1');
    expect(lines.get('POSTHORN_ROUTES')).toBe(
      'environment a.example=smtps://***@one:4650,b.example=smtp://***@two?tls=require,*=mx',
    );
  });
});
