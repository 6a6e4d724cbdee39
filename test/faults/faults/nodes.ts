/** A node dies, or all are replaced one after the other. */
import { UNNOTICED, type Fault } from '../fault.ts';
import type { ServerNode } from '../cluster/server-node.ts';

const first = ({ nodes }: { nodes: readonly ServerNode[] }): ServerNode => {
  const [node] = nodes;
  if (!node) throw new Error('There is no node.');
  return node;
};

export const calm: Fault = {
  name: 'calm',
  short: true,
  expected: UNNOTICED,
  inject: () => Promise.resolve(),
  heal: () => Promise.resolve(),
};

export const nodeKilled: Fault = {
  name: 'node-killed',
  short: true,
  // Its requests in flight end without an answer; new connections go to the other node at once.
  expected: {
    ...{ longestMilliseconds: 1000, failures: 'cut', recoverySeconds: 0.5 },
    mayLose: ['code', 'refresh_token', 'interaction'],
  },
  inject: ({ cluster }) => first(cluster).kill(),
  heal: ({ cluster }) => first(cluster).start(),
};

export const rollingRestart: Fault = {
  name: 'rolling-restart',
  short: true,
  expected: UNNOTICED,
  inject: async ({ cluster }) => {
    for (const node of cluster.nodes) {
      await node.stop();
      await node.start();
      await cluster.balancer.probe();
    }
  },
  heal: () => Promise.resolve(),
};
