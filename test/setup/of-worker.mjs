/**
 * State of a worker that its test files have in common: the service that they share, once one has started it, and how many
 * names were made up (test/support/world.ts).
 */
export const ofWorker = { shared: undefined, names: 0 };

export async function stopSharedService() {
  const running = await ofWorker.shared;
  await running?.service.stop();
}

/** Type of the message by which jest-worker tells a child process that it has no more work (its `CHILD_MESSAGE_END`). */
const end = 2;

// Jest waits half a second for a worker that still has something open, and then complains of it.
if (process.send && process.env['JEST_WORKER_ID']) {
  process.on('message', ([type]) => {
    if (type === end) process.exit();
  });
}
