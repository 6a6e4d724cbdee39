/** The two demo sites beside the server, and the card that tells a newcomer what to open. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { wantsDemo, withDemoNetwork } from '#config/production.ts';
import type { Settings } from '#config/settings.ts';
import { readDemo, type Demo } from './demo-file.ts';

const SITE = fileURLToPath(new URL('../../examples/demo-site/server.ts', import.meta.url));
const CLIENTS = ['demo-portal', 'demo-housing-fund'] as const;

/** Who runs the service, as the footer shows it where the settings name nobody. */
const DEMO_OPERATOR: Settings['operator'] = {
  name: '示范市数据局',
  filing: '演示ICP备00000000号',
  policeFiling: '演示公网安备00000000000000号',
  helpPhone: '12345',
};

/** A demonstration has somebody who runs the service, and its sites on this machine. */
export function withDemo(settings: Settings): Settings {
  if (!wantsDemo(settings)) return settings;
  const operator = settings.operator.name === '' ? DEMO_OPERATOR : settings.operator;
  return { ...withDemoNetwork(settings), operator };
}

/** The sites, where they are wanted, and the card once they can be opened. */
export async function startDemo(settings: Settings): Promise<{ stop(): void } | undefined> {
  if (!wantsDemo(settings)) return undefined;
  const sites = await startDemoSites(settings);
  printCard(settings, readDemo());
  return sites;
}

/**
 * Starts the sites as processes of their own, as an integrator's would be.
 *
 * @returns once each listens, or has ended and said why
 */
async function startDemoSites({ issuer }: Settings): Promise<{ stop(): void }> {
  const children = CLIENTS.map((client): ChildProcess => {
    const child = spawn(process.execPath, [SITE, '--client', client, '--issuer', issuer], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    child.on('exit', (code) => {
      if (code) console.error(`The demo site ${client} ended (code ${code}); is its port taken?`);
    });
    return child;
  });
  await Promise.all(children.map(listeningOrEnded));
  return {
    stop: () => {
      for (const child of children) child.kill('SIGTERM');
    },
  };
}

/** A site prints its address when it listens. */
async function listeningOrEnded(child: ChildProcess): Promise<void> {
  const { stdout } = child;
  await Promise.race([once(child, 'exit'), ...(stdout ? [once(stdout, 'data')] : [])]);
  stdout?.resume();
}

/** What to open and whom to sign in as. */
function printCard({ issuer }: Settings, { citizens, sites }: Demo): void {
  const rows = [
    '',
    '  一认通 YiRenTong is ready  (development, synthetic citizens)',
    '',
    ...sites.map(({ client_name: name, redirect_uris: [uri = issuer] }) => {
      const origin = new URL(uri).origin;
      return `  ${origin.padEnd(24)} ${name}`;
    }),
    `  ${`${issuer}/account`.padEnd(24)} 个人中心`,
    `  ${issuer}/.well-known/openid-configuration`,
    '',
    '  Sign in with phone, user name or ID number:',
    ...citizens.map(
      ({ phone, username, password, real_name_level: level, name }) =>
        `  ${phone}  ${username.padEnd(14)} ${password.padEnd(18)} level ${level}  ${name}`,
    ),
    '',
    '  Ctrl-C stops the server; data/ keeps what was done.',
    '',
  ];
  console.log(rows.join('\n'));
}
