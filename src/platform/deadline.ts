/** The error of a deadline that has passed: the result may still come, but is no longer waited for. */
export class DeadlinePassed extends Error {
  override readonly name = 'DeadlinePassed';
}

/**
 * Waits for something, but no longer than that.
 * @throws DeadlinePassed with the words of what was waited for
 */
export async function within<Result>(milliseconds: number, work: Promise<Result>, what: string): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new DeadlinePassed(what)), Math.max(0, milliseconds));
  });
  // What comes later is of no use to anybody, whichever way it ends.
  work.catch(() => {});
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
