/** What of the relay stands in the records of these tests. */
import type { RelayNames } from '../../src/accounts/domain-records.js';

export const RELAY: RelayNames = {
  hostname: 'relay.example',
  bounceDomain: 'bounces.relay.example',
  submissionsPort: 465,
  submissionPort: 587,
  imapsPort: 993,
  imapPort: 143,
  pop3sPort: 995,
  pop3Port: 110,
};
