/**
 * Checks everything that can be checked of a checkout, and counts it. `./posthorn test [--quick] [jest arguments]` runs it.
 *
 * First the gates, each a script of package.json: format, lint, types, build. Then the tests: unit and contract side by
 * side, then e2e two at a time, since those start whole services. With --quick: no build, unit tests only.
 *
 * The last line of the output is the count, `N passed, N failed` or `N passed, N failed, N skipped`. Tests are counted
 * one by one; a failed gate, and a suite that could not run or left something open, counts as one failure. Exits 0 or 1.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';

interface Count {
  passed: number;
  failed: number;
  skipped: number;
}

/** What we use of the file that `jest --json --outputFile` writes. */
interface JestReport {
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
  numTodoTests: number;
  numRuntimeErrorTestSuites: number;
  success: boolean;
}

const root = path.dirname(import.meta.dirname);
const cache = path.join(root, '.cache');
const nodeFlags = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
const jest = path.join(root, 'node_modules/jest/bin/jest.js');

// Jest is done when it has written its report. What keeps it alive longer was left open by a test.
const exitGraceMs = 10_000;
const pollMs = 200;
/** Each is five processes of its own, and waits half of its time. */
const servicesAtOnce = 2;

const running = new Set<ChildProcess>();

process.chdir(root);
mkdirSync(cache, { recursive: true });
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    for (const child of running) stop(child, signal);
    process.exit(1);
  });
}

const quick = process.argv.includes('--quick');
const jestArguments = process.argv.slice(2).filter((argument) => argument !== '--quick');
const count = await main();
const skipped = count.skipped > 0 ? `, ${count.skipped} skipped` : '';
console.log(`\n${count.passed} passed, ${count.failed} failed${skipped}`);
if (count.failed > 0) process.exitCode = 1;

async function main(): Promise<Count> {
  const counts = quick ? await checkQuickly() : await checkAll();
  const sum = { passed: 0, failed: 0, skipped: 0 };
  for (const { passed, failed, skipped } of counts) {
    sum.passed += passed;
    sum.failed += failed;
    sum.skipped += skipped;
  }
  if (sum.passed + sum.failed === 0) {
    console.error('posthorn: no test was run');
    sum.failed = 1;
  }
  return sum;
}

/** Gates and unit tests at once: the tests wait more than they compute. */
async function checkQuickly(): Promise<Count[]> {
  const unit = runJest('unit', ['--selectProjects', 'unit']);
  const failedGates = await passGates(['lint', 'types', 'format']);
  return [countGates(failedGates), await unit];
}

/** One after the other: each has the machine to itself. */
async function checkAll(): Promise<Count[]> {
  const failedGates = await passGates(['build', 'lint', 'types', 'format']);
  const counts = [countGates(failedGates)];
  if (jestArguments.some((argument) => argument.startsWith('--selectProjects'))) {
    return [...counts, await runJest('selected', ['--runInBand'])];
  }
  counts.push(await runJest('unit', ['--selectProjects', 'unit', 'contract']));
  if (failedGates.includes('build')) {
    console.error('posthorn: e2e was not run, because the build failed');
    return counts;
  }
  return [...counts, await runJest('e2e', [`--maxWorkers=${servicesAtOnce}`, '--selectProjects', 'e2e'])];
}

function countGates(failedGates: string[]): Count {
  return { passed: 0, failed: failedGates.length, skipped: 0 };
}

/** Runs the gates, as many at once as there are cores; returns those that failed. */
async function passGates(gates: string[]): Promise<string[]> {
  const waiting = [...gates];
  const failed: string[] = [];
  const worker = async (): Promise<void> => {
    for (let gate = waiting.shift(); gate !== undefined; gate = waiting.shift()) {
      if (!(await passGate(gate))) failed.push(gate);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  return failed;
}

async function passGate(gate: string): Promise<boolean> {
  const startedAt = Date.now();
  // The launcher's build rather than a bare `nest build`: it leaves dist/ as the tests' own launchers expect it.
  const [command, ...args] = gate === 'build' ? ['./posthorn', 'build'] : [process.execPath, '--run', gate];
  const child = start(command, args, 'pipe');
  let output = '';
  child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const passed = (await exited(child)) === 0;
  const seconds = ((Date.now() - startedAt) / 1000).toFixed(1);
  console.error(`posthorn: ${gate} ${passed ? 'passed' : 'FAILED'} (${seconds} s)`);
  if (!passed) console.error(output.trimEnd());
  return passed;
}

async function runJest(name: string, selection: string[]): Promise<Count> {
  const reportFile = path.join(cache, `jest-${name}.json`);
  rmSync(reportFile, { force: true });
  const report = ['--json', `--outputFile=${reportFile}`];
  const child = start(process.execPath, [
    ...nodeFlags,
    jest,
    '--passWithNoTests',
    ...report,
    ...jestArguments,
    ...selection,
  ]);
  let reportedAt = Infinity;
  const watch = setInterval(() => {
    if (reportedAt === Infinity && existsSync(reportFile)) reportedAt = Date.now();
    if (Date.now() - reportedAt > exitGraceMs) stop(child, 'SIGKILL');
  }, pollMs);
  const status = await exited(child);
  clearInterval(watch);
  if (Date.now() - reportedAt > exitGraceMs) console.error('posthorn: jest did not end: a suite left something open');
  if (!existsSync(reportFile)) {
    console.error(`posthorn: jest ended without a report (status ${status})`);
    return { passed: 0, failed: 1, skipped: 0 };
  }
  return countOf(JSON.parse(readFileSync(reportFile, 'utf8')) as JestReport, status);
}

function countOf(report: JestReport, status: number): Count {
  const failed = report.numFailedTests + report.numRuntimeErrorTestSuites;
  // Whatever else jest found wrong is one failure, so that a red run never reads as a green one.
  const unexplained = failed === 0 && (status !== 0 || !report.success) ? 1 : 0;
  return {
    passed: report.numPassedTests,
    failed: failed + unexplained,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

/** Starts a child that sees none of the caller's settings: what a test finds must not depend on who runs it. */
function start(command: string, args: string[], output: 'pipe' | 'inherit' = 'inherit'): ChildProcess {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('POSTHORN_')));
  const child = spawn(command, args, { env, detached: true, stdio: ['ignore', output, output] });
  running.add(child);
  return child;
}

/** Stops a child with all that it started: each child leads a process group. */
function stop(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // The group has ended.
  }
}

function exited(child: ChildProcess): Promise<number> {
  return new Promise((resolve) => {
    child.on('error', (error) => {
      console.error(`posthorn: ${error.message}`);
      running.delete(child);
      resolve(1);
    });
    child.on('close', (status) => {
      running.delete(child);
      resolve(status ?? 1);
    });
  });
}
