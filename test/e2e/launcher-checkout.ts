/**
 * A small checkout for the launcher to work on: the real launcher, build settings and packages, and a program of a few
 * lines for a service. npm and Node are played by scripts where a test must say what they do.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
} from 'node:fs';
import { rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const repository = path.resolve(import.meta.dirname, '../..');
const settings = ['.swcrc', 'nest-cli.json', 'package.json', 'posthorn', 'tsconfig.json', 'tsconfig.build.json'];
const lock = 'package-lock.json';
const tools = 'cksum cmp dirname find grep id ln mkdir readlink rm sh sort uname'.split(' ');
const installedLock = 'node_modules/.posthorn-lock';

/** What the checkout's `posthorn COMMAND` does: tell how it was called, wait for a signal, or fail. */
const service = `
const [command, ...rest] = process.argv.slice(2);
if (command === 'fail') process.exitCode = 7;
if (command === 'wait') {
  process.on('SIGTERM', () => process.exit(5));
  setTimeout(() => undefined, 60_000);
}
console.log(JSON.stringify({ command, rest, cwd: process.cwd(), pid: process.pid }));
`;

export interface Ran {
  status: number | null;
  stdout: string;
  /** What the launcher said, a line each. */
  said: string[];
}

export class LauncherCheckout {
  private constructor(readonly root: string) {}

  /** Makes a checkout with its dependencies in place and nothing built, under a path with a space. */
  static create(): LauncherCheckout {
    const checkout = new LauncherCheckout(path.join(mkdtempSync(path.join(tmpdir(), 'posthorn-')), 'a checkout'));
    for (const name of settings) cpSync(path.join(repository, name), checkout.path(name), { recursive: true });
    // Links to each package rather than one to their folder: nothing here can write into the repository's own.
    mkdirSync(checkout.path('node_modules'));
    for (const name of readdirSync(path.join(repository, 'node_modules'))) {
      symlinkSync(path.join(repository, 'node_modules', name), checkout.path('node_modules', name));
    }
    rmSync(checkout.path(installedLock));
    copyFileSync(path.join(repository, installedLock), checkout.path(installedLock));
    copyFileSync(path.join(repository, installedLock), checkout.path(lock));
    checkout.write('src/cli/main.ts', service);
    return checkout;
  }

  /** The same checkout elsewhere, as it stands. */
  copy(): LauncherCheckout {
    const copy = new LauncherCheckout(path.join(mkdtempSync(path.join(tmpdir(), 'posthorn-')), 'a checkout'));
    cpSync(this.root, copy.root, { recursive: true, verbatimSymlinks: true });
    return copy;
  }

  remove(): void {
    rmSync(path.dirname(this.root), { recursive: true });
  }

  path(...parts: string[]): string {
    return path.join(this.root, ...parts);
  }

  write(name: string, content: string): void {
    mkdirSync(path.dirname(this.path(name)), { recursive: true });
    writeFileSync(this.path(name), content);
  }

  has(name: string): boolean {
    return existsSync(this.path(name));
  }

  /** Puts a script into the folder that `tools` names, to be found before the real program. */
  play(name: string, script: string): void {
    this.write(`tools/${name}`, `#!/bin/sh\n${script}\n`);
    chmodSync(this.path('tools', name), 0o755);
  }

  /** How the scripted npm was called, a line a call. */
  npmCalls(): string[] {
    if (!this.has('npm-calls')) return [];
    return readFileSync(this.path('npm-calls'), 'utf8').trimEnd().split('\n');
  }

  start(args: string[], options: Options = {}): ChildProcessWithoutNullStreams {
    const { launcher = this.path('posthorn'), cwd = this.root, PATH = this.searchPath(), env = {} } = options;
    return spawn(launcher, args, { cwd, env: { HOME: this.root, PATH, ...env } });
  }

  async run(args: string[], options: Options = {}): Promise<Ran> {
    const child = this.start(args, options);
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    const status = await new Promise<number | null>((resolve) => child.on('close', resolve));
    return { status, stdout, said: stderr === '' ? [] : stderr.trimEnd().split('\n') };
  }

  /** The scripted programs, then this Node, then the system's. */
  searchPath(): string {
    return [this.path('tools'), path.dirname(process.execPath), '/usr/local/bin', '/usr/bin', '/bin'].join(':');
  }

  /** This Node and the few tools that the launcher needs, and nothing else that the machine has. */
  barePath(): string {
    const bare = this.path('bare');
    mkdirSync(bare);
    symlinkSync(process.execPath, path.join(bare, 'node'));
    for (const tool of tools) {
      const found = ['/usr/bin', '/bin'].map((folder) => path.join(folder, tool)).find((file) => existsSync(file));
      if (found !== undefined) symlinkSync(found, path.join(bare, tool));
    }
    return bare;
  }
}

interface Options {
  launcher?: string;
  cwd?: string;
  PATH?: string;
  env?: Record<string, string>;
}
