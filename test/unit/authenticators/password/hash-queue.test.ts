import { expect } from 'chai';
import { HashQueue } from '#authenticators/password/hash-queue.ts';
import { AppError } from '#lib/errors.ts';

const TASK = { kind: 'hash', peppered: 'peppered', memoryKibibytes: 8, passes: 1 } as const;

describe('authenticators/password/hash-queue', () => {
  it('tells whoever waited too long that it is busy, and goes on with the others', async () => {
    let grant: () => void = () => undefined;
    const queue = new HashQueue({
      queueLength: 4,
      longestWaitMilliseconds: 50,
      permits: {
        threads: 1,
        acquire: () => new Promise((resolve) => (grant = resolve)),
        release: () => undefined,
      },
    });
    const first = await queue.run(TASK).catch((error: unknown) => error);
    expect(first).to.be.instanceOf(AppError).and.include({ code: 'server.busy' });
    const second = queue.run(TASK);
    grant();
    expect(await second).to.be.a('string');
    await queue.close();
  });
});
