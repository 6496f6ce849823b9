/**
 * The marks by which a mail shows that it tells of a delivery: who sends it, its subject, its first words. In the languages
 * in which mail programs speak. One mark alone is not enough: people write such subjects, too.
 */
import { leadBlocks } from './blocks.js';
import type { ProseFacts } from './prose.js';
import { isOriginalMark } from './report-part.js';

const SENDER =
  /mailer.?daemon|mail.?daemon|mmdf|\bndr\b|postmaster|mail (?:delivery|administrator|router|transfer|system|delivering)|mail\.delivery\.system|delivery (?:sub|notification|status)?-?system|delivery subsystem|system administrator|systemadministrator|system attendant|mail-?system|microsoftexchange[\da-f]|bounce[sd]?@|<>|\bmta\b|pmdf|inetgw|mdaemon@|internet mail|administrateur (?:système|systeme)|administrador (?:del|do) sistema|amministratore di sistema|systeembeheer|administrator systemu|mail\S{0,3}server|no-?reply@[\w.]{0,60}(?:dion\.ne\.jp|sns\.amazonaws|ezweb)|自動応答|電子メール配信|система доставки|邮件系统|mailsystem|e-?mail (?:delivery|gateway)|returned mail|virus ?wall|interscan|mail ?marshal|(?:mail|mime) ?sweep|scan ?mail|(?:spam|virus|content)[- ]?(?:filter|gateway|firewall)|(?:mail|e-?mail) security|quarantine@/i;

/** Subjects of failures and of delays, as mail programs write them. */
const SUBJECT =
  /undeliver|non[- ]?(?:delivery|remis|zustell|recapito|consegn)|not (?:be )?delivered|un(?:able|zustellbar)|deliver(?:y|ed|ing)?\b[^a-z]{0,3}(?:\w{0,14} ?){0,3}?(?:fail|status|report|error|problem|notification|has failed|delay|unsuccess|warning)|fail(?:ed|ure|ing)?[: ,]{0,3}(?:mail|deliver|notice|to deliver|message|notification)|(?:mail|message|e-?mail|sending|transmission)[\w ]{0,20}(?:fail|error|could ?n.t|could not|not delivered|undeliver|bounced|was rejected|is delayed|delayed|returned|problem)|return(?:ed|ing)[: ](?:mail|message|e-?mail|to sender|by)|\bbounced?\b|rejected (?:mail|message|posting)|warning: (?:could not|message|mail)|mail system error|user unknown|unknown user|nondeliver|unzustellbar|unzustellbarkeit|zustell(?:ung|bericht|fehler)|konnte nicht zugestellt|rückläufer|fehlgeschlagen|fehlgeleitet|non[- ](?:remis|distribu|délivr)|échec|echec|n'a pas pu être|impossible (?:de|d')|avis de non|notification d'état de remise|no se (?:pudo|ha podido|puede)|no entregad|no enviado|error de entrega|falló|fallo en la entrega|devuelto|rechazado|não (?:entreg|foi|pôde)|nao entreg|falha na entrega|erro na entrega|devolvid|mancat[ao] (?:consegna|recapito)|non recapitat|non consegnat|impossibile (?:recapitare|consegnare)|errore di consegna|onbestelbaar|niet (?:bezorgd|afgeleverd|besteld)|bezorging mislukt|aflevering|niedostarczon|nie (?:można|dostarczono|udało)|zwrot|olevererbar|kan ej levereras|kunne ikke leveres|kunde inte levereras|leveransfel|doručení|nedoru[čc]|k[ée]zbes[íi]t|toimitus|nelivrat|neisporu|παράδοση|teslim edilem|iletilemedi|не доставлен|недоставл|невозможно доставить|не может быть доставлен|ошибка доставки|уведомление о (?:состоянии )?достав|配信不能|配信障害|配信(?:でき|エラー|状況|失敗|に失敗)|配送(?:でき|エラー|失敗)|送信(?:でき|エラー|失敗)|不達|未配信|届きません|宛先不明|エラーメール|容量(?:超過|オーバー)|メール(?:を|が)?.{0,8}(?:できません|エラー)|メッセージを配信できません|退信|无法(?:投递|送达|传递|发送)|無法(?:投遞|傳遞|遞送|寄送|傳送)|未送达|投递失败|发送失败|傳送失敗|系统退信|배달(?:되지| 실패| 못)|반송|전달되지|delivery report|mail failure|service unavailable|see transcript|local configuration error|can(?:not|'t) (?:be )?(?:send|sent|deliver)|host (?:unknown|not found)|over quota|mailbox (?:is )?full|recipient (?:unknown|not found)|address (?:unknown|error)|nicht zustellbar|delivered:|relayed:|read-?only mail|successful mail delivery|not listed in|smtp (?:error|server error)|failed mail|considered (?:unsolicited|spam)|banned (?:contents|file)|virus (?:in|found|detected|alert)|message you sent|your (?:message|e-?mail|mail) (?:was|has been|could)|recapitabil|recapit\S{1,3} non|blocked (?:by|message|mail|your)|your (?:message|mail|e-mail) [\w ]{0,40}(?:rejected|refused|blocked)|loop alert|mail loop|not member article|processing error/i;

