import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { mkdirSync, readFileSync, realpathSync, rmSync, symlinkSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { LauncherCheckout } from './launcher-checkout.js';
import { withPatience } from '../patience.js';

describe('./posthorn', () => {
  let built: LauncherCheckout;
  let checkout: LauncherCheckout;

  beforeAll(async () => {
    built = LauncherCheckout.create();
    expect(await built.run(['build'])).toEqual({ status: 0, stdout: '', said: ['posthorn: building'] });
  });
  beforeEach(() => {
    checkout = built.copy();
  });
  afterEach(() => {
    checkout.remove();
  });
  afterAll(() => {
    built.remove();
  });

  describe('with nothing to prepare', () => {
    it('passes arguments, working directory and exit status through, called by a symlink from elsewhere', async () => {
      const link = path.join(path.dirname(checkout.root), 'link');
      symlinkSync('a checkout/posthorn', link);
      const cwd = realpathSync(tmpdir());
      const { status, stdout, said } = await checkout.run(['fail', 'a b', '', '*'], { launcher: link, cwd });
      expect(said).toEqual([]);
      expect(JSON.parse(stdout)).toMatchObject({ command: 'fail', rest: ['a b', '', '*'], cwd });
      expect(status).toBe(7);
    });

    it('becomes the command, so that a signal reaches it', async () => {
      const child = checkout.start(['wait']);
      const [chunk] = (await once(child.stdout, 'data')) as [Buffer];
      expect(JSON.parse(chunk.toString())).toMatchObject({ command: 'wait', pid: child.pid });
      child.kill('SIGTERM');
      expect(await once(child, 'close')).toEqual([5, null]);
    });

    it('costs less than 0.3 s', async () => {
      const direct = [checkout.path('dist/cli/main.js'), 'hello'];
      const withoutMs = await fastestMs(() => checkout.run(direct, { launcher: process.execPath }));
      const withMs = await fastestMs(() => checkout.run(['hello']));
      expect(withMs - withoutMs).toBeLessThan(withPatience(300));
    });
  });

  describe('building', () => {
    it('builds again after an edit, once', async () => {
      checkout.write('src/cli/main.ts', "console.log('edited');");
      expect(await checkout.run(['hello'])).toEqual({ status: 0, stdout: 'edited\n', said: ['posthorn: building'] });
      expect(await checkout.run(['hello'])).toEqual({ status: 0, stdout: 'edited\n', said: [] });
    });

    it('builds again when what it finds is other, though older', async () => {
      checkout.write('src/cli/main.ts', "console.log('older');");
      utimesSync(checkout.path('src/cli/main.ts'), 1, 1);
      expect(await checkout.run(['hello'])).toMatchObject({ stdout: 'older\n', said: ['posthorn: building'] });
    });

    it('leaves nothing behind of a source that was renamed', async () => {
      checkout.write('src/mail/old.ts', 'export const name = 1;');
      await checkout.run(['build']);
      expect(checkout.has('dist/mail/old.js')).toBe(true);
      rmSync(checkout.path('src/mail/old.ts'));
      checkout.write('src/mail/new.ts', 'export const name = 1;');
      expect((await checkout.run(['build'])).said).toEqual(['posthorn: building']);
      expect(checkout.has('dist/mail/old.js')).toBe(false);
      expect(checkout.has('dist/mail/new.js')).toBe(true);
    });

    it('neither builds nor ships a spec', async () => {
      checkout.write('src/cli/main.spec.ts', 'export {};');
      expect((await checkout.run(['hello'])).said).toEqual([]);
      checkout.write('src/mail/other.ts', 'export {};');
      await checkout.run(['build']);
      expect(checkout.has('dist/cli/main.spec.js')).toBe(false);
    });

    it('shows what is wrong, exits 1 and keeps what was built', async () => {
      checkout.write('src/cli/main.ts', 'const = ;');
      const { status, said } = await checkout.run(['hello']);
      expect(status).toBe(1);
      expect(said.join('\n')).toContain('src/cli/main.ts:1:');
      expect(said.at(-1)).toBe('posthorn: the build failed');
      expect(checkout.has('dist/cli/main.js')).toBe(true);
    });

    it('builds once when five start together', async () => {
      checkout.write('src/mail/other.ts', 'export {};');
      const runs = await Promise.all(Array.from({ length: 5 }, () => checkout.run(['hello'])));
      expect(runs.map(({ status }) => status)).toEqual([0, 0, 0, 0, 0]);
      expect(runs.flatMap(({ said }) => said).filter((line) => line === 'posthorn: building')).toHaveLength(1);
    });

    it('takes over from a launcher that was killed while it prepared', async () => {
      const child = checkout.start(['wait']);
      await once(child.stdout, 'data');
      child.kill('SIGKILL');
      await once(child, 'close');
      symlinkSync(String(child.pid), checkout.path('.cache/lock'));
      mkdirSync(checkout.path('dist.new'));
      checkout.write('src/mail/other.ts', 'export {};');
      expect(await checkout.run(['hello'])).toMatchObject({ status: 0, said: ['posthorn: building'] });
    });
  });

  describe('installing', () => {
    const recordCalls = 'echo "$*" >>"$HOME/npm-calls"\n[ "$1" != --version ] || echo 11.0.0\n';

    it('installs the locked dependencies when package-lock.json changed, once', async () => {
      checkout.play('npm', recordCalls);
      checkout.write('package-lock.json', readFileSync(checkout.path('package-lock.json'), 'utf8') + '\n');
      const first = await checkout.run(['hello']);
      expect(first.status).toBe(0);
      expect(first.said).toEqual(['posthorn: installing the locked dependencies', 'posthorn: building']);
      expect(checkout.npmCalls()).toEqual(['--version', expect.stringMatching(/^ci --include=dev /)]);
      expect((await checkout.run(['hello'])).said).toEqual([]);
      expect(checkout.npmCalls()).toHaveLength(2);
    });

    it('shows what npm said when that fails, exits 1, and tries again next time', async () => {
      checkout.play('npm', 'echo npm error code EXAMPLE >&2\nexit 1');
      checkout.write('package-lock.json', '{}');
      const said = [
        'posthorn: installing the locked dependencies',
        'npm error code EXAMPLE',
        'posthorn: the dependencies could not be installed',
      ];
      expect(await checkout.run(['hello'])).toEqual({ status: 1, stdout: '', said });
      expect(await checkout.run(['hello'])).toEqual({ status: 1, stdout: '', said });
    });

    it('installs a Node of its own when that on PATH is too old, once', async () => {
      checkout.play('node', 'echo v20.20.2');
      checkout.play(
        'npm',
        `${recordCalls}
         for package; do :; done
         bin=$3/node_modules/\${package%@*}/bin
         mkdir -p "$bin" && ln -s '${process.execPath}' "$bin/node"`,
      );
      const first = await checkout.run(['hello']);
      expect(first.said).toEqual(['posthorn: installing Node 24 into .cache/']);
      expect(JSON.parse(first.stdout)).toMatchObject({ command: 'hello' });
      expect(checkout.npmCalls()).toEqual([expect.stringMatching(/^install --prefix .* node-[a-z]+-(x64|arm64)@24$/)]);
      expect((await checkout.run(['hello'])).said).toEqual([]);
    });

    it('asks for npm where there is none, and exits 2', async () => {
      checkout.write('package-lock.json', '{}');
      const PATH = checkout.barePath();
      const { status, said } = await checkout.run(['hello'], { PATH });
      expect(said).toEqual([expect.stringMatching(/^posthorn: npm is needed/)]);
      expect(status).toBe(2);
    });
  });

  describe('without a redis-server', () => {
    it.each(['up', 'demo', 'bench'])('says how to get one and exits 2: %s', async (command) => {
      const PATH = checkout.barePath();
      const { status, stdout, said } = await checkout.run([command], { PATH });
      expect(said).toEqual([expect.stringMatching(/^posthorn: redis-server \(or valkey-server\) is needed: run '/)]);
      expect(stdout).toBe('');
      expect(status).toBe(2);
    });

    it.each([
      ['explain', []],
      ['up', ['--help']],
      ['up', ['--print-config']],
    ])('does what needs none: %s %j', async (command, rest) => {
      const { status, said } = await checkout.run([command, ...rest], { PATH: checkout.barePath() });
      expect({ status, said }).toEqual({ status: 0, said: [] });
    });

    it.each([
      ['POSTHORN_REDIS_URL', 'redis://127.0.0.1:1'],
      ['POSTHORN_REDIS_URL_FILE', '/run/secrets/redis'],
      ['POSTHORN_CONFIG', 'config.yaml'],
    ])('runs on the one that %s names', async (name, value) => {
      checkout.write('config.yaml', 'hostname: example.net\nredis_url: redis://127.0.0.1:1\n');
      const { status, said } = await checkout.run(['up'], { PATH: checkout.barePath(), env: { [name]: value } });
      expect({ status, said }).toEqual({ status: 0, said: [] });
    });
  });
});

async function fastestMs(run: () => Promise<unknown>): Promise<number> {
  let bestMs = Infinity;
  for (let turn = 0; turn < 5; turn++) {
    const startedAt = performance.now();
    await run();
    bestMs = Math.min(bestMs, performance.now() - startedAt);
  }
  return bestMs;
}
