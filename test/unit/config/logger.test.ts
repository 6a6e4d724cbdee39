import { spawnSync } from 'node:child_process';
import { expect } from 'chai';
import type { Logger } from 'pino';
import { createLogger, scrub } from '#config/logger.ts';

function lineOf(fields: object): Record<string, unknown> {
  const lines: string[] = [];
  const log = createLogger({ logLevel: 'info' }, { write: (line) => lines.push(line) });
  log.error(fields, 'message');
  return JSON.parse(lines[0] ?? '{}') as Record<string, unknown>;
}

function messageOf(write: (log: Logger) => void): unknown {
  const lines: string[] = [];
  write(createLogger({ logLevel: 'info' }, { write: (line) => lines.push(line) }));
  return (JSON.parse(lines[0] ?? '{}') as { msg?: unknown }).msg;
}

/** What reaches standard output of a process that runs these statements with a `log`. */
function printedBy(statements: string): string[] {
  const program = `import { createLogger } from '#config/logger.ts';
    const log = createLogger({ logLevel: 'info' });
    ${statements}`;
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', program]);
  const lines = stdout.toString().split('\n').slice(0, -1);
  return lines.map((line) => (JSON.parse(line) as { msg: string }).msg);
}
const KILLED = "process.kill(process.pid, 'SIGKILL')";

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

  for (const [what, text, shown] of [
    ['an ID number', 'of 11010519491231002X now', 'of [id number] now'],
    ['an ID number with a small x', '11010519491231002x', '[id number]'],
    ['a phone', 'call 13800138001', 'call [phone]'],
    ['a phone in E.164', '+8613800138001', '[phone]'],
    ['a mail address', 'to zhang.san@mail.example.cn', 'to [mail]'],
    ['a token', 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl', '[jwt]'],
    ['the values of a query', '/cb?code=abc&state=def', '/cb?code=[value]&state=[value]'],
    ['database credentials', 'postgres://yrt:secret@db/yrt', 'postgres://[credentials]@db/yrt'],
  ] as const) {
    it(`leaves out ${what}, in messages, in fields and in errors`, () => {
      expect(scrub(text)).to.equal(shown);
      const line = lineOf({ field: text, list: [{ deep: text }], err: new Error(text) });
      expect(line).to.deep.include({ field: shown, list: [{ deep: shown }] });
      expect(JSON.stringify(line)).not.to.include(text);
    });
  }

  it('scrubs the message itself and its arguments', () => {
    expect(messageOf((log) => log.info('phone 13800138001'))).to.equal('phone [phone]');
    expect(messageOf((log) => log.info('phone %s', '13800138001'))).to.equal('phone [phone]');
  });

  it('leaves times, counts and ids readable', () => {
    const text = 'in 1699999999999 ms, 42 rows, 0197a000-0000-7000-8000-00000000000f';
    expect(scrub(text)).to.equal(text);
  });

  it('leaves out the values of secret keys, wherever they are', () => {
    const secrets = {
      ...{ password: 'a-b', client_secret: 'a-b', access_token: 'a-b', cookie: 'a-b' },
      ...{ authorization: 'a-b', code_verifier: 'a-b', id_number: 'a-b', email: 'a-b' },
    };
    const line = lineOf({ ...secrets, nested: { again: secrets } });
    expect(JSON.stringify(line)).not.to.include('a-b');
    expect(line).to.include({ password: '[secret]', level: 'error' });
  });

  it('keeps the codes of errors', () => {
    expect(lineOf({ code: 'request.csrf', status: 403 })).to.include({
      code: 'request.csrf',
      status: 403,
    });
  });

  it('cuts off what is nested too deep to be looked at', () => {
    const deep = { a: { b: { c: { d: { phone: '13800138001' } } } } };
    expect(JSON.stringify(lineOf(deep)))
      .to.include('[deep]')
      .and.not.to.include('13800138001');
  });

  it('loses nothing when the process ends by itself', () => {
    expect(printedBy("log.info('one'); log.warn('two'); process.exit(1)")).to.deep.equal([
      ...['one', 'two'],
    ]);
  });

  it('writes an error at once, after what came before it', () => {
    const statements = `log.info('one'); log.error('two'); setTimeout(() => ${KILLED}, 100)`;
    expect(printedBy(statements)).to.deep.equal(['one', 'two']);
  });

  it('writes everything else within a second', () => {
    expect(printedBy(`log.info('one'); setTimeout(() => ${KILLED}, 1000)`)).to.deep.equal(['one']);
  });
});
