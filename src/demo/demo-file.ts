/** config/demo.json: the synthetic citizens and sites of development and demonstration. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';

const FILE = new URL('../../config/demo.json', import.meta.url);

const citizen = z.object({
  name: z.string(),
  id_number: z.string().nullable(),
  phone: z.string(),
  email: z.string(),
  username: z.string(),
  password: z.string(),
  real_name_level: z.union([1, 2, 3, 4, 5].map((level) => z.literal(level))),
});
const site = z.looseObject({
  client_id: z.string(),
  client_name: z.string(),
  redirect_uris: z.array(z.url()).min(1),
});
const demoFile = z.object({ citizens: z.array(citizen).min(1), sites: z.array(site) });

export type DemoCitizen = z.output<typeof citizen>;
export type Demo = z.output<typeof demoFile>;

/** @throws ZodError when the file was edited into another form */
export function readDemo(file: URL = FILE): Demo {
  return demoFile.parse(JSON.parse(readFileSync(file, 'utf8')));
}
