import { describe, expect, it } from '@jest/globals';
import { mailServices } from './mail-services.js';

const PORTS = {
  imapsPort: 993,
  imapPort: 143,
  pop3sPort: 995,
  pop3Port: 110,
  submissionsPort: 465,
  submissionPort: 587,
};

const told = (ports: Partial<typeof PORTS>): string[] =>
  mailServices({ ...PORTS, ...ports }).map(({ srv, port, priority }) => `${srv} ${port} ${priority}`);

describe('what a mail program may connect to', () => {
  it('has the best of each kind first', () => {
    expect(told({})).toEqual([
      '_imaps 993 0',
      '_imap 143 10',
      '_pop3s 995 20',
      '_pop3 110 30',
      '_submissions 465 0',
      '_submission 587 10',
    ]);
  });

  it('is on the port that was set, and not there where that is 0', () => {
    expect(told({ imapsPort: 10_993, imapPort: 0, pop3sPort: 0, pop3Port: 0, submissionPort: 0 })).toEqual([
      '_imaps 10993 0',
      '_submissions 465 0',
    ]);
  });
});
