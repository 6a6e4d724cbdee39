/** nginx with deploy/nginx.conf, on ports of its own and with certificates of make-certificates.sh. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { readText } from './deploy-files.ts';
import { freePort } from './test-server.ts';

const PROGRAM = '/usr/sbin/nginx';
const CERTIFICATES = fileURLToPath(new URL('../../deploy/make-certificates.sh', import.meta.url));
/** Until the new workers serve and the old ones have finished. */
const RELOAD_MILLISECONDS = 2000;
const DOCUMENTED_HOST = 'login.example.gov.cn';

export const isNginxThere = () => existsSync(PROGRAM);

export class Nginx {
  readonly issuer: string;
  readonly plainPort: number;
  /** The certificate authority that signed for it, as PEM. */
  readonly authority: string;
  readonly #folder: string;
  readonly #child: ChildProcess;

  private constructor(
    folder: string,
    [tls, plain]: readonly [number, number],
    child: ChildProcess,
  ) {
    this.issuer = `https://localhost:${tls}`;
    this.plainPort = plain;
    this.authority = readFileSync(join(folder, 'ca.pem'), 'utf8');
    this.#folder = folder;
    this.#child = child;
  }

  /** @param nodes - ports of the servers behind it, told the port that it listens on */
  static async start(nodes: (issuer: string) => Promise<readonly number[]>): Promise<Nginx> {
    const folder = mkdtempSync(join(tmpdir(), 'yrt-nginx-'));
    const ports = [await freePort(), await freePort()] as const;
    execFileSync(CERTIFICATES, ['localhost', folder]);
    const behind = await nodes(`https://localhost:${ports[0]}`);
    writeFileSync(join(folder, 'nginx.conf'), configuration(folder, ports));
    writeNodes(folder, behind);
    const options = ['-c', join(folder, 'nginx.conf'), '-g', 'daemon off;'];
    const child = spawn(PROGRAM, options, { stdio: ['ignore', 'inherit', 'inherit'] });
    await until(ports[0]);
    return new Nginx(folder, ports, child);
  }

  /** As an operator does before a node is stopped: `down` in nginx-nodes.conf and a reload. */
  async useNodes(ports: readonly number[], leftOut?: number): Promise<void> {
    writeNodes(this.#folder, ports, leftOut);
    this.#child.kill('SIGHUP');
    await pause(RELOAD_MILLISECONDS);
  }

  get accessLog(): string {
    return readFileSync(join(this.#folder, 'access.log'), 'utf8');
  }

  async stop(): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    await ended;
    rmSync(this.#folder, { recursive: true });
  }
}

/** The file as it is, but for the host, ports and paths that every place has its own of. */
function configuration(folder: string, [tls, plain]: readonly [number, number]): string {
  const changes: readonly (readonly [string, string])[] = [
    [`https://${DOCUMENTED_HOST}`, `https://localhost:${tls}`],
    [`server_name ${DOCUMENTED_HOST}`, 'server_name localhost'],
    ['listen 443', `listen 127.0.0.1:${tls}`],
    ['listen 80', `listen 127.0.0.1:${plain}`],
    ['/etc/nginx/tls/', `${folder}/`],
    ['/dev/stderr', `${folder}/error.log`],
    ['/dev/stdout', `${folder}/access.log`],
    ['/run/nginx.pid', `${folder}/nginx.pid`],
    ['worker_processes auto', 'worker_processes 1'],
  ];
  return changes.reduce((text, [from, to]) => {
    if (!text.includes(from)) throw new Error(`deploy/nginx.conf does not say "${from}"`);
    return text.replaceAll(from, to);
  }, readText('deploy/nginx.conf'));
}

function writeNodes(folder: string, ports: readonly number[], leftOut?: number): void {
  const lines = ports.map((port) => {
    const line = nodeLine().replace('3000', String(port));
    return port === leftOut ? line.replace(';', ' down;') : line;
  });
  writeFileSync(join(folder, 'nginx-nodes.conf'), lines.join('\n'));
}

const nodeLine = () => /^server .*$/m.exec(readText('deploy/nginx-nodes.conf'))?.[0] ?? '';

async function until(port: number): Promise<void> {
  for (let tries = 0; tries < 100; tries += 1) {
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true));
      socket.once('error', () => resolve(false));
      socket.once('connect', () => socket.destroy());
    });
    if (isOpen) return;
    await pause(50);
  }
  throw new Error('nginx does not listen');
}
