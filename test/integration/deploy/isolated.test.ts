import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { readDemo } from '../../../src/demo/demo-file.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** Runs inside a network of its own that has nothing but a loopback: no way out, no name server. */
const INSIDE = `
  set -e
  ip link set lo up
  "$NODE" src/main.ts >"$FOLDER/log" 2>&1 &
  server=$!
  for _ in $(seq 300); do
    curl -fso /dev/null http://127.0.0.1:3002/readyz && break
    kill -0 $server && sleep 0.2
  done
  curl -sm 2 -o /dev/null http://192.0.2.1/ && echo 'there is a way out'
  "$NODE" deploy/try-sign-in.mjs && echo 'signed in'
  curl -so /dev/null -w 'demo site %{http_code}\\n' http://localhost:4001/
  kill -TERM $server
  wait $server && echo 'stopped cleanly'
  grep -c '"level":"error"' "$FOLDER/log" || true
`;

function mayUnshare(): boolean {
  try {
    execFileSync('unshare', ['--net', 'ip', 'link', 'set', 'lo', 'up'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

describe('a server without any way out', () => {
  const folder = mkdtempSync(join(tmpdir(), 'yrt-isolated-'));
  after(() => rmSync(folder, { recursive: true }));

  it('starts from nothing, signs a person in and stops, and misses nobody', async function () {
    if (!mayUnshare()) this.skip();
    const [citizen] = readDemo().citizens;
    writeFileSync(join(folder, 'password'), citizen?.password ?? '');
    const env = {
      PATH: process.env['PATH'],
      NODE: process.execPath,
      FOLDER: folder,
      YRT_DATA_DIRECTORY: join(folder, 'data'),
      YRT_KEYS_DIRECTORY: join(folder, 'keys'),
      ISSUER: 'http://localhost:3000',
      ACCOUNT: citizen?.phone,
      PASSWORD_FILE: join(folder, 'password'),
    };
    const output = await new Promise<string>((resolve) => {
      const options = { cwd: ROOT, env, timeout: 90_000 };
      execFile('unshare', ['--net', 'sh', '-c', INSIDE], options, (_error, stdout, stderr) =>
        resolve(stdout + stderr),
      );
    });
    expect(output.trim().split('\n')).to.deep.equal([
      'signed in',
      'demo site 200',
      'stopped cleanly',
      '0',
    ]);
  }).timeout(120_000);
});
