/** What a refusal means, whom an account does not send to, and how a bounce is matched: once in each process. */
import type { FactoryProvider } from '@nestjs/common';
import { Redis } from 'ioredis';
import { Classifier } from '../../bounces/classifier.js';
import { openClassifier } from '../../bounces/open-classifier.js';
import { RedisSuppressions } from '../../bounces/redis-suppressions.js';
import { ReturnPathSigner } from '../../bounces/return-path.js';
import { openReturnPathSigner } from '../../bounces/return-path-key.js';
import { SentMessageIds } from '../../bounces/sent-message-ids.js';
import { Suppressions } from '../../bounces/suppressions.js';
import { Accounts } from '../../accounts/accounts.js';
import { Clock } from '../../mail/clock.js';
import { Metrics } from '../../telemetry/metrics.js';

export const bounceProviders: FactoryProvider[] = [
  { provide: Classifier, useFactory: () => openClassifier() },
  {
    provide: Suppressions,
    inject: [Redis, Clock, Accounts, Metrics],
    useFactory: (redis: Redis, clock: Clock, accounts: Accounts, metrics: Metrics) =>
      new RedisSuppressions(redis, clock, accounts, metrics),
  },
  { provide: ReturnPathSigner, inject: [Redis], useFactory: (redis: Redis) => openReturnPathSigner(redis) },
  {
    provide: SentMessageIds,
    inject: [Redis],
    useFactory: (redis: Redis) => new SentMessageIds(redis),
  },
];
