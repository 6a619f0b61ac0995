const workingMilliseconds = 10;

/** Makes what a long piece of work calls after each of its steps: it lets other work go on once they have taken a while. */
export function pausing(): () => Promise<void> {
  let since = performance.now();
  return async () => {
    if (performance.now() - since < workingMilliseconds) return;
    await new Promise(setImmediate);
    since = performance.now();
  };
}
