/**
 * Whether free text may be a report on a delivery at all. People and newsletters speak of bounces too; a program that
 * reports one says so by its name, its null return path (RFC 5321 section 4.5.5) or its subject.
 */
import { isAutoReply, isChallenge, isNullPath } from './kinds-by-header.js';
import type { MailFacts } from './mail-facts.js';

export function isPlausibleReport(facts: MailFacts): boolean {
  const { subject, from, header } = facts;
  const daemon = DAEMON.test(from) || DAEMON.test(header('return-path') ?? '');
  const failure = FAILURE_SUBJECT.test(subject);
  if (header('list-id') !== undefined || header('list-unsubscribe') !== undefined) return daemon && failure;
  if (isChallenge(facts)) return false;
  if (isAutoReply(facts) && !failure && !daemon) return false;
  if (/^\s*(?:re|aw|fwd?|wg|tr|rv|sv)\s*:/i.test(subject)) return daemon;
  return daemon || isNullPath(facts) || failure || facts.parts.originals.length > 0;
}

const DAEMON =
  /\b(?:mailer[-_.]?daemon|mail[-_.]?daemon|post-?master|mailadmin|mail[-_]?(?:delivery|system|server)|maildelivery|bounces?|daemon|mta|mdaemon|mail delivery (?:sub)?system|system administrator|administrator|exchange|root|uucp|no-?reply|internet mail delivery|smtp)\b/i;

const FAILURE_SUBJECT =
  /\b(?:undeliver\w*|non[- ]?deliver\w*|not delivered|undelivered|returned (?:mail|message)|mail returned|(?:mail|message|delivery)\b.{0,40}\b(?:fail\w*|status|notification|report|error|problem|failure|delayed|delay|returned|rejected|bounced)|fail\w*\b.{0,30}\b(?:mail|deliver\w*|message)|delivery|bounce\w*|unzustellbar\w*|nicht zugestellt|non (?:remis|distribu|recapitat)\w*|mancat[ao] consegna|no (?:se )?(?:pudo|entreg)\w*|nicht zustellbar|user unknown|unknown user|could not be (?:sent|delivered)|warning)\b|エラー|配信|届|返送|不能|失敗|退信|не достав|недостав/i;
