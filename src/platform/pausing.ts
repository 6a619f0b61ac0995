/**
 * Creates a function to call after each step of a long piece of work: it lets other work go on once the steps have taken a while.
 * @param workingMilliseconds so long at most is other work kept waiting, but for the length of a step
 */
export function pausing(workingMilliseconds = 10): () => Promise<void> {
  let since = performance.now();
  return async () => {
    if (performance.now() - since < workingMilliseconds) return;
    await new Promise(setImmediate);
    since = performance.now();
  };
}
