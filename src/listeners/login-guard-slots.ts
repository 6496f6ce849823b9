/**
 * Under which keys the login guard counts. Attackers choose user names, and IPv6 gives them networks without number, so
 * counts lie in a fixed number of slots. A salt that only this installation has decides which: nobody can work out a
 * network or name that shares the slot of another.
 */
import { createHmac, randomBytes } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { ClientNetworks } from '../network/client-networks.js';
import { GUARD_PREFIX } from '../store/keyspace.js';

/**
 * At some 200 bytes, 60 MB when all are in use. Who shares a slot by chance shares a count, which is seen only in an
 * attack of millions.
 */
const SLOTS = 65_536;
const SALT_BYTES = 32;
const SALT_KEY = `${GUARD_PREFIX}:salt`;

/** Counted widths of a network. */
export type Width = 0 | 1 | 2;

export class LoginGuardSlots {
  private constructor(private readonly salt: string) {}

  /** With the salt of the installation, which whoever comes first makes. Rejects where Redis does not answer. */
  static async read(redis: Redis): Promise<LoginGuardSlots> {
    await redis.set(SALT_KEY, randomBytes(SALT_BYTES).toString('hex'), 'NX');
    const salt = await redis.get(SALT_KEY);
    if (salt === null) throw new Error('the salt of the login guard is gone');
    return new LoginGuardSlots(salt);
  }

  /** Where `networks` has no such width it is a key that nothing is written to. */
  network(networks: ClientNetworks, width: Width): string {
    return `${GUARD_PREFIX}:net${width}:${this.slotOf(`net ${networks[width] ?? ''}`)}`;
  }

  user(user: string): string {
    return `${GUARD_PREFIX}:user:${this.slotOf(`user ${withoutCase(user)}`)}`;
  }

  misconduct(networks: ClientNetworks): string {
    return `${GUARD_PREFIX}:misconduct:${this.slotOf(`net ${networks[0]}`)}`;
  }

  /** Tells one try from another, and is too short to tell what was tried. */
  digestOf(user: string, secret: string): string {
    return this.hmac(`try ${withoutCase(user)}\0${secret}`).slice(0, 8);
  }

  private slotOf(subject: string): number {
    return Number.parseInt(this.hmac(subject).slice(0, 8), 16) % SLOTS;
  }

  private hmac(text: string): string {
    return createHmac('sha256', this.salt).update(text).digest('hex');
  }
}

/** A name has no case, as where it is looked up. */
function withoutCase(user: string): string {
  return user.toLowerCase();
}
