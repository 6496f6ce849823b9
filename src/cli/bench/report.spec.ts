import { describe, expect, it } from '@jest/globals';
import { goalsOf, type BenchFigures, type SystemFigures } from './bench-figures.js';
import type { SystemName } from './mail-system.js';
import { formatReport } from './report.js';

function system(name: SystemName, endToEndPerSecond: number, p99Ms = 20): SystemFigures {
  return {
    name,
    messages: 12_000,
    rounds: [endToEndPerSecond],
    endToEndPerSecond,
    acceptedPerSecond: endToEndPerSecond + 100,
    processorMsPerMessage: 0.75,
    duplicates: 0,
    signedBits: name === 'postfix' ? 0 : 2048,
    latency: { perSecond: endToEndPerSecond / 2, messages: 5_000, p50Ms: 1.25, p99Ms, maxMs: 2 * p99Ms },
    memory: name === 'posthorn' ? [{ pid: 1, name: 'doors', rssBytes: 150 * 1024 ** 2 }] : [],
  };
}

function figures(...systems: SystemFigures[]): BenchFigures {
  return {
    machine: '2 x a processor',
    disk: { folder: '/var/tmp/x', real: true, fsyncMs: 0.5 },
    loadTools: true,
    busyCores: 0,
    rounds: 1,
    systems,
    notMeasured: [],
    queued: { messages: 5_000, bytesPerMessage: 1_234.5, bodyBytesPerMessage: 4_500 },
  };
}

const reachedBy = (...systems: SystemFigures[]) => goalsOf(figures(...systems)).map(({ reached }) => reached);

describe('the goals', () => {
  it('are reached at their bounds, the latency only below its own', () => {
    expect(
      reachedBy(system('posthorn', 1_000, 49.9), system('postfix', 1_250), system('postfix-opendkim', 500)),
    ).toEqual([true, true, true]);
    expect(reachedBy(system('posthorn', 999, 50), system('postfix', 1_250), system('postfix-opendkim', 500))).toEqual([
      false,
      false,
      false,
    ]);
  });

  it('are neither reached nor missed where the rival was not measured', () => {
    expect(reachedBy(system('posthorn', 1_000))).toEqual([undefined, undefined, true]);
    expect(reachedBy(system('postfix', 1_000), system('postfix-opendkim', 500))).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });
});

describe('the report', () => {
  it('shows each system, each verdict, and the memory', () => {
    const text = formatReport(
      figures(system('posthorn', 1_900, 60), system('postfix', 1_000), system('postfix-opendkim', 500)),
    );
    expect(text).toMatch(/^ {2}Posthorn +1,900 +█{24} +2,000 +0\.75 +1\.3 \/ 60 +950 +12,000 +all, once +RSA-2048$/m);
    expect(text).toMatch(/^ {2}Postfix, unsigned +1,000 +█{13} .* no$/m);
    expect(text).toMatch(/✔ +3\.80 x Postfix \+ OpenDKIM +the goal is at least 2$/m);
    expect(text).toMatch(/✔ +1\.90 x bare Postfix +the goal is at least 0\.8$/m);
    expect(text).toMatch(/✘ +60\.0 ms accept p99 +the goal is below 50$/m);
    expect(text).toContain('doors 150 MiB');
    expect(text).toContain('1,235 bytes of Redis a waiting message');
  });

  it('says why a rival was not measured, and that its ratio is not available', () => {
    const text = formatReport({
      ...figures(system('posthorn', 1_900)),
      notMeasured: [{ name: 'postfix', why: 'it must be started by root' }],
    });
    expect(text).toContain('Postfix, unsigned: not measured, it must be started by root');
    expect(text).toContain('x bare Postfix: not available');
  });

  it('warns of figures from a machine that was busy with something else', () => {
    expect(formatReport(figures(system('posthorn', 1_900)))).not.toContain('busy');
    expect(formatReport({ ...figures(system('posthorn', 1_900)), busyCores: 1.3 })).toContain(
      '1.3 processors were busy with something else',
    );
  });
});
