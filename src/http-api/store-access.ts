/** Asks what lies in Redis, and says 503 where it does not answer: a fault that passes is never shown as a 404 or a 500. */
import { Injectable } from '@nestjs/common';
import { Log } from '../telemetry/logger.js';
import { ProblemError, unavailable } from './problem.js';

@Injectable()
export class StoreAccess {
  constructor(private readonly log: Log) {}

  async ask<T>(question: () => Promise<T>): Promise<T> {
    try {
      return await question();
    } catch (error) {
      this.log.error('http.store_failed', error);
      throw new ProblemError(unavailable());
    }
  }
}
