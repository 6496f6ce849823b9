/** `./posthorn up`: runs the whole service until it is told to stop. */
import { parseArgs } from 'node:util';
import { formatFaults } from '../config/faults.js';
import { printSettings } from '../config/print-settings.js';
import { loadProcessSettings } from '../config/process-settings.js';
import { Log } from '../telemetry/logger.js';
import type { Command } from './command.js';

const HELP = `usage: ./posthorn up [--print-config]

Runs the relay: the SMTP doors, the HTTP API and the delivery workers, with a Redis of its own unless
POSTHORN_REDIS_URL names one. Prints the listeners, and on first start the first account's credentials.
Ctrl-C or SIGTERM drains it; a second Ctrl-C ends it at once.

  --print-config   print every setting with its value and where it came from, and exit
`;

export const upCommand: Command = {
  name: 'up',
  summary: 'run the whole service',
  help: HELP,
  async run(argv) {
    let printConfig: boolean | undefined;
    try {
      printConfig = parseArgs({ args: [...argv], options: { 'print-config': { type: 'boolean' } } }).values[
        'print-config'
      ];
    } catch (error) {
      process.stderr.write(`posthorn up: ${(error as Error).message}\n${HELP}`);
      return 2;
    }
    const loaded = loadProcessSettings();
    if (loaded.kind === 'faults') {
      process.stderr.write(`${formatFaults(loaded.faults, loaded.warnings)}\n`);
      return 2;
    }
    const { settings, warnings } = loaded;
    if (printConfig === true) {
      for (const warning of warnings) process.stderr.write(`posthorn: warning: ${warning}\n`);
      process.stdout.write(printSettings(settings));
      return 0;
    }
    const log = Log.open({ level: settings.logLevel, addresses: settings.logAddresses, process: 'supervisor' });
    for (const warning of warnings) log.warn('settings.warning', { warning });
    const { runService } = await import('./up/supervisor.js');
    const code = await runService(settings, log, {
      print: (text) => void process.stdout.write(text),
      complain: (text) => void process.stderr.write(`posthorn: ${text}\n`),
      terminal: process.stdout.isTTY,
    });
    log.flush();
    return code;
  },
};
