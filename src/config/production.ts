/** What a production start refuses (DESIGN §3): everything unsafe, told all at once. */
import type { Settings } from './settings.ts';

/** Refused on purpose; the message says all there is to say, so no stack is printed. */
export class StartRefused extends Error {
  constructor(problems: readonly string[]) {
    super(`The server does not start:\n${problems.map((line) => `  - ${line}`).join('\n')}`);
    this.name = 'StartRefused';
  }
}

const LOOPBACK = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])(?::\d+)?$/;

/** @returns one line per problem, each saying what to do; empty outside production */
export function productionProblems(settings: Settings): string[] {
  if (settings.environment !== 'production') return [];
  const { host, protocol } = new URL(settings.issuer);
  const problems: string[] = [];
  // A loopback issuer that is named as a test realm never leaves this machine.
  if (protocol !== 'https:' && !(LOOPBACK.test(host) && settings.testRealm === host)) {
    problems.push(`ISSUER: ${settings.issuer} is not https`);
  }
  if (settings.databaseUrl === undefined) {
    problems.push('DATABASE_URL: missing; the embedded database is for evaluation only');
  }
  if (settings.demo === true) {
    problems.push('YRT_DEMO: must not be true; demo citizens and sites have known passwords');
  }
  if (settings.testRealm !== '' && settings.testRealm !== host) {
    problems.push(
      `YRT_TEST_REALM: lifts the limits per address; if this really is a test realm, name it: YRT_TEST_REALM=${host}`,
    );
  }
  if (settings.password.memoryKibibytes < 19456 || settings.password.passes < 2) {
    problems.push('YRT_PASSWORD_…: weaker than Argon2id m=19456 KiB, t=2');
  }
  return problems;
}

/** Whether to seed synthetic citizens and sites: asked for, or a development start by default. */
export const wantsDemo = (settings: Settings): boolean =>
  settings.demo ?? settings.environment === 'development';

/** The demo sites run on this machine and want to hear of sign-outs. */
export function withDemoNetwork(settings: Settings): Settings {
  if (!wantsDemo(settings)) return settings;
  const allowedPrivateCidrs = [...settings.egress.allowedPrivateCidrs, '127.0.0.0/8', '::1/128'];
  return { ...settings, egress: { ...settings.egress, allowedPrivateCidrs } };
}
