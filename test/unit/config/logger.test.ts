import { expect } from 'chai';
import { createLogger } from '#config/logger.ts';

function lineOf(fields: object): Record<string, unknown> {
  const lines: string[] = [];
  const log = createLogger({ logLevel: 'info' }, { write: (line) => lines.push(line) });
  log.error(fields, 'message');
  return JSON.parse(lines[0] ?? '{}') as Record<string, unknown>;
}

describe('config/logger', () => {
  it('says of an error its type, code, message and stack, and no other field', () => {
    const error = Object.assign(new TypeError('broken'), { code: '57P01', detail: 'the row' });
    expect(lineOf({ err: error })['err']).to.include({
      type: 'TypeError',
      code: '57P01',
      message: 'broken',
      stack: error.stack,
    });
    expect(JSON.stringify(lineOf({ err: error }))).not.to.include('the row');
  });

  it('says what caused an error', () => {
    const error = new Error('outer', { cause: new Error('inner 13800138001') });
    expect(lineOf({ err: error })['err']).to.have.nested.property('cause.message', 'inner [phone]');
  });
});
