import { describe, expect, it } from '@jest/globals';
import { loadSettings } from '../../config/load-settings.js';
import { newMessageId } from '../../mail/message-id.js';
import { SCHEDULE_AHEAD_MAX_MS } from '../../queue/spool.js';
import { ReturnPathSigner } from './return-path.js';

const MACHINE = { fqdn: 'relay.example', cores: 2, mayBindLowPorts: true, cwd: '/' };
const DAY_MS = 86_400_000;
const ACCEPTED_AT = 1_700_000_000_000;

describe('a return path', () => {
  it('is believed two weeks after the last moment at which its mail can have left, and not for ever', () => {
    const loaded = loadSettings({ POSTHORN_EXPIRE_AFTER: '30d' }, MACHINE);
    if (loaded.kind === 'faults') throw new Error(JSON.stringify(loaded.faults));
    const lastAttemptAt = ACCEPTED_AT + SCHEDULE_AHEAD_MAX_MS + loaded.settings.expireAfterMs;
    const signer = new ReturnPathSigner(Buffer.alloc(32, 7));
    const reference = { messageId: newMessageId(ACCEPTED_AT, 0), transaction: 3 };
    const localPart = signer.localPart(reference);
    expect(signer.read(localPart, lastAttemptAt + 14 * DAY_MS)).toEqual({ kind: 'valid', ...reference });
    expect(signer.read(localPart, lastAttemptAt + 16 * DAY_MS)).toEqual({ kind: 'expired', ...reference });
  });

  it('can be set to no longer than that', () => {
    expect(loadSettings({ POSTHORN_EXPIRE_AFTER: '31d' }, MACHINE).kind).toBe('faults');
  });
});
