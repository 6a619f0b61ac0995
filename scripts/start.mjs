// `npm start` runs the pinned Node, because npm puts node_modules/.bin first.
if (Number.parseInt(process.versions.node, 10) < 26) {
  console.error(
    `Node ${process.versions.node} is too old for the service: start it with npm start, which runs the pinned one.`,
  );
  process.exit(1);
}

await import('./build.mjs');
await import('../dist/src/main.js');
