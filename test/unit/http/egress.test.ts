import { expect } from 'chai';
import { createEgress, type Resolver } from '#http/egress.ts';
import { limits, LOOPBACK, neverAsked, refusal, toLoopback } from '../../support/egress.ts';
import { LocalServers } from '../../support/local-server.ts';

describe('http/egress', () => {
  const servers = new LocalServers();
  afterEach(() => servers.stopAll());

  it('reaches a name whose only address is in the operator’s list', async () => {
    const port = await servers.start((_, response) => response.end('hello'));
    const egress = createEgress(limits({ allowedPrivateCidrs: LOOPBACK }), toLoopback);
    const response = await egress.fetch(`http://rp.example:${port}/`);
    expect(response.status).to.equal(200);
    expect(await response.text()).to.equal('hello');
  });

  it('sends method, headers and form as oidc-provider gives them', async () => {
    const seen: unknown[] = [];
    const port = await servers.start((request, response) => {
      request.setEncoding('utf8').on('data', (body) => seen.push(request.method, body));
      seen.push(request.headers['user-agent'], request.headers['content-type']);
      request.on('end', () => response.writeHead(204).end());
    });
    const egress = createEgress(limits({ allowedPrivateCidrs: LOOPBACK }), toLoopback);
    const response = await egress.fetch(`http://rp.example:${port}/`, {
      method: 'POST',
      redirect: 'manual',
      headers: new Headers({
        'user-agent': '',
        'content-type': 'application/x-www-form-urlencoded',
      }),
      body: new URLSearchParams({ logout_token: 'a.b.c' }),
    });
    expect(response.status).to.equal(204);
    const form = 'application/x-www-form-urlencoded';
    expect(seen).to.deep.equal(['', form, 'POST', 'logout_token=a.b.c']);
  });

  describe('the address', () => {
    it('is refused without a connection when the name resolves to a special-use one', async () => {
      let connections = 0;
      const port = await servers.start((_, response) => {
        connections += 1;
        response.end();
      });
      const egress = createEgress(limits(), toLoopback);
      expect(await refusal(() => egress.fetch(`https://rp.example:${port}/`))).to.equal('address');
      expect(connections).to.equal(0);
    });

    it('is refused when only one of several is special-use', async () => {
      const egress = createEgress(limits(), () => Promise.resolve(['203.0.114.1', '10.0.0.1']));
      expect(await refusal(() => egress.fetch('https://rp.example/'))).to.equal('address');
    });

    it('is used as vetted: the name is resolved once, another answer later does not count', async () => {
      const port = await servers.start((_, response) => response.end('vetted'));
      const answers = [['127.0.0.1'], ['127.99.0.1']];
      let asked = 0;
      const rebinding: Resolver = () => Promise.resolve(answers[asked++] ?? []);
      const egress = createEgress(limits({ allowedPrivateCidrs: LOOPBACK }), rebinding);
      const response = await egress.fetch(`http://rp.example:${port}/`);
      expect(await response.text()).to.equal('vetted');
      expect(asked).to.equal(1);
    });

    for (const host of [
      ...['127.0.0.1', '2130706433', '0x7f000001', '017700000001', '0x7f.1', '127.1', '127.0.0.1.'],
      ...['0', '[::1]', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '[0:0:0:0:0:0:0:1]'],
      ...['[64:ff9b::127.0.0.1]', '１２７.0.0.1', '127。0。0。1', '[fd00:ec2::254]'],
      ...['169.254.169.254', '0xa9fea9fe'],
    ]) {
      it(`is refused as the literal ${host}, when fetched and when registered`, async () => {
        const egress = createEgress(limits(), neverAsked);
        expect(await refusal(() => egress.fetch(`https://${host}/`))).to.equal('address');
        expect(await refusal(() => egress.assertAllowedUrl(`https://${host}/`))).to.equal(
          'address',
        );
      });
    }

    it('stays out of the message', async () => {
      const egress = createEgress(limits(), () => Promise.resolve(['10.11.12.13']));
      const error = await egress.fetch('https://rp.example/').catch((thrown: unknown) => thrown);
      expect((error as Error).message).to.equal('outbound request refused: address');
    });
  });

  describe('the URL', () => {
    const egress = createEgress(limits({ allowedPrivateCidrs: LOOPBACK }), () =>
      Promise.resolve(['203.0.114.1']),
    );

    for (const [url, reason] of [
      ['ftp://rp.example/', 'scheme'],
      ['file:///etc/passwd', 'scheme'],
      ['data:application/json,{}', 'scheme'],
      ['https://user:secret@rp.example/', 'userinfo'],
      ['https://user@rp.example/', 'userinfo'],
      ['not a url', 'url'],
      ['https://', 'url'],
    ] as const) {
      it(`is refused: ${url}`, async () => {
        expect(await refusal(() => egress.fetch(url))).to.equal(reason);
        expect(await refusal(() => egress.assertAllowedUrl(url))).to.equal(reason);
      });
    }

    it('may be plain http only towards a listed address', async () => {
      expect(await refusal(() => egress.fetch('http://rp.example/'))).to.equal('insecure');
      expect(await refusal(() => egress.assertAllowedUrl('http://203.0.114.1/'))).to.equal(
        'insecure',
      );
      expect(
        await refusal(() => egress.assertAllowedUrl('http://127.0.0.1:4002/backchannel-logout')),
      ).to.equal('accepted');
    });

    it('may not be plain http at registration when no network is listed', async () => {
      const strict = createEgress(limits(), neverAsked);
      expect(await refusal(() => strict.assertAllowedUrl('http://rp.example/'))).to.equal(
        'insecure',
      );
    });

    it('may name this machine only when the loopback network is listed', async () => {
      const strict = createEgress(limits(), neverAsked);
      for (const host of ['localhost', 'localhost.', 'rp.LocalHost']) {
        expect(await refusal(() => strict.assertAllowedUrl(`https://${host}/`))).to.equal(
          'address',
        );
      }
      expect(
        await refusal(() => egress.assertAllowedUrl('http://localhost:4002/backchannel-logout')),
      ).to.equal('accepted');
    });

    it('is accepted at registration when it has an ordinary name', async () => {
      const strict = createEgress(limits(), neverAsked);
      expect(await refusal(() => strict.assertAllowedUrl('https://rp.example/jwks'))).to.equal(
        'accepted',
      );
    });
  });

  describe('the connection', () => {
    it('is refused to a certificate nobody vouches for, whatever the environment says', async () => {
      const port = await servers.startTls((_, response) => response.end('secret'));
      const before = process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
      process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
      try {
        const egress = createEgress(limits({ allowedPrivateCidrs: LOOPBACK }), toLoopback);
        expect(await refusal(() => egress.fetch(`https://rp.example:${port}/`))).to.equal(
          'unreachable',
        );
      } finally {
        if (before === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
        else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before;
      }
    });

    it('carries no cookies', async () => {
      let cookie: string | undefined = 'not asked';
      const port = await servers.start((request, response) => {
        cookie = request.headers.cookie;
        response.end();
      });
      const egress = createEgress(limits({ allowedPrivateCidrs: LOOPBACK }), toLoopback);
      await egress.fetch(`http://rp.example:${port}/`, { headers: { cookie: 'a=b' } });
      expect(cookie).to.equal(undefined);
    });

    it('ignores a dispatcher and a proxy that someone else chose', async () => {
      let proxied = 0;
      const proxy = await servers.start((_, response) => {
        proxied += 1;
        response.end('proxied');
      });
      const port = await servers.start((_, response) => response.end('direct'));
      const before = process.env['http_proxy'];
      process.env['http_proxy'] = `http://127.0.0.1:${proxy}`;
      try {
        const egress = createEgress(limits({ allowedPrivateCidrs: LOOPBACK }), toLoopback);
        const dispatcher = { dispatch: () => expect.fail('used') } as never;
        const response = await egress.fetch(`http://rp.example:${port}/`, { dispatcher });
        expect(await response.text()).to.equal('direct');
        expect(proxied).to.equal(0);
      } finally {
        if (before === undefined) delete process.env['http_proxy'];
        else process.env['http_proxy'] = before;
      }
    });
  });
});
