/**
 * `--profile ROW`: a CPU profile of our server under one row (open it in a browser's developer tools)
 * and, printed, where the time goes by package and by function. The threads that hash are not in it.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { run } from './load/run.ts';
import { SCENARIOS } from './load/scenarios.ts';
import { freePort } from '../test/support/test-server.ts';
import type { BenchOptions } from './options.ts';
import { startOurs } from './targets/ours.ts';

interface ProfileNode {
  readonly id: number;
  readonly callFrame: { functionName: string; url: string; lineNumber: number };
}
interface CpuProfile {
  readonly nodes: readonly ProfileNode[];
  readonly samples: readonly number[];
}

const SHOWN = 40;

export async function profile(key: string, { seconds }: BenchOptions): Promise<void> {
  const scenario = SCENARIOS.find((each) => each.key === key);
  if (!scenario) throw new Error(`no such row: ${key}`);
  const port = await freePort();
  const ours = await startOurs({ nodeOptions: [`--inspect=127.0.0.1:${port}`] });
  try {
    const inspector = await Inspector.connect(port);
    await run(ours, scenario, { connections: 16, seconds });
    await inspector.ask('Profiler.enable');
    await inspector.ask('Profiler.start');
    await run(ours, scenario, { connections: 16, seconds });
    const { profile: taken } = (await inspector.ask('Profiler.stop')) as { profile: CpuProfile };
    const folder = fileURLToPath(new URL('results', import.meta.url));
    mkdirSync(folder, { recursive: true });
    writeFileSync(`${folder}/${key}.cpuprofile`, JSON.stringify(taken));
    printSelfTimes(taken);
    inspector.close();
  } finally {
    await ours.stop();
  }
}

/** The DevTools protocol of Node's inspector, as far as it is needed. */
class Inspector {
  readonly #socket: WebSocket;
  #asked = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  static async connect(port: number): Promise<Inspector> {
    const list = await fetch(`http://127.0.0.1:${port}/json/list`);
    const [first] = (await list.json()) as { webSocketDebuggerUrl: string }[];
    const socket = new WebSocket(first?.webSocketDebuggerUrl ?? '');
    await new Promise((resolve, reject) => {
      socket.addEventListener('open', resolve);
      socket.addEventListener('error', reject);
    });
    return new Inspector(socket);
  }

  ask(method: string): Promise<unknown> {
    const id = (this.#asked += 1);
    return new Promise((resolve) => {
      this.#socket.addEventListener('message', ({ data }) => {
        const answer = JSON.parse(String(data)) as { id?: number; result?: unknown };
        if (answer.id === id) resolve(answer.result);
      });
      this.#socket.send(JSON.stringify({ id, method }));
    });
  }

  close(): void {
    this.#socket.close();
  }
}

function printSelfTimes({ nodes, samples }: CpuProfile): void {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const frames = samples
    .map((id) => byId.get(id)?.callFrame)
    .filter((frame) => frame !== undefined)
    .filter(({ functionName }) => functionName !== '(idle)' && functionName !== '(program)');
  console.log('by package');
  printShares(frames.map(({ url, functionName }) => packageOf(url, functionName)));
  console.log('\nby function');
  printShares(
    frames.map(
      ({ url, functionName, lineNumber }) =>
        `${functionName || '(anonymous)'} ${url.split('/').slice(-3).join('/')}:${lineNumber + 1}`,
    ),
  );
}

function printShares(names: readonly string[]): void {
  const counts = [...Map.groupBy(names, (name) => name)].map(
    ([name, each]) => [name, each.length] as const,
  );
  for (const [name, count] of counts.sort(([, a], [, b]) => b - a).slice(0, SHOWN)) {
    console.log(`${((100 * count) / names.length).toFixed(1).padStart(6)} %  ${name}`);
  }
}

function packageOf(url: string, functionName: string): string {
  const scoped = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1];
  if (scoped !== undefined) return scoped;
  const own = /\/src\/([^/]+)/.exec(url)?.[1];
  if (own !== undefined) return `src/${own}`;
  return url.startsWith('node:') ? url : functionName;
}
