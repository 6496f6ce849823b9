/**
 * How likely a mail without a readable report (RFC 3464) is one nevertheless. People and newsletters speak of bounces too;
 * a program that reports one shows it by its name, its null return path (RFC 5321 section 4.5.5), its subject, and by the
 * message that it brings back.
 */
import { isAutoReply, isChallenge, isNullPath } from './kinds-by-header.js';
import { addressesIn } from '../address-finder.js';
import type { MailFacts } from './mail-facts.js';

/** `possible`: its words must show it. */
export type Likelihood = 'certain' | 'possible' | 'none';

export function likelihoodOfReport(facts: MailFacts): Likelihood {
  const { subject, header, root, parts } = facts;
  if (parts.dispositions.length > 0) return 'none';
  if (header('x-failed-recipients') !== undefined) return 'certain';
  if (root.parameters.get('report-type')?.toLowerCase() === 'delivery-status') return 'certain';
  const daemon = isFromDaemon(facts);
  const failure = FAILURE_SUBJECT.test(subject.slice(0, 500));
  const broughtBack = facts.original !== undefined;
  if (isChallenge(facts) || (isAutoReply(facts) && !(daemon || failure))) return 'none';
  if (!daemon && !isNullPath(facts)) {
    if (FORWARD_OR_ANSWER.test(subject) || (header('in-reply-to') !== undefined && !broughtBack)) return 'none';
    if (isListMail(facts) && !(failure && broughtBack)) return 'none';
    if (!broughtBack && !namesSomebodyElse(facts)) return 'none';
  }
  if (!isNullPath(facts) && !broughtBack && LURE.test(facts.words.slice(0, 8_000))) return 'none';
  if (FORWARD_OR_ANSWER.test(subject)) return 'possible';
  // No person writes from nowhere.
  if (/^\s*<\s*>\s*$/.test(facts.from)) return 'certain';
  return broughtBack && (daemon || failure) ? 'certain' : 'possible';
}

/** By its name, or because it has none: RFC 5321 section 4.5.5. */
export function isFromDaemon({ from }: MailFacts): boolean {
  return DAEMON.test(from.slice(0, 500)) || /^\s*<\s*>\s*$/.test(from);
}

function isListMail({ header }: MailFacts): boolean {
  return (
    header('list-id') !== undefined ||
    header('list-unsubscribe') !== undefined ||
    /^\s*(?:bulk|list)\b/i.test(header('precedence') ?? '')
  );
}

/** Whether an address stands in the words that is not of those who write and get this mail. */
function namesSomebodyElse({ words, from, header }: MailFacts): boolean {
  const own = new Set(
    addressesIn([from, header('to'), header('reply-to')].join(' , ')).map((one) => one.toLowerCase()),
  );
  return addressesIn(words.slice(0, 20_000)).some((one) => !own.has(one.toLowerCase()));
}

const FORWARD_OR_ANSWER = /^\s*(?:re|aw|sv|vs|fwd?|wg|tr|rv|antw|odp|enc|i)\s*:/i;

/** No report asks anybody to log in somewhere. */
const LURE =
  /\b(?:click|log ?[io]n|sign ?in|verify|validate|confirm|release|recover|retrieve|upgrade|update|klick\w*|anmelden|cliquez|connect\w*)\b[^.\n]{0,100}https?:\/\/|https?:\/\/\S*(?:login|signin|verify|webmail)\S*/i;

const DAEMON =
  /\b(?:mailer[-_. ]?daemon|mail[-_. ]?daemon|post-?master|mail[-_ ]?(?:delivery|system|admin\w*|router|transfer|server|gateway)|mdaemon|pmdf|mta|delivery[-_ ](?:sub)?system|system[-_ ]?(?:administrator|attendant)|microsoft ?exchange\w*|internet mail|smtp)\b/i;

const FAILURE_SUBJECT =
  /\b(?:undeliver\w*|non[- ]?deliver\w*|not (?:be )?delivered|(?:returned|failed|bounced|rejected) (?:mail|message)|(?:mail|message|delivery)\b.{0,40}\b(?:fail\w*|status|notification|report|error|problem|delay\w*|returned|rejected|bounced|warning|unsuccessful)|fail\w*\b.{0,30}\b(?:mail|deliver\w*|message|notice)|bounced?|unzustellbar\w*|nicht (?:zugestellt|zustellbar)|non (?:remis|distribu|recapitat|consegnat)\w*|mancat[ao] (?:consegna|recapito)|no (?:se )?(?:pudo|entreg)\w*|user unknown|unknown user|could not be (?:sent|delivered)|loop alert)\b|エラー|配信不能|配信できません|届きません|返送|不達|送信できません|失敗|退信|不能投|无法投|无法送|не достав|недостав|반송/i;
