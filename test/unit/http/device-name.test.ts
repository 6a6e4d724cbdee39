import { expect } from 'chai';
import { describeDevice } from '#http/device-name.ts';

const CHROME =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/142.0 Safari/537.36';

describe('http/device-name', () => {
  const cases: Record<string, string> = {
    [CHROME]: 'Chrome · Windows',
    [`${CHROME} Edg/142.0`]: 'Edge · Windows',
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Safari/604.1':
      'Safari · iPhone',
    'Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/130 Mobile Safari/537.36 MicroMessenger/8.0':
      'WeChat · Android',
    'Mozilla/5.0 (Phone; OpenHarmony 5.0) AppleWebKit/537.36 Chrome/114 Safari/537.36':
      'Chrome · HarmonyOS',
    'curl/8.5.0': '',
  };
  for (const [userAgent, name] of Object.entries(cases)) {
    it(`calls it ${name || 'nothing'}`, () => expect(describeDevice(userAgent)).to.equal(name));
  }
});
