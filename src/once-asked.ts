/**
 * Ends the process by `stop` at one of the signals (Ctrl-C, a service manager's SIGTERM) or when the
 * returned function is called; being asked again does not interrupt the first time.
 */
export function onceAsked(
  signals: readonly NodeJS.Signals[],
  stop: () => Promise<void>,
): () => void {
  let isAsked = false;
  const ask = () => {
    if (isAsked) return;
    isAsked = true;
    stop().then(
      () => process.exit(0),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  };
  for (const signal of signals) process.on(signal, ask);
  return ask;
}
