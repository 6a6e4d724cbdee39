/** Deletes what has expired, in small steps from time to time; every server may run it. */
export type Sweep = () => Promise<unknown>;

export interface SweeperOptions {
  readonly everySeconds: number;
  /** A sweep failed; it comes again next time. */
  readonly onFailure: (error: unknown) => void;
}

/** Starts after the first interval, one round at a time. */
export function startSweeper(sweeps: readonly Sweep[], options: SweeperOptions): { stop(): void } {
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  const round = async () => {
    for (const sweep of sweeps) {
      if (!stopped) await sweep().catch(options.onFailure);
    }
    schedule();
  };
  const schedule = () => {
    if (stopped) return;
    timer = setTimeout(() => void round(), options.everySeconds * 1000);
    timer.unref();
  };
  schedule();
  return {
    stop: () => {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
