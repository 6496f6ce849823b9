/** What a refusal means, whom an account does not send to, and how a bounce is matched: once in each process. */
import type { FactoryProvider, ValueProvider } from '@nestjs/common';
import { Redis } from 'ioredis';
import { Classifier } from '../../bounces/classifier.js';
import { ProvisionalClassifier, ProvisionalSuppressions } from '../../bounces/provisional.js';
import { ReturnPathSigner } from '../../bounces/return-path.js';
import { openReturnPathSigner } from '../../bounces/return-path-key.js';
import { SentMessageIds } from '../../bounces/sent-message-ids.js';
import { Suppressions } from '../../bounces/suppressions.js';
import { Settings } from '../../config/settings.js';

export const bounceProviders: (ValueProvider | FactoryProvider)[] = [
  { provide: Classifier, useValue: new ProvisionalClassifier() },
  { provide: Suppressions, useValue: new ProvisionalSuppressions() },
  { provide: ReturnPathSigner, inject: [Redis], useFactory: (redis: Redis) => openReturnPathSigner(redis) },
  {
    provide: SentMessageIds,
    inject: [Redis, Settings],
    useFactory: (redis: Redis, settings: Settings) => new SentMessageIds(redis, settings.eventRetentionMs),
  },
];
