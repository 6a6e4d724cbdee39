// Starts a TypeScript entry file on Node 24, whichever Node runs npm itself.
//
// The runtime comes from the platform packages in optionalDependencies (they hold just bin/node, so
// no install script is needed); where there is none (macOS), this Node is used if it is new enough.
// Plain JavaScript on purpose: an older Node must be able to read it.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { setInterval } from 'node:timers';
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

// The server starts from compiled code: sooner, and with 40 MB less, because the compiler of types is
// not loaded. Not for tests: their coverage would be told less exactly. A folder that cannot be
// written is no error.
const compileCache = fileURLToPath(new URL('../node_modules/.cache/compiled', import.meta.url));
const isServer = process.argv[2]?.endsWith('src/main.ts') && !process.env.NODE_V8_COVERAGE;

// V8 aborts now and then while it frees code of the embedded database (nodejs/node#64500), so it
// keeps that code: some megabytes.
const child = spawn(runtime, ['--no-wasm-code-gc', ...process.argv.slice(2)], {
  stdio: 'inherit',
  env: { ...(isServer && { NODE_COMPILE_CACHE: compileCache }), ...process.env },
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  // The terminal already sends Ctrl-C to the whole group; a supervisor signals only this process.
  process.on(signal, () => {
    if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
  });
}
// A supervisor that ends npm ends npm's shell as well, which does not pass the signal on.
if (process.env.npm_lifecycle_event) {
  const shell = process.ppid;
  setInterval(() => {
    if (process.ppid !== shell) child.kill('SIGTERM');
  }, 500).unref();
}
child.on('exit', (code, signal) => {
  process.exitCode = signal ? 128 + (signal === 'SIGINT' ? 2 : 15) : (code ?? 1);
});
