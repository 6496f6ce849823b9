/** Takes what the intake has kept from its stream, a few at a time, until it is worked on. */
import type { Redis } from 'ioredis';
import { RETURNED_MAIL_KEY } from '../../store/keyspace.js';
import { WorkStream } from '../../store/work-stream.js';
import type { Log } from '../../telemetry/logger.js';
import type { ProcessReturnedMail } from './process-returned-mail.js';

/** In hand at once: each may be as large as a message can be. */
const BATCH = 4;

/** @param redis for `queue`: it waits for entries, and for Redis while that is away */
export function returnedMailWork(redis: Redis, process: ProcessReturnedMail, log: Log): WorkStream {
  return new WorkStream(redis, RETURNED_MAIL_KEY, {
    batch: BATCH,
    handle: (entry) => process.handle(entry),
    giveUp: (entry) => process.giveUp(entry),
    onError: (error) => log.warn('returned_mail.failed', { error: error.message }),
  });
}
