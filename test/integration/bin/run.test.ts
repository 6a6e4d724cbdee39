import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';

const RUN = fileURLToPath(new URL('../../../bin/run.mjs', import.meta.url));
const PROGRAM = 'console.log(process.pid); setInterval(() => {}, 1000)';

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe('bin/run.mjs', () => {
  it('ends what it started when npm’s shell is stopped, which passes no signal on', async () => {
    // `wait` keeps the shell from becoming the program itself.
    const shell = spawn('sh', ['-c', `"${process.execPath}" "${RUN}" -e '${PROGRAM}' & wait`], {
      env: { ...process.env, npm_lifecycle_event: 'start' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(shell.stdout, 'data')) as [Buffer];
    const pid = Number(line.toString());
    expect(isRunning(pid)).to.equal(true);
    shell.kill('SIGTERM');
    for (let tries = 0; tries < 50 && isRunning(pid); tries += 1) await wait(100);
    const isLeft = isRunning(pid);
    if (isLeft) process.kill(pid);
    expect(isLeft).to.equal(false);
  });
});
