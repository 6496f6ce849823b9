/**
 * Mail that comes back and is no bounce: answers of programs (RFC 3834), challenges, and the daily reports on DMARC
 * (RFC 7489 section 7.2.1.1) and TLS (RFC 8460). Told by header fields, subject and first words.
 */
import type { MailFacts } from './mail-facts.js';

const WORDS_LOOKED_AT = 3_000;

export function reportOf({ parts, root, subject, header }: MailFacts): 'dmarc' | 'tls' | undefined {
  const tls =
    root.parameters.get('report-type') === 'tlsrpt' ||
    header('tls-report-domain') !== undefined ||
    parts.attachments.some(({ type }) => type.startsWith('application/tlsrpt'));
  if (tls) return 'tls';
  const dmarc =
    /^\s*(?:\[[^\]]*\]\s*)?report[ -]domain:/i.test(subject) ||
    (/\bdmarc\b/i.test(subject) &&
      parts.attachments.some(({ type, name }) => /zip|gzip|xml/.test(type) || /\.(?:zip|gz|xml)$/i.test(name)));
  return dmarc ? 'dmarc' : undefined;
}

/** Who asks the sender to prove that he is a person. */
export function isChallenge({ subject, words, header }: MailFacts): boolean {
  if (CHALLENGE_FIELDS.some((name) => header(name) !== undefined)) return true;
  const text = words.slice(0, WORDS_LOOKED_AT);
  return (
    CHALLENGE_WORDS.test(text) ||
    (CHALLENGE_SUBJECT.test(subject) && (CHALLENGE_REQUEST.test(text) || HELD_UNTIL_ANSWERED.test(text)))
  );
}

/** Whether the reason in a report is that the sender has to prove himself first. */
export function isChallengeDiagnostic(diagnostic: string): boolean {
  return CHALLENGE_DIAGNOSTIC.test(diagnostic);
}

const CHALLENGE_DIAGNOSTIC =
  /\b(?:not (?:yet )?pre-?approved|challenge.{0,3}response|sender (?:is )?not (?:yet )?(?:approved|verified|confirmed)|awaiting (?:your )?(?:confirmation|approval|verification)|confirmation (?:is )?(?:required|needed|requested))\b/i;

const CHALLENGE_FIELDS = ['x-bluebottle-request', 'x-tmda-confirm', 'x-boxbe-request', 'x-spamarrest', 'x-mailinblack'];
const CHALLENGE_SUBJECT =
  /\b(?:please )?(?:confirm|verify|verification|authenticate|authori[sz]e|approve|challenge)\b|\bconfirmation (?:required|needed|request)\b|\bbest[äa]tig|\bconfirm(?:ez|ar|a)\b|\brequires? (?:your )?(?:confirmation|verification|approval)\b|awaiting (?:approval|verification)/i;
const CHALLENGE_REQUEST =
  /\b(?:click|reply|respond|visit|follow|answer|repl(?:y|ying)|klick|r[ée]pond|cliqu|responda|rispond)\w*\b[^]{0,400}\b(?:deliver\w*|release\w*|approv\w*|verif\w*|confirm\w*|whitelist\w*|safe ?list\w*|allowed|zugestellt|remis|entreg\w*|consegn\w*)\b/i;
const HELD_UNTIL_ANSWERED =
  /\b(?:message|e-?mail) (?:has been|is|was)(?: being)? held\b[^]{0,300}\b(?:reply|click|confirm)/i;
const CHALLENGE_WORDS =
  /\b(?:this (?:account|mailbox|address|inbox|e-?mail)|i|we|my (?:account|mailbox|inbox)|(?:the )?recipient|the e-?mail account)\b(?:[^.\n]|\.\S){0,80}\b(?:is|am|are|have|has|uses?|using|protected)\b[^.]{0,80}\b(?:challenge.{0,3}response|(?:anti-?spam|spam)[^.]{0,40}(?:confirm|verif|challenge)|protected by (?:bluebottle|boxbe|spam ?arrest|tmda|choicemail|sendio|vanquish|mailinblack|earthlink))|\bto (?:have|ensure|complete|guarantee)[^.]{0,60}\b(?:your (?:message|e-?mail|address))[^.]{0,60}(?:delivered|delivery|added to)[^.]{0,80}(?:allowed|guest|approved|white)[ -]?list|\b(?:your|the) (?:message|e-?mail)\b[^.]{0,80}\b(?:wait-?listed|(?:is |being )?held (?:until|because)[^.]{0,60}\b(?:verif|confirm|approv))|\b(?:only|incoming) (?:messages? |mail |e-?mails? )?(?:from )?senders (?:that |who(?:m)? )?i have approved|\b(?:added to|add yourself to) my (?:list of (?:approved|allowed) senders|guest list|white ?list)|\b(?:para que (?:sua|su) mensa(?:gem|je)|damit ihre (?:nachricht|e-?mail)|pour que votre (?:message|courriel))[^.]{0,80}\b(?:clique|clic|klick|cliquez|best[äa]tig|confirm)|\b(?:one[- ]time|first[- ]time) (?:confirmation|verification|senders?)\b[^]{0,300}\b(?:reply|click)\b/i;

/** An answer that a program gives in place of a person, or to say that a request has come in. */
export function isAutoReply(facts: MailFacts): boolean {
  const { subject, words, header } = facts;
  if (AUTO_SUBJECT.test(subject)) return true;
  const fields = hasAutoReplyFields(facts);
  if (TICKET_FIELDS.some((name) => header(name) !== undefined)) return true;
  const text = words.slice(0, WORDS_LOOKED_AT);
  if (fields) return true;
  return (
    AWAY_WORDS.test(text.slice(0, 600)) &&
    (/^\s*(?:re|aw|sv|vs|rif|res|antwort|回复|返信)\s*[:：]/i.test(subject) ||
      header('in-reply-to') !== undefined ||
      isNullPath(facts))
  );
}

