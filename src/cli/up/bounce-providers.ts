/** What a refusal means, whom an account does not send to, and how a bounce is matched: once in each process. */
import type { FactoryProvider } from '@nestjs/common';
import { Redis } from 'ioredis';
import { AccountTraces } from '../../bounces/account-traces.js';
import { Classifier } from '../../bounces/classify/classifier.js';
import { ClassifierAtFirstUse, openClassifierWith } from '../../bounces/classify/open-classifier.js';
import { ReturnPathSigner } from '../../bounces/return-path/return-path.js';
import { openReturnPathSigner } from '../../bounces/return-path/return-path-key.js';
import { SentMessageIds } from '../../bounces/return-path/sent-message-ids.js';
import { Settings } from '../../config/settings.js';
import { Clock } from '../../mail/clock.js';
import { suppressionProviders } from './suppression-providers.js';

export const bounceProviders: FactoryProvider[] = [
  ...suppressionProviders,
  { provide: Classifier, inject: [Settings], useFactory: (settings: Settings) => openRules(settings.bounceRules) },
  { provide: ReturnPathSigner, inject: [Redis], useFactory: (redis: Redis) => openReturnPathSigner(redis) },
  {
    provide: AccountTraces,
    inject: [Redis, Clock],
    useFactory: (redis: Redis, clock: Clock) => new AccountTraces(redis, clock),
  },
  {
    provide: SentMessageIds,
    inject: [Redis],
    useFactory: (redis: Redis) => new SentMessageIds(redis),
  },
];

/** Our own rules wait for the first refusal; the operator's file was read at start, so that a fault here has come since. */
function openRules(operatorFile: string | undefined): Classifier {
  if (operatorFile === undefined) return new ClassifierAtFirstUse();
  const opening = openClassifierWith(operatorFile);
  if (opening.kind === 'faults') throw new Error(opening.faults.join('\n'));
  return opening.classifier;
}
