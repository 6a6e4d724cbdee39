/** `npm run bench [-- options]`: see docs/performance.md. */
import { compare } from './compare.ts';
import { parseOptions } from './options.ts';
import { profile } from './profile.ts';
import { report } from './report.ts';

const options = parseOptions(process.argv.slice(2));
if (options.profile !== undefined) await profile(options.profile, options);
else report(await compare(options));
process.exit(0);
