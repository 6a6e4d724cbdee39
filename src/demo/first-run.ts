/** The two demo sites beside the server, and the card that tells a newcomer what to open. */
import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Settings } from '#config/settings.ts';
import type { Demo } from './demo-file.ts';

const SITE = fileURLToPath(new URL('../../examples/demo-site/server.ts', import.meta.url));
const CLIENTS = ['demo-portal', 'demo-housing-fund'] as const;

/** Who runs the service, as the footer shows it where the settings name nobody. */
export const DEMO_OPERATOR: Settings['operator'] = {
  name: '示范市数据局',
  filing: '演示ICP备00000000号',
  policeFiling: '演示公网安备00000000000000号',
  helpPhone: '12345',
};

/** Starts the sites as processes of their own, as an integrator's would be. */
export function startDemoSites({ issuer }: Settings): { stop(): void } {
  const children = CLIENTS.map((client): ChildProcess => {
    const child = spawn(process.execPath, [SITE, '--client', client, '--issuer', issuer], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    child.on('exit', (code) => {
      if (code) console.error(`The demo site ${client} ended (code ${code}); is its port taken?`);
    });
    return child;
  });
  return {
    stop: () => {
      for (const child of children) child.kill('SIGTERM');
    },
  };
}

/** What to open and whom to sign in as. */
export function printCard({ issuer }: Settings, { citizens, sites }: Demo): void {
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
