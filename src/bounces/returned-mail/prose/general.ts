/** Reads what no family of programs claims: any layout in which an address is followed by words, or a quoted dialogue. */
import { blocksOf } from './blocks.js';
import { refusalsIn, verdictsIn } from './dialogue.js';
import type { Family, ProseRecipient, ReportText } from './prose.js';
import { completeAddress, recipientsOf } from './recipients.js';

export const general: Family = {
  name: 'general',
  recognises: () => true,
  read: (text) => {
    const said = blocksOf(text);
    if (said.some(({ weight }) => weight === 3)) return recipientsOf(said, text);
    const refused = fromDialogue(text);
    return refused.length > 0 ? refused : recipientsOf(said, text);
  },
};

function fromDialogue(text: ReportText): ProseRecipient[] {
  const said = [...refusalsIn(text.lines), ...verdictsIn(text.lines)].flatMap(({ address, words }) => {
    const whole = completeAddress(address, text);
    return whole === undefined || !address.includes('@') ? [] : [{ address: whole, words }];
  });
  return recipientsOf(said, text);
}
