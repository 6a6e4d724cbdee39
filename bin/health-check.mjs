// For container platforms that can only run a command: exits 0 when the server in this container is
// ready. Plain JavaScript without imports of ours, because it starts every few seconds.
import { get } from 'node:http';

const port = process.env.YRT_PROBES_PORT ?? '3002';
const request = get({ host: '127.0.0.1', port, path: '/readyz', timeout: 2000 }, (response) => {
  process.exit(response.statusCode === 200 ? 0 : 1);
});
request.on('timeout', () => request.destroy(new Error('no answer')));
request.on('error', () => process.exit(1));
