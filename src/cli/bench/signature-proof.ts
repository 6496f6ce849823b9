/** Looks at mail as it leaves a system: whether it is signed as claimed. RFC 6376 section 6. */
import { dkimVerify } from 'mailauth';
import type { ScriptedMx } from '../demo/scripted-mx.js';
import { ownLoad } from './load.js';
import { PROOF_RECIPIENT, SENDER_DOMAIN, type RunningSystem } from './mail-system.js';

export type Proof =
  | { readonly kind: 'signed'; readonly keyBits: number }
  | { readonly kind: 'unsigned' }
  | { readonly kind: 'bad'; readonly why: string };

const ARRIVES_WITHIN_MS = 20_000;

/** Sends one message to `receiver`, which must be where the system's route for PROOF_RECIPIENT leads. */
export async function proveSignature(system: RunningSystem, receiver: ScriptedMx): Promise<Proof> {
  const record = await system.dkimRecord();
  const before = receiver.received.length;
  await ownLoad({ port: system.port, messages: 1, recipient: PROOF_RECIPIENT });
  const message = (await receiver.waitFor(before + 1, ARRIVES_WITHIN_MS)).at(before);
  if (!message) return { kind: 'bad', why: 'it did not arrive' };
  const { results } = await dkimVerify(message.data, { resolver: () => Promise.resolve([[record ?? '']]) });
  const signatures = results.filter((result) => result.signingDomain !== undefined);
  if (record === undefined) {
    return signatures.length === 0
      ? { kind: 'unsigned' }
      : { kind: 'bad', why: 'it is signed, which was not asked for' };
  }
  const good = signatures.find(
    ({ signingDomain, status }) => signingDomain === SENDER_DOMAIN && status.result === 'pass',
  );
  if (!good) {
    const verdicts = signatures.map(({ status }) => `${status.result} ${status.comment ?? ''}`.trim());
    return { kind: 'bad', why: `no good DKIM signature: ${verdicts.join(', ') || 'none at all'}` };
  }
  return { kind: 'signed', keyBits: good.modulusLength ?? 0 };
}
