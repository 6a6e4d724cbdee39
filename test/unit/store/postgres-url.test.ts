import { expect } from 'chai';
import { parsePostgresUrl } from '#store/postgres-url.ts';

describe('store/postgres-url', () => {
  it('leaves a string with one server as it is', () => {
    const url = 'postgres://u:p%40ss@db.example:5433/yirentong?sslmode=require';
    expect(parsePostgresUrl(url)).to.deep.equal({ servers: [url], attributes: undefined });
  });

  // https://www.postgresql.org/docs/15/libpq-connect.html#LIBPQ-CONNSTRING, 34.1.1.2
  it('makes one string per server, each with its port and the parameters', () => {
    const url =
      'postgresql://u:p@a:5432,b,[::1]:5433/db?target_session_attrs=read-write&sslmode=require';
    expect(parsePostgresUrl(url)).to.deep.equal({
      servers: ['a:5432', 'b', '[::1]:5433'].map(
        (host) => `postgresql://u:p@${host}/db?sslmode=require`,
      ),
      attributes: 'read-write',
    });
  });

  it('takes primary for read-write', () => {
    const { attributes } = parsePostgresUrl('postgres://a,b/db?target_session_attrs=primary');
    expect(attributes).to.equal('read-write');
  });

  it('refuses to work on a standby, without telling the password', () => {
    expect(() => parsePostgresUrl('postgres://u:geheim@a/db?target_session_attrs=standby'))
      .to.throw('target_session_attrs')
      .with.property('message')
      .that.does.not.include('geheim');
  });
});
