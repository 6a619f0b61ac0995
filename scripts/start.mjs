import module from 'node:module';

// `npm start` runs this with the pinned Node; somebody may run it without.
if (Number.parseInt(process.versions.node, 10) < 26) {
  console.error(
    `Node ${process.versions.node} is too old for the service: start it with npm start, which runs the pinned one.`,
  );
  process.exit(1);
}

// What is compiled is kept for the next start, in the folder for temporary files.
module.enableCompileCache();
const { readEnvFile } = await import('./env-file.mjs');
await import('./build.mjs');
readEnvFile();
await import('../dist/src/main.js');
