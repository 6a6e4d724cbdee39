/** Reading a file line by line, with the place of each, so that another run can go on from there. */
import { createReadStream } from 'node:fs';

export interface FileLine {
  /** Counts from 1. */
  readonly number: number;
  /** Undefined when it is too long or not UTF-8. */
  readonly text: string | undefined;
  /** First byte after the line. */
  readonly end: number;
}

export interface Place {
  readonly position: number;
  readonly lines: number;
}

const NEWLINE = 0x0a;
const READ_BYTES = 1024 * 1024;
/** An account is some hundred bytes; what is longer is refused unread. */
const MAX_LINE_BYTES = 64 * 1024;

/**
 * The lines of a file from a place on, in portions. Memory is bounded whatever the file holds.
 *
 * @param from - where a line begins
 * @throws the error of the file system
 */
export async function* readPortions(
  file: string,
  from: Place,
  portionLines: number,
): AsyncGenerator<FileLine[]> {
  let portion: FileLine[] = [];
  for await (const line of readLines(file, from)) {
    portion.push(line);
    if (portion.length < portionLines) continue;
    yield portion;
    portion = [];
  }
  if (portion.length > 0) yield portion;
}

async function* readLines(file: string, from: Place): AsyncGenerator<FileLine> {
  const state = { number: from.lines, position: from.position };
  let rest: Buffer = Buffer.alloc(0);
  /** Bytes of an overlong line that were let go. */
  let dropped = 0;
  const next = (bytes: Buffer, newline: 0 | 1): FileLine => {
    state.number += 1;
    state.position += dropped + bytes.length + newline;
    const isTooLong = dropped + bytes.length > MAX_LINE_BYTES;
    dropped = 0;
    const text = isTooLong ? undefined : decoded(bytes);
    return { number: state.number, text, end: state.position };
  };
  const options = { start: from.position, highWaterMark: READ_BYTES };
  for await (const chunk of createReadStream(file, options) as AsyncIterable<Buffer>) {
    let begin = 0;
    for (let end; (end = chunk.indexOf(NEWLINE, begin)) >= 0; begin = end + 1) {
      yield next(joined(rest, chunk.subarray(begin, end)), 1);
      rest = Buffer.alloc(0);
    }
    rest = joined(rest, chunk.subarray(begin));
    if (rest.length <= MAX_LINE_BYTES) continue;
    dropped += rest.length;
    rest = Buffer.alloc(0);
  }
  if (dropped + rest.length > 0) yield next(rest, 0);
}

const joined = (a: Buffer, b: Buffer) => (a.length === 0 ? b : Buffer.concat([a, b]));

const strict = new TextDecoder('utf-8', { fatal: true });

function decoded(bytes: Buffer): string | undefined {
  try {
    return strict.decode(bytes);
  } catch {
    return undefined;
  }
}
