/** Publishes a record of a sending domain in a scripted DNS, as the relay says it. */
import type { ScriptedDns } from '../../src/cli/demo/scripted-dns.js';

export interface PublishedRecord {
  readonly type: string;
  readonly name: string;
  readonly value: string;
}

export function publishRecord(dns: ScriptedDns, { type, name, value }: PublishedRecord): void {
  switch (type) {
    case 'TXT':
    case 'CNAME':
    case 'A':
      dns.set(name, type, [value]);
      return;
    case 'SRV': {
      const [priority = '', weight = '', port = '', target = ''] = value.split(' ');
      dns.set(name, type, [{ priority: Number(priority), weight: Number(weight), port: Number(port), name: target }]);
      return;
    }
    default:
      throw new Error(`no record of type ${type} is published here`);
  }
}
