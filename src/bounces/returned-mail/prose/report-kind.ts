/** Tells from its words whether a report is of a failure, of a delay, or of a delivery: RFC 3464 section 2.3.3. */
import type { ProseKind, ReportText } from './prose.js';

const DELAY =
  /warning message only|warning only|do(?:es)? not need to re-?send|need not re-?send|no action is required on your part|(?:has|have|is|are|was|been) (?:been )?(?:delayed|postponed)|not yet (?:been )?delivered|(?:still|yet) (?:being )?(?:trying|retried|in (?:the )?queue|undelivered)|will (?:be retried|(?:continue|keep|still)[^\n]{0,12} try|retry|try again)|continue[sd]? (?:to )?try|(?:delivery )?attempts will continue|transient (?:non-fatal|delivery) (?:error|problem)|temporary (?:non-fatal|delivery) (?:error|failure|problem)|delivery (?:is )?delayed|keep trying|message delayed|delayed mail|could not (?:send|be delivered)[^\n]{0,40} (?:for|past) (?:the )?(?:(?:past|last|more than|over|at least) )?\d|(?:noch|encore|aún|todavía|ancora|ainda) (?:nicht|pas été|no (?:se )?h[ae]n?|non è stat|não foi)|verzögert|wird (?:weiter|erneut) versuch|weitere zustellversuche|retardé|différé|sera (?:de nouveau|réessayée)|se (?:ha )?retras|entrega (?:ha sido )?(?:retras|demor|atras)|seguir(?:á|emos) intentando|atrasad|ritardo|vertraagd|opóźnion|задерж|遅れて|引き続き|försen|forsink|отложен|будут? (?:продолж|повтор)|遅延|再送(?:を|し)続|引き続き配|延迟|延遲|지연/i;
// Said of mail that is still in a queue only, whatever the subject calls it.
const SURELY_LATE =
  /warning (?:message )?only|not need to re-?send|not yet been delivered|(?:delivery )?attempts will (?:continue|be (?:made|repeated))|will be retried (?:for|until)|please do not re-?send|will (?:continue|keep) (?:to (?:try|attempt)|trying)|has been (?:delayed|postponed)/i;
const GIVEN_UP =
  /(?:giv(?:ing|en) up|gave up|not continue (?:trying|to try)|stopped|blocked by|permanent(?:ly)?\b|deleted from (?:the )?queue|removed from (?:the )?queue|no (?:further|more) (?:delivery )?attempts?|not (?:going to )?(?:try|be tried|retry|be retried) (?:again|further)|will not be (?:tried|retried|delivered)|has expired|been in the queue too long|unrecoverable|fail(?:ed|ure)[: ]|is being returned|returned to sender|is undeliverable|final (?:attempt|failure)|aufgegeben|endgültig|dauerhaft|définitive|abandonn|definitiv|永久|окончательн)/i;
const DELAY_SUBJECT =
  /\bdelay(?:ed)?\b|still (?:being )?(?:retried|trying|not)|warning: (?:could not send|message|mail)|delivery warning|undelivered mail warning|will be retried|verzögert|verspätet|retard|demora|retraso|atraso|ritard|vertrag|opóźn|задерж|遅延|延迟|延遲|지연/i;
const DELIVERED =
  /success(?:ful(?:ly)?)? (?:mail )?deliver|(?:has been|was|were) (?:successfully )?delivered (?:to|success)|successful mail delivery|delivered successfully|successfully (?:delivered|relayed|received)|erfolgreich zugestellt|remis avec succès|entregad[oa] (?:correctamente|con éxito)|entregue com (?:sucesso|êxito)|relayed to|delivery report that you requested|delivery receipt|"notificationType"\s{0,3}:\s{0,3}"Delivery"/i;
const DELIVERED_SUBJECT =
  /success|^\s{0,5}(?:delivered|relayed|zugestellt|remis|entregado|entregue|recapitato)\s?:|delivery status notification \((?:success|relay|expand)/i;
/** The program's own name for its report: it may go on to say what could not be promised. */
const DELIVERED_BY_NAME =
  /delivery status notification \((?:success|relay|expand)|^\s{0,5}(?:relayed|delivered|weitergeleitet|relayé|retransmitido)\s?: |successful mail delivery report/i;
const FAILURE = /fail|error|not (?:be )?deliver|could ?n[o']t|undeliver|rejected|unable/i;

const OPENING_MAX = 8_000;

export function kindOfReport({ report, subject }: ReportText): ProseKind {
  const opening = report.slice(0, OPENING_MAX);
  if (DELIVERED_BY_NAME.test(subject.slice(0, 500)) && !FAILURE.test(subject)) return 'delivered';
  if (
    (DELIVERED_SUBJECT.test(subject.slice(0, 500)) || DELIVERED.test(opening)) &&
    !FAILURE.test(subject) &&
    !/(?:could not|not be|unable|failed)/i.test(opening)
  ) {
    return 'delivered';
  }
  if (/\(delay|\bdelayed\b/i.test(subject) && DELAY_SUBJECT.test(subject.slice(0, 500))) return 'delayed';
  if (
    SURELY_LATE.test(opening) &&
    !/fail(?:ed)? permanently|giv(?:ing|en) up|no (?:further|more) (?:delivery )?attempts|permanent(?:ly)? (?:fail|error)/i.test(
      opening,
    )
  )
    return 'delayed';
  const late = DELAY_SUBJECT.test(subject.slice(0, 500)) || DELAY.test(opening);
  return late && !GIVEN_UP.test(opening) && !/\bfail|undeliver|returned|unzustellbar/i.test(subject)
    ? 'delayed'
    : 'bounce';
}
