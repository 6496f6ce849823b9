/**
 * The general shape of nearly every report: an address at the start of a line, and below or beside it the words about it.
 * Reads such blocks out of a text.
 */
import { findAddresses, type FoundAddress } from '../address-finder.js';
import type { ReportText } from './prose.js';

export interface Block {
  readonly address: string;
  readonly words: string;
  /** 3: it stands as only a failed recipient does. 2: it opens a line. 1: it is merely in a sentence that tells of a failure. */
  readonly weight: 1 | 2 | 3;
}

const WORDS_MAX = 2_500;
const BLOCKS_MAX = 500;

// What may stand before the address on a line that tells of a recipient.
const BEFORE =
  /^[\s>*•·\-–—|#]{0,30}(?:\d{1,3}[.)]\s{0,9})?(?:(?:(?:the |your )?(?:e-?mail |final |original |failed |intended |invalid )?(?:recipients?|address(?:e?s)?|addressee|rcpt to|user|mailbox|account|destinataires?|empfänger(?:adressen?)?|destinatarios?|destinatari|geadresseerden?|adresat|mottagare|宛先|あて先|送信先(?:アドレス)?|宛て先|收件人|收信人|無法送達|příjemce|címzett|alıcı|vastaanottaja|modtager|mottaker|destinatar|παραλήπτης|отримувач|받는이|수신자|받는 ?사람|получатель)(?: ?\(e?s\))?(?:[ _-](?:address|name|e-?mail))?|undeliverable to|undelivered to|not delivered to|unknown user|user unknown|unknown recipient|invalid (?:recipient|address|final delivery userid|user)|failed to deliver to|unable to deliver (?:message )?to|could not (?:be delivered|deliver(?: message)?) to|delivery failed \d{0,3} ?attempts|delivery (?:to|for)|mailbox full|user mailbox exceeds allowed size|user's mailbox is full|account disabled|to)\s{0,3}[:：=]?\s{0,6})?(?:\[?(?:smtp|mailto|rfc-?822|internet)\s?[:;]\s{0,3}|[<"'“‘«([{]){0,3}$/iu;
// Fields of the message that some reports recite; "To:" is read only where nothing else tells more.
const RECITED =
  /^\s{0,12}>?\s?(?:from|de|von|sender|reply-to|return-path|subject|betreff|objet|asunto|assunto|oggetto|date|sent|cc|message-?id|references|envelope-from|x-[\w-]{1,40}|received|generating server|reporting-mta|mail from|差出人|送信者|件名)\s{0,2}[:：]/i;
const TO_FIELD = /^\s{0,12}>?\s?(?:to|an|à|para|a|aan|宛先)\s{0,2}[:：]/i;
// The line above an address of the sender.
const SENT_BY =
  /(?:\bsent by|\bsender(?: address)?|\b(?:mail|message) from|\bfrom|envelope-from|return address|contact|absender|expéditeur|remitente|remetente|mittente)\s{0,3}(?:is|was)?\s{0,3}[:：]?\s*$/i;
const CONTACT =
  /\bcontact|assistance|\bhelp\b|please (?:send|forward|e-?mail|notify|call|write|reply)|\bquestions?\b|\bsupport\b|send (?:e-?mail|mail|it) to|mail to postmaster|get in touch|envelope-sender|\bfrom\b[^.]{0,20}$|sent by\s*$|written by|\bwenden\b|kontaktier|contacte[rz]?|contactar|contattare|連絡|お問い?合|联系|обратит/i;
const FAILURE_SENTENCE =
  /duplicat|\bloop|not a |undeliver|not (?:be |been )?(?:deliver|reach|sent|accept|find|found|exist|match|available|listed|processed)|(?:could|can|did|was|were|is|has|have)(?:n['’]t| ?not)\b|unable|fail|error|reject|refus|return|bounc|block|unknown|invalid|disabled|full|quota|delay|no (?:such|longer)|problem|blacklist|denied|permanent|unzustellbar|nicht (?:zu|ge|er|vorh)|konnte|zugestellt|impossible|n'a pas|pas pu|pas été|inconnu|plein|no (?:se )?(?:pudo|ha|puede|existe)|desconocid|não|nao|inexistente|devuelt|devolvid|rechazad|rejeitad|rifiutat|respint|llen[oa]\b|retourn[ée]|refus[ée]|zurückgewiesen|abgelehnt|geweigerd|odrzucon|przepełnion|avvis|afvis|переполнен|отклонен|cheia|non (?:è|e'|può|esiste)|impossibile|sconosciut|niet|onbekend|nie |kunde inte|届|送信でき|配信でき|配送でき|存在し|不明|失敗|エラー|いっぱい|一杯|無法|无法|未能|失败|退信|拒|退回|已满|已滿|不存在|전달되지|존재하지|не (?:может|удалось|был|доставлен|существует)|невозможно|недоставл|ошибк|못했|실패/i;
// "your message to a@b", "could not be delivered to: <a@b>": the sentence itself says who it was meant for.
const TARGET =
  /(?:deliver\w{0,5}|messages?|e-?mails?|sent|send|address(?:ed)?|recipients?|nachricht|zugestellt|courrier|courriel|mensaje|mensagem|messaggio|bericht|wiadomość|сообщени\S|письм\S)[^.;:]{0,60} (?:to|for|an|à|para|a|pour|per|aan|do|для|на адрес)(?: the)?(?: following)?(?: recipient| address| user| mailbox| account)?(?: was| is)?\s{0,3}:?\s{0,9}[<"'“«]{0,2}$|\b(?:was|were) (?:addressed|sent),?\s{1,3}[<"']{0,2}$/iu;
/** Lines that announce the recipients below them. */
const ANNOUNCES =
  /(?:recipients?|address(?:e?s|\(es\))?|addressees?|groups?|delivered to|deliver to|users?|destinataires?|adresses?|empfänger|adressen?|destinatarios?|direcci\S{2,5}|destinatári\S{1,3}|destinatari|indirizz\S|geadresseerden?|odbiorc\S{1,3}|адрес\S{0,4}|получател\S{1,4}|宛先|あて先|アドレス|地址|收件人|收信人|příjemc\S{1,3}|címzett\S{0,4}|alıcı\S{0,6}|mottagare|mottakere?|modtagere?|vastaanottaj\S{1,4}|수신자|받는 사람)[^\n]{0,80}[:：-]?\s*$|[:：]\s*$|-{3,}\s*$/i;

/** The blocks of a report, of the heaviest weight that any has. */
export function blocksOf(text: ReportText): Block[] {
  const blocks = [...leadBlocks(text), ...sentenceBlocks(text)].slice(0, BLOCKS_MAX);
  const others = blocks.filter(({ address }) => !text.ownAddresses.has(address.toLowerCase()));
  const known = others.length > 0 ? others : blocks.filter(({ weight }) => weight === 3);
  const heaviest = Math.max(0, ...known.map(({ weight }) => weight));
  return known.filter(({ weight }) => weight === heaviest);
}

interface Lead extends FoundAddress {
  readonly line: number;
  readonly indent: number;
  readonly label: string;
  readonly rest: string;
  readonly weight: 2 | 3;
  /** What the recipient was before an alias changed it. */
  readonly original: boolean;
}

/** Addresses that open a line, with all that follows them up to the next one. */
export function leadBlocks({ lines }: Pick<ReportText, 'lines'>): Block[] {
  const leads = leadsOf(lines);
  const blocks = leads.map((lead, index) => {
    const end = leads[index + 1]?.line ?? lines.length;
    const own = [lead.label, lead.rest.replace(/^: /, ''), ...lines.slice(lead.line + 1, end)].join('\n').trim();
    return { address: lead.address, weight: lead.weight, words: own.slice(0, WORDS_MAX) };
  });
  // "Recipient address: a@b", "Original address: c@d": the second is whom the sender knows.
  for (let index = blocks.length - 1; index > 0; index -= 1) {
    if (leads[index]!.original && blocks[index - 1]!.words === '') blocks.splice(index - 1, 1);
  }
  // A list of addresses, and then the words for all of them.
  for (let index = blocks.length - 2; index >= 0; index -= 1) {
    if (blocks[index]!.words === '') blocks[index] = { ...blocks[index]!, words: blocks[index + 1]!.words };
  }
  return blocks.map((block) =>
    !/\p{L}{3}/u.test(block.words) ? { ...block, words: wordsAbove(lines, leads[0]!.line) } : block,
  );
}

/** Some say why first, and name the recipients then. */
function wordsAbove(lines: readonly string[], first: number): string {
  return lines
    .slice(Math.max(0, first - 12), first)
    .join('\n')
    .trim();
}

function leadsOf(lines: readonly string[]): Lead[] {
  const leads: Lead[] = [];
  for (let line = 0; line < lines.length; line += 1) {
    for (const lead of leadsOfLine(lines, line)) {
      const open = leads.at(-1);
      // A deeper line right below a recipient is what is said about it, even if it starts with another address.
      const isWords =
        open !== undefined &&
        lead.indent > open.indent &&
        !lines.slice(open.line + 1, line).some((text) => text === '') &&
        line > open.line;
      if (!isWords) leads.push(lead);
    }
  }
  // What stands as a failed recipient does is one, too: further points of a list.
  const shapes = new Set(leads.filter(({ weight }) => weight === 3).map((lead) => shapeOf(lines, lead)));
  return leads.map((lead) => (shapes.has(shapeOf(lines, lead)) ? { ...lead, weight: 3 } : lead));
}

/** The point or indent before an address that stands alone on its line; each other lead has a shape of its own. */
function shapeOf(lines: readonly string[], lead: Lead): string {
  const before = lines[lead.line]!.slice(0, lead.start);
  return lead.rest === '' && before.trim().length <= 3 && before !== '' ? before : `line ${lead.line}`;
}

function leadsOfLine(lines: readonly string[], at: number): Lead[] {
  const line = lines[at]!;
  if (RECITED.test(line) || TO_FIELD.test(line)) return [];
  const found = findAddresses(line);
  const first = found[0];
  if (first === undefined) return [];
  const indent = line.length - line.trimStart().length;
  const display =
    /^\s{0,20}[^<>@:]{1,100}<mailto:$/i.test(line.slice(0, first.start)) ||
    // "Bo Berg (bo@dest.example) on 3/3/2020": Exchange 2000 and its kin.
    (/^\s{1,20}[^<>@:()]{1,100}\($/.test(line.slice(0, first.start)) &&
      /^\)\s{0,9}(?:$|(?:on|am|le|el|op|il|em|den)\s{1,3}\S{0,12}\d)/.test(line.slice(first.end)));
  if (!BEFORE.test(line.slice(0, first.start)) && !display) return [];
  if (SENT_BY.test(lines.slice(0, at).findLast((above) => above.trim() !== '') ?? '')) return [];
  const before = line.slice(0, first.start);
  // "Unknown user: a@b": what failed stands before the address.
  const label = /unknown|invalid|full|disabled|exceed|no such/i.test(before) ? before.trim() : '';
  const rest = restAfter(line, first);
  // A list in one line: "a@b, c@d".
  const list =
    found.length > 1 &&
    /^[\s,;<>"'@\w.+=-]{0,2000}$/.test(line) &&
    found.every(({ address }) => address.toLowerCase() !== first.address.toLowerCase() || address === first.address);
  if (list && /[,;]/.test(line))
    return found.map((one) => ({ ...one, line: at, indent, label: '', rest: '', weight: 3 as const, original: false }));
  return [
    {
      ...first,
      line: at,
      indent,
      label,
      rest,
      weight: weightOf(lines, at, first, rest),
      original: /^\s{0,12}original (?:recipient |e-?mail )?address/i.test(line),
    },
  ];
}

/** The line behind an address, without the brackets that close and a repeated `<mailto:...>`. */
function restAfter(line: string, { end }: FoundAddress): string {
  return line
    .slice(end)
    .replace(/^[>"'”’»)\]};]{0,4}/, '')
    .replace(/^\s{0,3}<(?:mailto:)?[^<>\s]{1,320}>/i, '')
    .replace(/^\s{0,3}\([^()\s]{1,255}@[^()\s]{1,255}\)/, '')
    .replace(/^\s{0,3}[:：,]?\s{0,9}/, (colon) => (colon.trim() === '' ? '' : ': '))
    .trim();
}

function weightOf(lines: readonly string[], at: number, found: FoundAddress, rest: string): 2 | 3 {
  const line = lines[at]!;
  const bracketed = line[found.start - 1] === '<';
  if (rest.startsWith(':')) return 3;
  if (/^(?:\.\.\.|\[|\(|- |on (?:mon|tue|wed|thu|fri|sat|sun)|invalid address|\d{3}[ -])/i.test(rest)) return 3;
  if (rest !== '') return 2;
  if (line.slice(0, found.start).trim().length > 3 && !bracketed) return 3;
  const before = lines.slice(0, at).findLast((text) => text.trim() !== '');
  return before === undefined ||
    ANNOUNCES.test(before.slice(-200)) ||
    findAddresses(before).length > 0 ||
    at === 0 ||
    lines[at - 1]!.trim() === ''
    ? 3
    : 2;
}

/** Addresses inside a sentence that tells of a failure; the words are the sentence and what follows. */
function sentenceBlocks({ lines }: ReportText): Block[] {
  const blocks: Block[] = [];
  for (const [at, line] of lines.entries()) {
    if (blocks.length >= BLOCKS_MAX) break;
    if (RECITED.test(line)) continue;
    for (const { address, start } of findAddresses(line)) {
      const around = sentenceAround(lines, at, start);
      if (CONTACT.test(around.before) || !FAILURE_SENTENCE.test(`${around.before} ${around.after}`)) continue;
      if (isRole(address) && !TARGET.test(around.before)) continue;
      blocks.push({
        address,
        // Inside a quoted reply an address is the other side's business.
        weight: TARGET.test(around.before) && !/\b[245]\d\d[ -]/.test(line.slice(0, start)) ? 2 : 1,
        words: lines
          .slice(at, at + 25)
          .join('\n')
          .slice(0, WORDS_MAX),
      });
    }
  }
  return blocks;
}

/** The paragraph's words on both sides of a place, some hundred characters each. */
function sentenceAround(lines: readonly string[], at: number, start: number): { before: string; after: string } {
  const above: string[] = [];
  for (let line = at - 1; line >= 0 && at - line <= 3 && lines[line]!.trim() !== ''; line -= 1)
    above.unshift(lines[line]!);
  const below: string[] = [];
  for (let line = at + 1; line < lines.length && line - at <= 3 && lines[line]!.trim() !== ''; line += 1)
    below.push(lines[line]!);
  const before = `${above.join(' ')} ${lines[at]!.slice(0, start)}`.slice(-250);
  const stop = Math.max(before.lastIndexOf('. '), before.lastIndexOf('。'));
  return {
    before: stop === -1 ? before : before.slice(stop + 1),
    after: `${lines[at]!.slice(start)} ${below.join(' ')}`.slice(0, 300),
  };
}

function isRole(address: string): boolean {
  return /^(?:postmaster|mailer-daemon|mail-daemon|hostmaster|abuse|support|helpdesk|help|noreply|no-reply|do-not-reply|listserv|majordomo)@/i.test(
    address,
  );
}
