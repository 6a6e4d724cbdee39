/** A node dies, or all are replaced one after the other. */
import type { Cluster } from '../cluster/cluster.ts';
import { nothing, UNNOTICED, type Fault } from '../fault.ts';

/** What the machine and the load do without any fault. */
export const calm: Fault = {
  name: 'calm',
  short: true,
  expected: UNNOTICED,
  inject: () => Promise.resolve(nothing),
};

export const nodeKilled: Fault = {
  name: 'node-killed',
  short: true,
  // Its requests in flight end without an answer; new connections go to the other node at once.
  expected: {
    ...{ longestMilliseconds: 1000, failures: 'cut', recoverySeconds: 0 },
    mayLose: ['code', 'refresh_token', 'interaction'],
  },
  inject: async ({ nodes: [node] }: Cluster) => {
    await node?.kill();
    return async () => node?.start();
  },
};

export const rollingRestart: Fault = {
  name: 'rolling-restart',
  short: true,
  expected: UNNOTICED,
  inject: async ({ nodes, balancer }: Cluster) => {
    for (const node of nodes) {
      await node.stop();
      await node.start();
      await balancer.probe();
    }
    return nothing;
  },
};
