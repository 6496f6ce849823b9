/** The fields of RFC 3464 in running text: reports whose MIME structure is lost, and Amazon's "Technical report". */
import { findAddresses } from '../../address-finder.js';
import type { Family, ProseRecipient } from '../prose.js';
import { recipientOf } from '../reply-words.js';

const FIELD =
  /^[>\s|]{0,8}(Final-Recipient|Original-Recipient|X-Actual-Recipient|Action|Status|Diagnostic-Code|Remote-MTA)\s{0,2}:\s{0,4}(.{0,1500})$/i;
const ACTIONS = ['failed', 'delayed', 'delivered', 'relayed', 'expanded'] as const;

export const statusFields: Family = {
  name: 'status-fields',
  recognises: ({ text }) =>
    /^[>\s|]{0,8}Final-Recipient\s{0,2}:/im.test(text) && /^[>\s|]{0,8}(?:Action|Status)\s{0,2}:/im.test(text),
  read: ({ text }) => groupsOf(text.slice(0, 200_000).split('\n', 3_000)).flatMap(recipientOfGroup),
};

type Group = Map<string, string>;

function groupsOf(lines: readonly string[]): Group[] {
  const groups: Group[] = [];
  let open: Group = new Map();
  let last: string | undefined;
  for (const line of lines) {
    const field = FIELD.exec(line.slice(0, 1_600));
    if (field) {
      last = field[1]!.toLowerCase();
      if (open.has(last)) groups.push((open = new Map<string, string>()));
      else if (open.size === 0) groups.push(open);
      open.set(last, field[2]!.trim());
    } else if (/^\s+\S/.test(line) && last !== undefined) {
      open.set(last, `${open.get(last) ?? ''} ${line.trim()}`.slice(0, 3_000));
    } else {
      last = undefined;
      if (line.trim() === '' && open.has('final-recipient')) open = new Map();
    }
  }
  return groups.slice(0, 500);
}

function recipientOfGroup(group: Group): ProseRecipient[] {
  const address = findAddresses(group.get('final-recipient') ?? group.get('original-recipient') ?? '')[0]?.address;
  if (address === undefined) return [];
  const action = ACTIONS.find((one) => (group.get('action') ?? '').toLowerCase().startsWith(one));
  const mx = (group.get('remote-mta') ?? '').replace(/^dns;\s*/i, '');
  const status = /[245]\.\d{1,3}\.\d{1,3}/.exec(group.get('status') ?? '')?.[0];
  const read = recipientOf(address, (group.get('diagnostic-code') ?? '').replace(/^\s*smtp\s*;\s*/i, ''));
  return [
    {
      ...read,
      ...(status !== undefined && { status: read.status ?? status }),
      ...(mx !== '' && { mx }),
      ...(action && { action }),
    },
  ];
}
