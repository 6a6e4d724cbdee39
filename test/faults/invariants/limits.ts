/**
 * Limits are not reset: part of two windows is used up before the fault, and after it no more is
 * left than there was.
 */
import { formOf } from '../../support/person.ts';
import { authorizationRequest } from '../../support/person.ts';
import type { CookieBrowser } from '../../support/cookie-browser.ts';
import type { FaultCitizen } from '../cluster/service.ts';
import { ISSUER } from '../cluster/cluster.ts';
import type { Expectation } from '../fault.ts';
import type { People } from '../load/people.ts';
import type { Sites } from '../load/sites.ts';

/** DESIGN §10: wrong answers per account and 60 s, sign-in attempts per address and 60 s. */
const ANSWERS = 5;
const ATTEMPTS = 20;
const ANSWERS_BEFORE = 3;
const ATTEMPTS_BEFORE = 12;

export class LimitsWatch {
  readonly #people: People;
  readonly #sites: Sites;
  readonly #victim: FaultCitizen;
  readonly #address: string;
  #comparedAnswers = 0;
  #takenAttempts = 0;
  #startedAt = 0;
  #absent = 0;

  constructor(parts: { people: People; sites: Sites; victim: FaultCitizen; address: string }) {
    this.#people = parts.people;
    this.#sites = parts.sites;
    this.#victim = parts.victim;
    this.#address = parts.address;
  }

  async before(): Promise<void> {
    this.#startedAt = performance.now();
    for (let count = 0; count < ANSWERS_BEFORE; count += 1) await this.#wrongAnswer();
    await this.#attempts(ATTEMPTS_BEFORE);
  }

  /** @returns what is looser than before, in words */
  async after({ mayForgetAddresses = false }: Expectation): Promise<string[]> {
    // A window that is over is rightly empty.
    if (performance.now() - this.#startedAt > 50_000) return [];
    const problems: string[] = [];
    for (let count = 0; count < ANSWERS; count += 1) await this.#wrongAnswer();
    if (this.#comparedAnswers > ANSWERS) {
      problems.push(`${this.#comparedAnswers} answers for one account were compared`);
    }
    if (mayForgetAddresses) return problems;
    await this.#attempts(ATTEMPTS);
    if (this.#takenAttempts > ATTEMPTS) {
      problems.push(`${this.#takenAttempts} attempts from one address were let through`);
    }
    return problems;
  }

  async #wrongAnswer(): Promise<void> {
    const { browser, form } = await this.#openForm();
    const status = await this.#submit(browser, form, this.#victim.phone);
    if (status === 422) this.#comparedAnswers += 1;
  }

  /** From the watched address, over one page. */
  async #attempts(count: number): Promise<void> {
    const { browser, form } = await this.#openForm(this.#address);
    for (let sent = 0; sent < count; sent += 1) {
      this.#absent += 1;
      const account = `197${String(this.#absent).padStart(8, '0')}`;
      if ((await this.#submit(browser, form, account)) === 422) this.#takenAttempts += 1;
    }
  }

  async #openForm(address?: string) {
    const browser = this.#people.newBrowser(address);
    const { url } = authorizationRequest({ issuer: ISSUER }, this.#sites.named('portal'));
    return { browser, form: formOf(await browser.open(url), '/password') };
  }

  async #submit(browser: CookieBrowser, form: ReturnType<typeof formOf>, account: string) {
    const fields = { csrf: form.csrf, account, password: 'Certainly-Wrong-1' };
    return (await browser.submit(form.action, fields)).status;
  }
}
