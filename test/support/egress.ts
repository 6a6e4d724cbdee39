/** What tests of outbound requests share: limits, resolvers, and the reason of a refusal. */
import {
  EgressRefused,
  type EgressLimits,
  type EgressRefusal,
  type Resolver,
} from '#http/egress.ts';

export const LOOPBACK = ['127.0.0.0/8'];
export const limits = (changes: Partial<EgressLimits> = {}): EgressLimits => ({
  allowedPrivateCidrs: [],
  timeoutMilliseconds: 2000,
  maxResponseBytes: 1024,
  ...changes,
});
export const toLoopback: Resolver = () => Promise.resolve(['127.0.0.1']);
export const neverAsked: Resolver = () => Promise.reject(new Error('the resolver was asked'));

/** Runs `work`; anything but a refusal is thrown on. */
export async function refusal(work: () => unknown): Promise<EgressRefusal | 'accepted'> {
  try {
    await work();
  } catch (error) {
    if (error instanceof EgressRefused) return error.reason;
    throw error;
  }
  return 'accepted';
}
