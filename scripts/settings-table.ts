/**
 * Writes docs/settings.md from the schema of the settings (`npm run settings-table`); with `--check`
 * it only says whether the file is up to date, which `npm run check` does.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import type { z } from 'zod';
import { settingLeaves, type SettingLeaf } from '#config/load-settings.ts';
import { KEY_PURPOSES } from '#crypto/key-ring.ts';

const FILE = new URL('../docs/settings.md', import.meta.url);

const INTRODUCTION = `# 设置 Settings

由 \`npm run settings-table\` 从 \`src/config/settings.ts\` 生成，请勿手改。Generated; do not edit.

- 三处来源，后面的优先：\`config/settings.json\`、\`config/settings.<NODE_ENV>.json\`、环境变量。Later sources win.
- JSON 文件里按点号逐层写：\`lifetimes.codeSeconds\` 写作 \`{"lifetimes": {"codeSeconds": 60}}\`。Dots are levels of the JSON files.
- 环境变量中的列表用逗号分隔；任何变量都可以改用 \`<名称>_FILE\` 指向一个文件，例如 \`DATABASE_URL_FILE\`。Lists take commas; every variable may be given as \`<NAME>_FILE\`.
- 单位写在名字里（\`Seconds\`、\`Milliseconds\`、\`Bytes\`、\`Kibibytes\`、\`Days\`）。The unit is in the name.
- 写错的名字、超出范围的值，启动时一次全部列出。All mistakes are reported at once, at start.
`;

/** The whole of docs/settings.md. */
export function settingsDocument(): string {
  const sections = Map.groupBy(settingLeaves(), ({ path }) => (path.length > 1 ? path[0] : ''));
  const tables = [...sections].map(([section, leaves]) =>
    [
      section === '' ? '## 总体 General' : `## \`${section}\``,
      table(['Setting', 'Variable', 'Form', 'Default', 'Meaning'], leaves.map(rowOf)),
    ].join('\n\n'),
  );
  return `${[INTRODUCTION.trimEnd(), ...tables, keysSection()].join('\n\n')}\n`;
}

function keysSection(): string {
  const rows = Object.entries(KEY_PURPOSES).map(([purpose, use]) => [
    `\`${purpose}.json\``,
    `\`YRT_KEY_${purpose.toUpperCase()}\``,
    use,
  ]);
  return [
    '## 密钥 Keys',
    '密钥文件在 `keysDirectory` 中，形式为 `{"keys": [{"kid": "…", "secret": "32 字节的 base64url"}]}`，最新的在前。也可由变量给出文件内容，或由 `<变量>_FILE` 给出路径。Newest first; the variable holds the content of the file, `<variable>_FILE` its path.',
    table(['File', 'Variable', 'What it is for'], rows),
  ].join('\n\n');
}

function rowOf({ path, variable, schema }: SettingLeaf): string[] {
  const inner = innermost(schema);
  const isJsonOnly = inner.type === 'array' && innermost(inner.element).type === 'object';
  return [
    `\`${path.join('.')}\``,
    isJsonOnly ? 'JSON only' : `\`${variable}\``,
    formOf(schema),
    defaultOf(schema),
    (schema.description ?? '') + (isJsonOnly ? fieldsOf(inner.element) : ''),
  ];
}

/** What zod's classes have in common, as far as the table needs it. */
interface Anatomy {
  readonly type: string;
  readonly innerType?: z.ZodType;
  readonly out?: z.ZodType;
  readonly element?: z.ZodType;
  readonly options?: readonly z.ZodType[];
  readonly entries?: Readonly<Record<string, string>>;
  readonly shape?: Readonly<Record<string, z.ZodType>>;
}

/** The schema inside defaults, optionals and preprocessing. */
function innermost(schema: z.ZodType | undefined): Anatomy {
  const anatomy = schema?.def as Anatomy | undefined;
  if (!schema || !anatomy) throw new Error('a setting has a schema that the table does not know');
  const inside = anatomy.innerType ?? (anatomy.type === 'pipe' ? anatomy.out : undefined);
  return inside ? innermost(inside) : anatomy;
}

function formOf(schema: z.ZodType): string {
  const anatomy = innermost(schema);
  if (anatomy.entries) return Object.values(anatomy.entries).map(code).join(' ');
  if (anatomy.type === 'number') return wholeNumberForm(schema);
  if (anatomy.type === 'union') return '`true` `false`';
  if (anatomy.type === 'array') {
    return innermost(anatomy.element).type === 'object' ? 'list of objects' : 'list';
  }
  return 'text';
}

/** The least that the schema accepts, found by asking it. */
function wholeNumberForm(schema: z.ZodType): string {
  const least = [0, 1, 8].find((value) => schema.safeParse(value).success);
  return least === undefined ? 'whole number' : `whole number ≥ ${least}`;
}

function defaultOf(schema: z.ZodType): string {
  const result = schema.safeParse(undefined);
  const value: unknown = result.success ? result.data : undefined;
  const isEmpty = value === undefined || value === '' || (Array.isArray(value) && !value.length);
  return isEmpty ? '–' : code(typeof value === 'string' ? value : JSON.stringify(value));
}

function fieldsOf(element: z.ZodType | undefined): string {
  const fields = Object.entries(innermost(element).shape ?? {});
  return fields.map(([name, field]) => `<br>\`${name}\`: ${field.description ?? ''}`).join('');
}

const code = (text: string) => `\`${text}\``;

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => '---'), ...rows];
  return lines
    .map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`)
    .join('\n');
}

if (import.meta.main) {
  const isCheck = process.argv.includes('--check');
  const isCurrent = isCheck && readFileSync(FILE, 'utf8') === settingsDocument();
  if (!isCheck) {
    writeFileSync(FILE, settingsDocument());
  } else if (!isCurrent) {
    console.error('docs/settings.md is not up to date: run `npm run settings-table`.');
    process.exitCode = 1;
  }
}
