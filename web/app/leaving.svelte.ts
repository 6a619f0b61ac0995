import { session } from '../sync/session.svelte.js';

/** Logging out of this device. */
class Leaving {
  /** The device is empty, but the service could not be told. */
  unreached = $state(false);

  async go(): Promise<void> {
    this.unreached = false;
    try {
      await session.leave();
    } catch {
      this.unreached = true;
    }
  }
}

export const leaving = new Leaving();
