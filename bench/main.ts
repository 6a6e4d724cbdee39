/** `npm run bench [-- [study] [options]]`: see docs/performance.md. */
import { compare } from './compare.ts';
import { parseOptions, type BenchOptions } from './options.ts';
import { profile } from './profile.ts';
import { report } from './report.ts';
import { audit } from './studies/audit.ts';
import { clients } from './studies/clients.ts';
import { footprint } from './studies/footprint.ts';
import { memory } from './studies/memory.ts';
import { saturation } from './studies/saturation.ts';
import { signIns } from './studies/sign-ins.ts';

const STUDIES: Readonly<Record<string, (options: BenchOptions) => Promise<void>>> = {
  compare: async (options) => report(await compare(options)),
  'left-behind': footprint,
  ...{ memory, clients, saturation, audit },
  'sign-ins': signIns,
};

// Then what was started is ended as well (machine/child.ts).
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

const options = parseOptions(process.argv.slice(2));
const study = STUDIES[options.command];
if (options.profile !== undefined) {
  await profile(options.profile, options);
} else if (study) {
  await study(options);
} else {
  console.error(`There is no ${options.command}; there are ${Object.keys(STUDIES).join(', ')}.`);
  process.exit(2);
}
process.exit(0);
