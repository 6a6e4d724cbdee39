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
  let started: number | undefined;
  let shownAt = -Infinity;
  let isBarShown = false;
  return {
    print: (line) => {
      stream.write(`${isBarShown ? ERASE_LINE : ''}${line}\n`);
      isBarShown = false;
    },
    showProgress: (progress) => {
      const time = now();
      started ??= time;
      // The first look at a long job says little; without a terminal it would be a line of its own.
      if (!isTerminal && shownAt === -Infinity) shownAt = time;
      if (time - shownAt < pause) return;
      shownAt = time;
      const line = lineOf(progress, (time - started) / 1000);
      stream.write(
        isTerminal ? `${ERASE_LINE}${line.slice(0, stream.columns ?? 80)}` : `${line}\n`,
      );
      isBarShown = isTerminal;
    },
  };
}

function lineOf({ done, total, text }: Progress, elapsedSeconds: number): string {
  const share = total === 0 ? 1 : Math.min(1, done / total);
  const filled = Math.round(share * BAR_WIDTH);
  const bar = `[${'#'.repeat(filled)}${'-'.repeat(BAR_WIDTH - filled)}]`;
  const left =
    share > 0.01 && share < 1 ? `, ${duration((elapsedSeconds / share) * (1 - share))} left` : '';
  return `${bar} ${Math.floor(share * 100)} % ${text}${left}`;
}

function duration(seconds: number): string {
  const whole = Math.ceil(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}