const TEXT =
  /could(?: not|n['’]t) be delivered|failed recipients|[45]\d\d[ -]#?[45]\.\d{1,3}\.\d{1,3}|delivery of the e?-?mail was stopped|(?:was|were) (?:considered|blocked|quarantined|rejected|refused)|non (?:è|sono) riuscit|mailbox (?:is )?(?:unavailable|full|disabled)|smtp error|(?:mail|message|e-mail) (?:has been|was|is being) (?:returned|bounced|rejected|refused|blocked)|not a valid (?:user|recipient|address|mailbox)|duplicated message-id|mail loop|you are not (?:a )?member|not (?:a member|allowed to (?:post|send))|invalid (?:user|recipient|address|mailbox)|(?:was|were|is|has been|been) (?:un|not )(?:deliver|successfully)|undeliver(?:able|ed)|unable to (?:be )?deliver|wasn't able to deliver|not able to deliver|(?:did|could|was|were) not (?:be )?(?:reach|deliver|sent)|not (?:yet )?been delivered|could not (?:send|deliver|be (?:reached|sent|processed|delivered))|couldn['’]t be (?:delivered|sent|found)|(?:has|have|had) (?:permanent )?fat?al? ?(?:delivery )?errors?|had (?:permanent|transient|delivery)|permanent (?:fatal )?(?:error|failure)|(?:has|have|was|were) not (?:been )?(?:delivered|sent|forwarded|accepted)|(?:has|have) not delivered|delivery (?:to|of|for|has|attempt|status|failed|failure|error|problem)[^\n]{0,60}(?:fail|abort|delay|postpone|unsuccess|notification)|fail(?:ed|ure) (?:to|in) (?:deliver|reach)|deliver[^\n]{0,60}fail|rejected (?:your|by)|message (?:was )?(?:rejected|refused|bounced|returned)|returned to (?:you|the |sender)|error (?:delivering|occurred while|occurred when|sending)|following (?:address|recipient|destination)[^\n]{0,40}(?:fail|error|reject|could|prob)|transcript of session|failure (?:reason|notice)|remote host said|does not (?:exist|like)|user unknown|unknown (?:user|recipient|address)|no such (?:user|mailbox|recipient|address)|(?:mailbox|quota)[^\n]{0,40}(?:full|exceed)|konnte[^\n]{0,80}nicht|nicht (?:zugestellt|übermittelt|ausgeliefert)|unzustellbar|fehlgeschlagen|n'a pas (?:pu|été)|pas pu être|échoué|impossible de|no (?:se )?(?:pudo|ha podido|puede|fue)|não (?:pôde|foi|pode)|nao (?:pode|foi)|non (?:è stato|può|recapit)|impossibile|niet (?:worden|bezorgd|afgeleverd|bereik)|nie (?:można|został|mogła)|не (?:может быть|удалось|был[ао]? )|невозможно|kunde inte|kunne ikke|ei voi(?:tu|nut|da)|nepoda[řr]ilo|nelze (?:doru|odesl)|nebyl[ao]? doru|nem (?:siker[üu]lt|lehet|k[ée]zbes)|nu a putut|nije (?:moguće|isporu)|ni bilo mogoče|teslim edile|iletileme|не вдалося|не доставлен|δεν (?:ήταν|μπόρεσε|παραδό)|לא ניתן|تعذر|không thể|お?届けでき|못하였|되지 않|できません|できなかった|(?:配信|配送|送信|配達|転送)(?:は|が|を)?されません|失敗し|届けられ|届きません|無法|无法|未能|失败|못했|실패/i;

const LATE_SUBJECT =
  /\bdelay|verzögert|verspätet|différé|retard|retras|atrasad|ritard|vertraag|opóźni|forsink|försen|viivästy|zpožd|késleltet|gecik|задерж|отложен|遅延|遅れ|延迟|延遲|지연/i;

/** Texts that no person writes: they are enough where the sender is one, too. */
const STRONG_TEXT =
  /this is the (?:qmail-send|mail system at|postfix|mailer-daemon)|(?:message|mail) was created automatically by (?:the )?(?:mail|smtp)|automatically generated delivery status|transcript of session follows|permanent fatal errors|delivery has failed to these|diagnostic information for administrators|diagnoseinformationen für administratoren|informations de diagnostic (?:pour les|à l'attention)|información de diagnóstico para|informaç\S{1,3} de diagnóstico|informazioni di diagnostica|diagnostische (?:gegevens|informatie)|informacje diagnostyczne|диагностические сведения|管理者向けの診断情報|管理员的诊断信息|診断情報|did not reach the following recipient|(?:was not|couldn't be) delivered to:?\s|the following (?:address|recipient)(?:\(?e?s\)?)? (?:had|failed)|final-recipient:|remote host said:|>>> rcpt to|<<< [45]\d\d |mail delivery (?:subsystem|failed)|undeliverable to |"notificationType"\s{0,3}:\s{0,3}"(?:bounce|delivery)"/i;

/** Challenges, held messages, absences, and the bait that dresses up as a bounce: RFC 3834, and every spam folder. */
const OTHER_SUBJECT =
  /please confirm|confirm(?:ation)? (?:your|required|request)|verify your|challenge|out of (?:the )?office|abwesen|vacation|auto(?:matic|mated)?[- ]?(?:reply|response)|awaiting (?:moderat|approv)|held (?:for|until)|messages? (?:are )?(?:held|pending|quarantin)|quarantine (?:report|summary|digest)/i;
const HELD =
  /(?:is|are|being|been) (?:being )?held\b|awaiting (?:moderat|approv|confirm)|reply to (?:release|confirm)|has not been verified/i;
const BAIT =
  /(?:click|log ?in|sign ?in|verify|release|recover|retrieve|upgrade|validate)[^\n]{0,80}https?:|https?:[^\s]{0,200}(?:login|verify|signin|release|recover)/i;

// People who show a report to others write so; programs that neither name themselves nor bear a null return path do not.
const HUMAN =
  /\b(?:i (?:just )?(?:got|get|received|keep getting|tried|sent)|can you|could you (?:please )?(?:check|help|look)|any ideas?|thanks|cheers|(?:kind|best) regards|viele grüße|mit freundlichen grüßen|cordialement|saludos)\b/i;

// What is looked at: the opening of a report says what it is.
const OPENING_MAX = 6_000;

export interface BounceMarks {
  readonly sender: boolean;
  readonly subject: boolean;
  readonly text: boolean;
  readonly strongText: boolean;
  /** Null return path or a header that only reports bear. RFC 5321 section 4.5.5. */
  readonly envelope: boolean;
}

function bounceMarks({ from, subject, text, header }: ProseFacts): BounceMarks {
  const opening = text.slice(0, OPENING_MAX);
  return {
    sender: from.trim() === '' || SENDER.test(from.slice(0, 500)),
    subject: SUBJECT.test(subject.slice(0, 500)),
    text: TEXT.test(opening),
    strongText: STRONG_TEXT.test(opening),
    envelope:
      header('x-failed-recipients') !== undefined ||
      /^\s*<\s*>\s*$/.test((header('return-path') ?? '').slice(0, 100)) ||
      /delivery-status/i.test((header('content-type') ?? '').slice(0, 500)),
  };
}

/** Whether a mail tells of a delivery that failed, is late or came to its end. */
export function looksLikeBounce(facts: ProseFacts): boolean {
  if (facts.header('x-failed-recipients') !== undefined) return true;
  const { sender, subject, text, strongText, envelope } = bounceMarks(facts);
  // An answer to a mail or a forwarded one quotes a report; it is none.
  if (!envelope && /^\s{0,5}(?:re|aw|sv|fwd?|wg|tr|antw)\s?:/i.test(facts.subject)) return false;
  if (isSomethingElse(facts)) return false;
  if (sender)
    return text || strongText || LATE_SUBJECT.test(facts.subject.slice(0, 500)) || (subject && saysOfWhom(facts));
  if (envelope) return subject || strongText;
  if (HUMAN.test(facts.text.slice(0, OPENING_MAX))) return false;
  return subject && (strongText || (text && hasReportShape(facts)));
}

/** A recipient on a line of its own, or our message below: what people who write about a bounce do not put in. */
function hasReportShape(facts: ProseFacts): boolean {
  const lines = facts.text.slice(0, OPENING_MAX).split('\n');
  return lines.some(isOriginalMark) || leadBlocks({ lines }).length > 0;
}

/** A daemon writes of other things, too: a report names somebody, quotes a server or brings a message back. */
function saysOfWhom({ original, text, subject }: ProseFacts): boolean {
  const opening = text.slice(0, OPENING_MAX);
  return (
    original !== undefined || opening.trim() === '' || /@|\b[45]\d\d\b/.test(`${subject.slice(0, 500)} ${opening}`)
  );
}

function isSomethingElse({ subject, text }: ProseFacts): boolean {
  const opening = text.slice(0, OPENING_MAX);
  if (OTHER_SUBJECT.test(subject.slice(0, 500)) && !/>>> |<<< |\b[45]\d\d[ -][45]\.\d/.test(opening)) return true;
  return (
    HELD.test(opening.slice(0, 1_500)) ||
    (BAIT.test(opening) && !/\b[45]\d\d[ -]/.test(opening) && !STRONG_TEXT.test(opening))
  );
}