export function isNullPath({ header }: MailFacts): boolean {
  return /^\s*<\s*>\s*$/.test(header('return-path') ?? '');
}

// RFC 3834 section 5, and what was written before there was one. Bounces have them too: they are asked after the report.
function hasAutoReplyFields({ header }: MailFacts): boolean {
  if (/^auto-replied/i.test(header('auto-submitted') ?? '')) return true;
  if (/^auto[_-]?reply/i.test(header('precedence') ?? '')) return true;
  if (/\bvacation\b|autorespon|auto-?reply/i.test(header('x-mailer') ?? '')) return true;
  return AUTO_FIELDS.some((name) => header(name) !== undefined && !/^(?:no|none|false)$/i.test(header(name) ?? ''));
}

const AUTO_FIELDS = [
  'x-autoreply',
  'x-autorespond',
  'x-auto-response',
  'x-autoreply-from',
  'x-mail-autoreply',
  'x-vacation',
  'x-ms-exchange-inbox-rules-loop',
];
const TICKET_FIELDS = [
  'x-jira-fingerprint',
  'x-rt-ticket',
  'rt-ticket',
  'x-zendesk-ticket',
  'x-otrs-ticket',
  'x-freshdesk-ticket',
];

const AUTO_SUBJECT = new RegExp(
  [
    '\\bout[ -]of[ -](?:the[ -])?office\\b',
    '\\bauto(?:matic|mated|matische|matisch|matique|m[áa]tica|matica)?[ -]*(?:reply|response|respon[cs]e|answer|antwort|respuesta|risposta|resposta)\\b',
    '^\\s*auto(?:reply|response)?\\s*:',
    '\\b(?:abwesenheit\\w*|automatische antwort|au[ßs]er haus|nicht im b[üu]ro)',
    '\\b(?:r[ée]ponse automatique|absen(?:t|ce) du bureau|message d.absence|absence)\\b',
    '\\b(?:respuesta autom[áa]tica|fuera de (?:la )?oficina|ausente de la oficina|ausencia)\\b',
    '\\b(?:risposta automatica|fuori (?:sede|ufficio)|assenza dall.ufficio)\\b',
    '\\b(?:resposta autom[áa]tica|fora do escrit[óo]rio|aus[êe]ncia)\\b',
    '\\b(?:automatisch antwoord|automatische? (?:antwoord|beantwoording)|afwezig(?:heid)?|niet aanwezig)\\b',
    '\\b(?:autosvar|automatiskt? svar|frånvar\\w*|frav[æa]r\\w*|fraværende|poissa)\\b',
    '\\b(?:autoodpowied[źz]|automatyczna odpowied[źz]|nieobecno[śs][ćc]|poza biurem)',
    'automaattinen vastaus|poissaolo|otomatik yan[ıi]t|automatikus v[áa]lasz|r[ăa]spuns automat|automatski odgovor|samodejni odgovor|resposta autom[àa]tica|tr[ảa] l[ờo]i t[ựu] [đd][ộo]ng|αυτόματη απάντηση|автоматична відповідь|автоматичен отговор|رد تلقائي|תשובה אוטומטית|ตอบกลับอัตโนมัติ',
    'автоматический ответ|автоответ|нет на месте|отсутств',
    'automatick[áa] odpov[ěe][ďd]|mimo kancel[áa][řr]|nep[řr][íi]tomnost',
    '自動(?:返信|応答|回复|回覆|答复)|自动(?:回复|答复)|不在|休暇|부재중|자동 ?(?:응답|회신)',
    '\\b(?:on|away on|annual) (?:vacation|holiday|leave)\\b|\\bvacation (?:reply|response|message)\\b|\\burlaub\\b',
    '\\b(?:we (?:have )?received your (?:e-?mail|message|request|inquiry|enquiry)|ticket (?:received|created|opened)|(?:your )?(?:support )?(?:request|ticket|case) (?:has been |was )?(?:received|created|opened|registered))\\b',
    '\\[(?:ticket|case|request)\\b[^\\]]{0,40}\\d',
    '\\b(?:ihre anfrage|eingangsbest[äa]tigung)\\b',
  ].join('|'),
  'i',
);
const AWAY_WORDS =
  /\b(?:i am|i'm|i will be|am) (?:currently |now )?(?:out of (?:the )?office|away|on (?:vacation|holiday|leave|annual leave|maternity leave))\b|\bout of (?:the |my )?office (?:until|from|and)\b|\bich bin (?:derzeit |bis |vom |ab |zur ?zeit |momentan )?[^.]{0,40}(?:nicht im (?:b[üu]ro|haus)|abwesend|im urlaub|au[ßs]er haus)|\bje suis (?:actuellement )?(?:absent|en cong[ée]|en vacances)|\bestoy (?:fuera|ausente|de vacaciones)|\bestar[ée] (?:fuera|ausente)|\bsono (?:fuori|assente|in ferie)|\bestou (?:fora|ausente|de f[ée]rias)|\bik ben (?:momenteel )?(?:afwezig|niet aanwezig|op vakantie)|(?:thank you|thanks) for (?:your (?:e-?mail|message)|contacting|writing)[^]{0,200}(?:get back to you|respond|reply|ticket|as soon as possible)/i;
