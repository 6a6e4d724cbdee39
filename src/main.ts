/**
 * `npm start`: from an empty folder to a running server. In development it makes what is missing
 * (keys, tables, demo citizens and sites); in production it makes nothing and names all that is
 * wrong. The runtime check comes before the imports that an older Node could not read.
 */
const MINIMUM_NODE = 24;
const major = Number(process.versions.node.split('.')[0]);
if (major < MINIMUM_NODE) {
  console.error(
    `YiRenTong needs Node ${MINIMUM_NODE} or newer; this is ${process.version}. ` +
      'Start it with "npm start", which brings its own runtime.',
  );
  process.exit(1);
}
const { run } = await import('./start.ts');
await run();
export {};
