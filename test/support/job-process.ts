/** A process that runs one periodic job on a database and tells whenever it begins. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export interface JobProcessOrder {
  readonly databaseUrl: string;
  readonly everySeconds: number;
  readonly leaseSeconds: number;
}

export interface JobProcess {
  /** The next beginning of the job in this process. */
  ran(): Promise<unknown>;
  kill(): void;
}

const ENTRY = fileURLToPath(new URL('./job-process-entry.ts', import.meta.url));

export async function startJobProcess(
  databaseUrl: string,
  times: Omit<JobProcessOrder, 'databaseUrl'>,
): Promise<JobProcess> {
  const child = fork(ENTRY, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  child.send({ databaseUrl, ...times } satisfies JobProcessOrder);
  await once(child, 'spawn');
  return {
    ran: async () => {
      const [message] = (await once(child, 'message')) as unknown[];
      return message;
    },
    kill: () => void child.kill('SIGKILL'),
  };
}
