/**
 * Notes everything that a browser complains about while a page is used: content security policy,
 * scripts that fail, parts that do not load. A page that is itself an error (422, 400) is none.
 */
import type { BrowserContext, ConsoleMessage, Page } from 'playwright-core';

const ERROR_STATUS = 'Failed to load resource: the server responded with a status of';

export function watch(context: BrowserContext, troubles: string[]): void {
  const documents = new Set<string>();
  context.on('request', (request) => {
    if (request.isNavigationRequest()) documents.add(request.url());
  });
  context.on('console', (message) => {
    if (!isWorthNoting(message, documents)) return;
    troubles.push(`${message.location().url}: ${message.text()}`);
  });
  context.on('weberror', (error) => troubles.push(`script: ${error.error().message}`));
  context.on('requestfailed', (request) => {
    const reason = request.failure()?.errorText ?? '';
    // Leaving a page cuts off what it was still loading.
    if (!reason.includes('ERR_ABORTED')) troubles.push(`${request.url()}: ${reason}`);
  });
}

function isWorthNoting(message: ConsoleMessage, documents: ReadonlySet<string>): boolean {
  if (!['error', 'warning'].includes(message.type())) return false;
  return !(message.text().startsWith(ERROR_STATUS) && documents.has(message.location().url));
}

/** Asks again until the answer is yes: for what another process does soon. */
export async function soon(page: Page, isSo: () => Promise<boolean>): Promise<boolean> {
  for (let tries = 0; tries < 50; tries += 1) {
    if (await isSo()) return true;
    await page.waitForTimeout(100);
  }
  return false;
}
