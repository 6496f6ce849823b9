/**
 * What must be in order before anything listens: a data directory of our own, a certificate, a Redis that keeps what it is
 * given, and an account. Each fault is one clear message.
 */
import type { Redis } from 'ioredis';
import { createFirstAccountOnce, type FirstCredentials } from '../../accounts/first-start.js';
import { adoptOlderRecords } from '../../accounts/older-records.js';
import { DkimKeys } from '../../accounts/dkim-keys.js';
import { protectKeys, type LogRewrite } from '../../accounts/protect-keys.js';
import { ProvisionKeys } from '../../accounts/provision-keys.js';
import { AccountTraces } from '../../bounces/account-traces.js';
import { bounceRulesFaults } from '../../bounces/classify/open-classifier.js';
import type { Settings } from '../../config/settings.js';
import { SystemClock } from '../../mail/clock.js';
import { certificateFiles, readCertificate, type CertificateFiles } from '../../listeners/tls-certificate.js';
import { connectRedis, disconnectRedis, untilReady } from '../../store/connect-redis.js';
import { claimDataDirectory } from '../../store/data-directory.js';
import { checkDurability } from '../../store/durability-check.js';
import { startEmbeddedRedis, type EmbeddedRedis, type EmbeddedRedisStart } from '../../store/embedded-redis.js';
import type { Log } from '../../telemetry/logger.js';
import type { Metrics } from '../../telemetry/metrics.js';
import { Provisioning } from './provisioning.js';

const REDIS_WITHIN_MS = 10_000;

export interface Foundation {
  readonly redis: Redis;
  readonly redisUrl: string;
  readonly embedded: EmbeddedRedis | undefined;
  readonly certificate: CertificateFiles;
  /** Where POSTHORN_PROVISION is set: applied once, and to be watched. */
  readonly provisioning: Provisioning | undefined;
  /** Only on the very first start. */
  readonly first: FirstCredentials | undefined;
  /** Ends Redis and gives the data directory back. */
  release(): Promise<void>;
}

interface StartFault {
  readonly kind: 'fault';
  readonly fault: string;
}

export type Preparation = { readonly kind: 'prepared'; readonly foundation: Foundation } | StartFault;

type Releases = (() => Promise<void> | void)[];

/** Never rejects, and keeps hold of nothing where there is a fault. */
export async function prepareService(settings: Settings, log: Log, metrics: Metrics): Promise<Preparation> {
  const releases: Releases = [];
  const release = async (): Promise<void> => {
    for (const step of releases.splice(0).reverse()) await step();
  };
  let preparation: StartFault | { readonly kind: 'ready'; readonly parts: Omit<Foundation, 'release'> };
  try {
    preparation = await prepare(settings, { log, metrics }, releases);
  } catch (error) {
    const { name, message } = error as Error;
    // A Redis that is a replica, or gives this user too few rights; a full disk.
    const where = name === 'ReplyError' ? 'the Redis at POSTHORN_REDIS_URL refuses what is needed: ' : '';
    preparation = fault(`${where}${message}`);
  }
  if (preparation.kind === 'ready') return { kind: 'prepared', foundation: { ...preparation.parts, release } };
  await release();
  return preparation;
}

async function prepare(
  settings: Settings,
  telemetry: { readonly log: Log; readonly metrics: Metrics },
  releases: Releases,
): Promise<StartFault | { kind: 'ready'; parts: Omit<Foundation, 'release'> }> {
  const { dataDir, firstDomain, hostname } = settings;
  const rules = bounceRulesFaults(settings.bounceRules);
  if (rules.length > 0) return fileFault('POSTHORN_BOUNCE_RULES', rules);
  const claim = await claimDataDirectory(dataDir);
  if (claim.kind !== 'owned') return fault(claim.why);
  releases.push(() => {
    claim.release();
  });

  const own = { cert: settings.tlsCert, key: settings.tlsKey };
  const certificate = await certificateFiles(own, dataDir, hostname);
  const reading = await readCertificate(certificate);
  if (reading.kind === 'fault') return fault(`${reading.fault} (POSTHORN_TLS_CERT, POSTHORN_TLS_KEY)`);

  let embedded: EmbeddedRedis | undefined;
  if (settings.redisUrl === undefined) {
    const started = await startRedis(settings, telemetry.log);
    if (started.kind !== 'running') return fault(started.why);
    embedded = started;
    releases.push(() => started.stop());
  }
  const redisUrl = embedded?.url ?? settings.redisUrl ?? '';
  const redis = connectRedis(redisUrl, 'answering');
  releases.push(() => disconnectRedis(redis));
  const unfit = await redisFault(redis, settings);
  if (unfit) return unfit;
  const protection = await protectKeys(redis, settings.secretKey);
  if (protection.kind === 'fault') return protection;
  if (protection.kind === 'encrypted' && protection.rewrite) logRewrite(telemetry.log, protection.rewrite);
  await adoptOlderRecords(redis, Date.now());
  const parts = { redis, redisUrl, embedded, certificate };
  if (settings.provision !== undefined) {
    const clock = new SystemClock();
    const keys = new ProvisionKeys(new DkimKeys(redis, clock, settings.secretKey));
    const traces = new AccountTraces(redis, clock);
    const provisioning = new Provisioning(settings.provision, redis, keys, traces, telemetry);
    const outcome = await provisioning.apply();
    if (outcome.kind === 'faults') return fileFault('POSTHORN_PROVISION', outcome.faults);
    releases.push(() => provisioning.stop());
    return { kind: 'ready', parts: { ...parts, provisioning, first: undefined } };
  }
  const first = await createFirstAccountOnce(redis, { dataDir, domain: firstDomain, hostname, nowMs: Date.now() });
  return { kind: 'ready', parts: { ...parts, provisioning: undefined, first } };
}

function logRewrite(log: Log, rewrite: LogRewrite): void {
  if (rewrite.kind === 'started') log.info('dkim_keys.encrypted', { appendOnlyFile: 'is written anew' });
  else log.warn('dkim_keys.encrypted', { appendOnlyFile: 'may still hold them in the clear', why: rewrite.why });
}

function fileFault(setting: string, faults: readonly string[]): StartFault {
  const count = faults.length === 1 ? 'a fault' : `${faults.length} faults`;
  return fault(
    [`the file ${setting} has ${count}, nothing was started`, ...faults.map((line) => `  ${line}`)].join('\n'),
  );
}

function startRedis({ dataDir, durability }: Settings, log: Log): Promise<EmbeddedRedisStart> {
  return startEmbeddedRedis({
    dataDir,
    durability,
    log: ({ level, message }) => {
      log[level]('redis.says', { message });
    },
    onRestart: (restart) => {
      log.warn('redis.restarted', { ...restart });
    },
  });
}

/** Whether it answers, and keeps what POSTHORN_DURABILITY promises. */
async function redisFault(redis: Redis, settings: Settings): Promise<StartFault | undefined> {
  const reached = await untilReady(redis, REDIS_WITHIN_MS);
  if (reached.kind === 'unreachable') return fault(`no Redis answers at POSTHORN_REDIS_URL: ${reached.why}`);
  const faults = await checkDurability(redis, settings.durability, settings.redisUnchecked);
  if (faults.length === 0) return undefined;
  const lines = faults.map(({ setting, has, mustBe, howTo }) => `  ${setting} is ${has}, must be ${mustBe}: ${howTo}`);
  return fault([`Redis does not keep what POSTHORN_DURABILITY=${settings.durability} promises`, ...lines].join('\n'));
}

function fault(text: string): StartFault {
  return { kind: 'fault', fault: text };
}
