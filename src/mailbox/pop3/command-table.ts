/** Every command that there is. What is not here is answered -ERR. */
import { auth } from './commands/auth.js';
import { capa } from './commands/capa.js';
import { dele, rset } from './commands/dele.js';
import { list } from './commands/list.js';
import { noop } from './commands/noop.js';
import { quit } from './commands/quit.js';
import { retr, top } from './commands/retr.js';
import { stat } from './commands/stat.js';
import { stls } from './commands/stls.js';
import { uidl } from './commands/uidl.js';
import { pass, user } from './commands/user-pass.js';
import type { Pop3Command } from './pop3-command.js';

const COMMANDS: readonly Pop3Command[] = [
  ...[capa, stls, user, pass, auth],
  ...[stat, list, uidl, retr, top, dele, rset, noop, quit],
];

const BY_NAME = new Map(COMMANDS.map((command) => [command.name, command]));

/** @param name upper case */
export function commandNamed(name: string): Pop3Command | undefined {
  return BY_NAME.get(name);
}
