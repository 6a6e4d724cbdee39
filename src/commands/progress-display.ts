/** How far a long command is: a bar that redraws itself on a terminal, a line now and then elsewhere. */

export interface Progress {
  readonly done: number;
  readonly total: number;
  /** What is shown beside the bar. */
  readonly text: string;
}

export type ShowProgress = (progress: Progress) => void;

export interface ProgressDisplay {
  /** A line that stays; the bar is redrawn below it. */
  readonly print: (line: string) => void;
  readonly showProgress: ShowProgress;
}

type Stream = Pick<NodeJS.WriteStream, 'write'> & { isTTY?: boolean; columns?: number };

const BAR_WIDTH = 24;
const REDRAW_MILLISECONDS = 100;
const LINE_MILLISECONDS = 5000;
const ERASE_LINE = '\r\u001B[K';

/** @param now - milliseconds of a clock that only goes forward */
export function createProgressDisplay(
  stream: Stream,
  now: () => number = () => performance.now(),
): ProgressDisplay {
  const isTerminal = stream.isTTY === true;
  const pause = isTerminal ? REDRAW_MILLISECONDS : LINE_MILLISECONDS;
  let started = { at: 0, done: Infinity };
  let last = Infinity;
  let shownAt = -Infinity;
  let isBarShown = false;
  return {
    print: (line) => {
      stream.write(`${isBarShown ? ERASE_LINE : ''}${line}\n`);
      isBarShown = false;
    },
    showProgress: (progress) => {
      const time = now();
      // A new beginning: the first call, the next phase, or an earlier run's end.
      if (progress.done < last) started = { at: time, done: progress.done };
      last = progress.done;
      // The first look at a long job says little; without a terminal it would be a line of its own.
      if (!isTerminal && shownAt === -Infinity) shownAt = time;
      if (time - shownAt < pause) return;
      shownAt = time;
      const line = lineOf(progress, secondsLeft(progress, started, time));
      stream.write(
        isTerminal ? `${ERASE_LINE}${line.slice(0, stream.columns ?? 80)}` : `${line}\n`,
      );
      isBarShown = isTerminal;
    },
  };
}

function secondsLeft(
  { done, total }: Progress,
  started: { readonly at: number; readonly done: number },
  time: number,
): number | undefined {
  const step = done - started.done;
  // Too early to tell, or nothing left to tell.
  if (step < total / 100 || done >= total) return undefined;
  return (((time - started.at) / step) * (total - done)) / 1000;
}

function lineOf({ done, total, text }: Progress, left: number | undefined): string {
  const share = total === 0 ? 1 : Math.min(1, done / total);
  const filled = Math.round(share * BAR_WIDTH);
  const bar = `[${'#'.repeat(filled)}${'-'.repeat(BAR_WIDTH - filled)}]`;
  const rest = left === undefined ? '' : `, ${duration(left)} left`;
  return `${bar} ${Math.floor(share * 100)} % ${text}${rest}`;
}

function duration(seconds: number): string {
  const whole = Math.ceil(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}
