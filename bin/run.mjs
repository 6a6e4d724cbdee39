// Starts a TypeScript entry file on Node 24, whichever Node runs npm itself.
//
// The runtime comes from the platform packages in optionalDependencies (they hold just bin/node, so
// no install script is needed); where there is none (macOS), this Node is used if it is new enough.
// Plain JavaScript on purpose: an older Node must be able to read it.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const MINIMUM_MAJOR = 24;

function findRuntime() {
  const executable = process.platform === 'win32' ? 'node.exe' : 'node';
  const platform = process.platform === 'win32' ? 'win' : process.platform;
  const bundled = fileURLToPath(
    new URL(`../node_modules/node-${platform}-${process.arch}/bin/${executable}`, import.meta.url),
  );
  if (existsSync(bundled)) return bundled;
  if (Number(process.versions.node.split('.')[0]) >= MINIMUM_MAJOR) return process.execPath;
  return undefined;
}

const runtime = findRuntime();
if (!runtime) {
  console.error(
    `YiRenTong needs Node ${MINIMUM_MAJOR} or newer; this is ${process.version}, and no runtime for ` +
      `${process.platform}-${process.arch} is in node_modules.\n` +
      'Run "npm ci" without --omit=optional, or install Node 24 (https://nodejs.org).',
  );
  process.exit(1);
}

// V8 aborts now and then while it frees code of the embedded database (nodejs/node#64500), so it
// keeps that code: some megabytes.
const child = spawn(runtime, ['--no-wasm-code-gc', ...process.argv.slice(2)], {
  stdio: 'inherit',
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  // The terminal already sends Ctrl-C to the whole group; a supervisor signals only this process.
  process.on(signal, () => {
    if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
  });
}
// npm's shell passes no signal on; when it was stopped, this process has another parent.
const parent = process.ppid;
if (process.env.npm_lifecycle_event) {
  setInterval(() => {
    if (process.ppid !== parent) child.kill('SIGTERM');
  }, 500).unref();
}
child.on('exit', (code, signal) => {
  process.exitCode = signal ? 128 + (signal === 'SIGINT' ? 2 : 15) : (code ?? 1);
});
