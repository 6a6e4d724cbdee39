/** Templates that escape by default: only what another template made is taken as it is. */
export class Html {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  toString(): string {
    return this.#text;
  }
}

type Part = Html | string | number | undefined | readonly Html[];

export function html(strings: TemplateStringsArray, ...parts: Part[]): Html {
  const text = strings.reduce((done, next, index) => done + render(parts[index - 1]) + next);
  return new Html(text);
}

function render(part: Part): string {
  if (part === undefined) return '';
  if (part instanceof Html) return part.toString();
  if (typeof part === 'object') return part.map((item) => item.toString()).join('');
  return String(part).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
