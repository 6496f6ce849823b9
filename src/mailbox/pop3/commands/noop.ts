/** RFC 1939 section 5. */
import type { Pop3Command } from '../pop3-command.js';
import { ok } from '../reply.js';

export const noop: Pop3Command = { name: 'NOOP', state: 'user', argument: 'none', run: () => ok('Still here') };
