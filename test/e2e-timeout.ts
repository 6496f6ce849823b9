/** Lets an end-to-end test take two minutes: it starts, kills and restarts whole services. */
import { jest } from '@jest/globals';

jest.setTimeout(120_000);
