import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { platform } from 'node:os';
import { describe, expect, it } from '@jest/globals';
import { peaks, processorMs, processTree, readMemory } from './process-tree.js';

const onLinux = platform() === 'linux' ? describe : describe.skip;

onLinux('the processes of a system', () => {
  it('are the root, its children and theirs', async () => {
    const shell = spawn('sh', ['-c', 'sh -c "sleep 60 & echo \\$!; wait" & wait'], {
      stdio: ['ignore', 'pipe', 'ignore'],
      detached: true,
    });
    try {
      const [line] = (await once(shell.stdout, 'data')) as [Buffer];
      const sleeper = Number(line.toString());
      const tree = processTree(shell.pid ?? -1);
      expect(tree[0]).toBe(shell.pid);
      expect(tree).toHaveLength(3);
      expect(tree[2]).toBe(sleeper);
    } finally {
      process.kill(-(shell.pid ?? 0), 'SIGKILL');
      await once(shell, 'close');
    }
  });

  it('use processor time, of which that of ended ones is not lost', async () => {
    const burn = 'i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done';
    const shell = spawn('sh', ['-c', `echo up; read x; (${burn}); echo done; read x`], {
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    try {
      await once(shell.stdout, 'data');
      const before = processorMs([shell.pid ?? -1]);
      shell.stdin.write('\n');
      await once(shell.stdout, 'data');
      expect(processorMs([shell.pid ?? -1])).toBeGreaterThan(before);
    } finally {
      shell.kill('SIGKILL');
      await once(shell, 'close');
    }
  });

  it('have a name and a size', () => {
    const [own] = readMemory(process.pid);
    expect(own?.name).toBe('supervisor');
    expect(own?.rssBytes).toBeGreaterThan(20 * 1024 ** 2);
    expect(own?.rssBytes).toBeLessThan(8 * 1024 ** 3);
  });
});

it('shows the largest that each process was', () => {
  const doors = (rssBytes: number) => ({ pid: 1, name: 'doors', rssBytes });
  const worker = { pid: 2, name: 'worker', rssBytes: 5 };
  expect(peaks([[doors(10)], [doors(30), worker], [doors(20)]])).toEqual([doors(30), worker]);
});
