/** Lets every test and hook take two minutes: only what hangs fails by the clock, however busy the machine is. */
import { jest } from '@jest/globals';

jest.setTimeout(120_000);
