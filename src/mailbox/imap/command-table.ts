/** Every command that there is. What is not here is answered BAD. */
import { append } from './commands/append.js';
import { authenticate } from './commands/authenticate.js';
import { capability } from './commands/capability.js';
import { check } from './commands/check.js';
import { close } from './commands/close.js';
import { copy, uidCopy } from './commands/copy.js';
import { expunge, uidExpunge } from './commands/expunge.js';
import { fetch, uidFetch } from './commands/fetch.js';
import { create, deleteFolder, rename } from './commands/fixed-folders.js';
import { id } from './commands/id.js';
import { idle } from './commands/idle.js';
import { list } from './commands/list.js';
import { login } from './commands/login.js';
import { logout } from './commands/logout.js';
import { lsub } from './commands/lsub.js';
import { move, uidMove } from './commands/move.js';
import { namespace } from './commands/namespace.js';
import { noop } from './commands/noop.js';
import { search, uidSearch } from './commands/search.js';
import { examine, select } from './commands/select.js';
import { starttls } from './commands/starttls.js';
import { status } from './commands/status.js';
import { store, uidStore } from './commands/store.js';
import { subscribe, unsubscribe } from './commands/subscribe.js';
import { unselect } from './commands/unselect.js';
import type { ImapCommand } from './imap-command.js';

const COMMANDS: readonly ImapCommand[] = [
  ...[capability, noop, logout, id],
  ...[starttls, login, authenticate],
  ...[select, examine, status, list, lsub, subscribe, unsubscribe, namespace, idle],
  ...[append, create, deleteFolder, rename],
  ...[check, close, unselect, expunge, fetch, store, search, move, copy],
  ...[uidFetch, uidStore, uidSearch, uidMove, uidCopy, uidExpunge],
];

const BY_NAME = new Map(COMMANDS.map((command) => [command.name, command]));

/** @param name upper case, with UID in front where that was said */
export function commandNamed(name: string): ImapCommand | undefined {
  return BY_NAME.get(name);
}
