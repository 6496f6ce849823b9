/** What a refusal means, whom an account does not send to, and how a bounce is matched: once in each process. */
import type { FactoryProvider } from '@nestjs/common';
import { Redis } from 'ioredis';
import { Classifier } from '../../bounces/classifier.js';
import { openClassifier } from '../../bounces/open-classifier.js';
import { ReturnPathSigner } from '../../bounces/return-path.js';
import { openReturnPathSigner } from '../../bounces/return-path-key.js';
import { SentMessageIds } from '../../bounces/sent-message-ids.js';
import { suppressionProviders } from './suppression-providers.js';

export const bounceProviders: FactoryProvider[] = [
  ...suppressionProviders,
  { provide: Classifier, useFactory: () => openClassifier() },
  { provide: ReturnPathSigner, inject: [Redis], useFactory: (redis: Redis) => openReturnPathSigner(redis) },
  {
    provide: SentMessageIds,
    inject: [Redis],
    useFactory: (redis: Redis) => new SentMessageIds(redis),
  },
];
