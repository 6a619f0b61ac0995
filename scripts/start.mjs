// `npm start` runs this with the pinned Node; somebody may run it without.
if (Number.parseInt(process.versions.node, 10) < 26) {
  console.error(
    `Node ${process.versions.node} is too old for the service: start it with npm start, which runs the pinned one.`,
  );
  process.exit(1);
}

const { readEnvFile } = await import('./env-file.mjs');
await import('./build.mjs');
readEnvFile();
await import('../dist/src/main.js');
