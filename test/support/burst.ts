/**
 * n requests at one moment: every connection is open and everything but the last byte of each request
 * is sent before the last bytes are released together. Spread over several ports they reach several
 * processes of the server at once (`startSecondProcess`).
 */
import { setTimeout as wait } from 'node:timers/promises';
import { answerOn, bytesOf, openSocket, type RawAnswer, type RawRequest } from './raw-http.ts';

/** Lets the servers read what was sent so far; requests are then waiting for one byte each. */
const SETTLE_MILLISECONDS = 50;

export interface BurstTarget {
  /** One after the other; with the second process's port every other request goes there. */
  readonly ports: readonly number[];
  /** Host header: the issuer's, whichever port is called. */
  readonly host: string;
}

/**
 * Sends n requests at once.
 *
 * @param request - makes the i-th request
 * @returns the answers in the order of the requests
 */
export async function burst(
  n: number,
  { ports, host }: BurstTarget,
  request: (index: number) => Omit<RawRequest, 'host'>,
): Promise<RawAnswer[]> {
  const all = Array.from({ length: n }, (_, index) => ({
    port: ports[index % ports.length] ?? 0,
    bytes: bytesOf({ host, ...request(index) }),
  }));
  const ready = await Promise.all(
    all.map(async ({ port, bytes }) => {
      const socket = await openSocket(port);
      const answer = answerOn(socket);
      socket.write(bytes.subarray(0, -1));
      return { socket, answer, last: bytes.subarray(-1) };
    }),
  );
  await wait(SETTLE_MILLISECONDS);
  for (const { socket, last } of ready) socket.write(last);
  return await Promise.all(ready.map(({ answer }) => answer));
}

/** How many answers have each status, e.g. `{ 200: 1, 400: 49 }`. */
export function statusesOf(answers: readonly RawAnswer[]): Record<number, number> {
  const counts: Record<number, number> = {};
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}
