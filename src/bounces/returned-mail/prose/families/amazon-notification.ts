/** Amazon SES notifications that come by mail: JSON with `notificationType` Bounce or Delivery. SES Developer Guide. */
import type { Family, ProseRecipient } from '../prose.js';
import { recipientOf } from '../reply-words.js';

const OPENING = /"(?:notificationType|eventType)"\s{0,3}:\s{0,3}"(?:Bounce|Delivery)"/;

interface Notification {
  bounce?: {
    bouncedRecipients?: { emailAddress?: unknown; status?: unknown; diagnosticCode?: unknown; action?: unknown }[];
  };
  delivery?: { recipients?: unknown[]; smtpResponse?: unknown };
}

export const amazonNotification: Family = {
  name: 'amazon-notification',
  recognises: ({ text }) => OPENING.test(text.slice(0, 5_000)),
  read: ({ text }) => {
    const notification = parsed(text.slice(0, 200_000));
    const delivered = Array.isArray(notification?.delivery?.recipients) ? notification.delivery.recipients : [];
    const bounced = Array.isArray(notification?.bounce?.bouncedRecipients) ? notification.bounce.bouncedRecipients : [];
    return [
      ...bounced.slice(0, 500).flatMap((one): ProseRecipient[] => {
        if (typeof one?.emailAddress !== 'string') return [];
        const read = recipientOf(one.emailAddress, wordsOf(one.diagnosticCode).replace(/^smtp; ?/i, ''));
        return [{ ...read, ...(typeof one.status === 'string' && { status: one.status }), action: 'failed' }];
      }),
      ...delivered.slice(0, 500).map((address): ProseRecipient => ({
        ...recipientOf(String(address), wordsOf(notification?.delivery?.smtpResponse)),
        action: 'delivered',
      })),
    ];
  },
};

/** The first line that is an object; a footer stands below it. */
function parsed(text: string): Notification | undefined {
  const start = text.indexOf('{');
  const end = text.lastIndexOf('}');
  if (start === -1 || end < start) return undefined;
  const whole = text.slice(start, end + 1);
  for (const piece of [whole, whole.replaceAll('\n', ''), text.slice(start).split('\n', 1)[0]!]) {
    try {
      return JSON.parse(piece) as Notification;
    } catch {
      // Broken by the mail's line breaks: the next piece, or none.
    }
  }
  return undefined;
}

function wordsOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
