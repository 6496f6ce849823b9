/**
 * Microsoft Exchange and what speaks like it: 5.5 to 2003 ("did not reach the following recipient(s)"), 2007 and later and
 * Microsoft 365 ("Delivery has failed to these recipients", "Diagnostic information for administrators"), in any
 * language: the part for administrators names the recipient and quotes the reply in all of them.
 */
import { findAddresses } from '../../address-finder.js';
import { leadBlocks } from '../blocks.js';
import type { Family, ReportText } from '../prose.js';
import { recipientsOf } from '../recipients.js';

const NOT_REACHED =
  /^\s{0,4}(?:did not reach|could not be delivered to|was not delivered to|n'a pas (?:pu être remis|été remis|atteint)|hat (?:den|die|folgende)[^\n]{0,40} nicht erreicht|no (?:llegó|se pudo entregar|ha llegado)|não (?:chegou|alcançou|pôde)|non è stato recapitato|heeft[^\n]{0,30}niet bereikt|nie dotarł)[^\n]{0,80}[:：]/im;
const REPLY_LINE =
  /#?\s?[<'"]?\s?#?[245]\d\d[- ]#?[245]\.\d{1,3}\.\d{1,3}|#?[<'"]?[245]\.\d{1,3}\.\d{1,3}|\breturned ['"]/i;
const GENERATING =
  /^\s{0,4}(?:Generating server|Generierende[rs]? Server|Serveur de génération|Servidor (?:de generación|que generó|gerador|de origem)|Server (?:di )?generazione|Genererende server|Serwer generujący|Genererande server|Создающий сервер|生成サーバー|正在生成服务器|生成服务器)[^\n]{0,20}[:：]/im;

export const exchange: Family = {
  name: 'exchange',
  recognises: ({ report }) =>
    /MSEXCH:|the mts-id of the original|diagnostic information for administrators|delivery has failed to these|office ?365|microsoft exchange|couldn['’]t be delivered|exchange server/i.test(
      report,
    ) ||
    NOT_REACHED.test(report) ||
    GENERATING.test(report),
  read: (text) => {
    const server = text.lines.findIndex((line) => GENERATING.test(line));
    if (server !== -1) {
      const said = administratorsPart(text.lines.slice(server + 1));
      if (said.length > 0) return recipientsOf(said, text);
    }
    const missed = NOT_REACHED.exec(text.report);
    if (missed) {
      const lines = text.report.slice(missed.index + missed[0].length).split('\n');
      return recipientsOf(leadBlocks({ ...text, lines }), text);
    }
    return sentence(text);
  },
};

/** Below "Generating server": each recipient on a line of its own, then the reply. */
function administratorsPart(lines: readonly string[]): { address: string; words: string }[] {
  const said: { address: string; words: string[] }[] = [];
  for (const line of lines.slice(0, 400)) {
    const found = findAddresses(line)[0];
    if (
      found &&
      !REPLY_LINE.test(line) &&
      line.slice(0, found.start).trim().length < 60 &&
      !/received|:\s*$/i.test(line.slice(0, found.start))
    ) {
      said.push({ address: found.address, words: [] });
    } else if (line.trim() !== '') said.at(-1)?.words.push(line.trim());
  }
  return said.map(({ address, words }) => ({ address, words: words.join('\n').slice(0, 2_500) }));
}

/** Microsoft 365 in HTML: "Your message to a@b couldn't be delivered." and "Status code: 550 5.1.10" further down. */
function sentence(text: ReportText): ReturnType<Family['read']> {
  const opening =
    /your message (?:wasn['’]t delivered )?to ([^\s<>]{3,320}) (?:couldn['’]t|could not|wasn['’]t|was not|because)/i.exec(
      text.report,
    );
  const address = opening && findAddresses(opening[1]!)[0]?.address;
  if (!address) return [];
  const status = /status code:?\s{0,9}([245]\d\d [245]\.\d{1,3}\.\d{1,3})/i.exec(text.report)?.[1];
  const reported = /(?:reported error|remote server returned|error(?: details)?):?\s{0,9}([^\n]{10,800})/i.exec(
    text.report,
  )?.[1];
  const below = text.report.slice(opening.index + opening[0].length, opening.index + 800);
  return recipientsOf([{ address, words: [status ?? '', reported ?? '', below].join('\n').trim() }], text);
}
