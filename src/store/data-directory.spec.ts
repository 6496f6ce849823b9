import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { claimDataDirectory, type DataDirectoryClaim } from './data-directory.js';

let scratch: string;
let directory: string;
const processes: ChildProcess[] = [];

beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'posthorn-claim-'));
  directory = join(scratch, 'data');
});

afterEach(async () => {
  for (const process of processes.splice(0)) await kill(process);
  rmSync(scratch, { recursive: true, force: true });
});

/** Another process that claims the directory, says what came of it, and stays until it is killed. */
async function claimElsewhere(): Promise<{ said: string; other: ChildProcess }> {
  const script = `
    const { claimDataDirectory } = await import(${JSON.stringify(join(import.meta.dirname, 'data-directory.ts'))});
    const claim = await claimDataDirectory(${JSON.stringify(directory)});
    globalThis.gc();
    console.log(claim.kind + ' ' + (claim.why ?? ''));
    process.stdin.resume();`;
  const args = ['--expose-gc', '--input-type=module', '--disable-warning=ExperimentalWarning', '-e', script];
  const other = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  processes.push(other);
  const lines = createInterface(other.stdout);
  const [said] = (await once(lines, 'line')) as [string];
  return { said, other };
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

function owned(claim: DataDirectoryClaim): Extract<DataDirectoryClaim, { kind: 'owned' }> {
  if (claim.kind !== 'owned') throw new Error(`not owned: ${claim.why}`);
  return claim;
}

describe('claimDataDirectory', () => {
  it('creates the directory for this user alone', async () => {
    const claim = owned(await claimDataDirectory(directory));
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    claim.release();
  });

  it('refuses a second process, and names the first', async () => {
    const claim = owned(await claimDataDirectory(directory));
    const { said } = await claimElsewhere();
    expect(said).toMatch(/^in-use /);
    expect(said).toContain(`process ${process.pid} on `);
    claim.release();
  });

  it('gives the directory to the next process after a release', async () => {
    owned(await claimDataDirectory(directory)).release();
    expect(readdirSync(directory)).toEqual(['owner.lock']);
    expect((await claimElsewhere()).said).toMatch(/^owned/);
  });

  it('gives the directory to the next process when the first was killed by SIGKILL', async () => {
    const { said, other } = await claimElsewhere();
    expect(said).toMatch(/^owned/);
    expect((await claimDataDirectory(directory)).kind).toBe('in-use');
    await kill(other);
    owned(await claimDataDirectory(directory)).release();
  });

  it('keeps the lock when its own process claims a second time in vain', async () => {
    const claim = owned(await claimDataDirectory(directory));
    expect((await claimDataDirectory(directory)).kind).toBe('in-use');
    expect((await claimElsewhere()).said).toMatch(/^in-use/);
    claim.release();
  });

  it('says why a path cannot be a data directory', async () => {
    writeFileSync(directory, 'a file');
    const claim = await claimDataDirectory(directory);
    expect(claim).toMatchObject({ kind: 'unusable', why: expect.stringMatching(/EEXIST.*POSTHORN_DATA_DIR/) });
  });

  it('says why a directory that cannot be written is unusable', async () => {
    const claim = await claimDataDirectory('/proc/self/task');
    expect(claim).toMatchObject({ kind: 'unusable', why: expect.stringContaining('/proc/self/task') });
  });

  it('touches no file of another kind that bears the name of the lock', async () => {
    owned(await claimDataDirectory(directory)).release();
    writeFileSync(join(directory, 'owner.lock'), 'x'.repeat(4_096));
    const claim = await claimDataDirectory(directory);
    expect(claim).toMatchObject({ kind: 'unusable', why: expect.stringContaining('remove it') });
    expect(statSync(join(directory, 'owner.lock')).size).toBe(4_096);
  });
});
