const key = (subscriberId: string) => `colloquio-printed-${subscriberId}`;

/** Remembers on this device that the poster was printed; the service does not need to know. */
export function markPrinted(subscriberId: string): void {
  try {
    localStorage.setItem(key(subscriberId), '1');
  } catch {
    // Then the list of the first run asks again.
  }
}

export function wasPrinted(subscriberId: string): boolean {
  try {
    return localStorage.getItem(key(subscriberId)) !== null;
  } catch {
    return false;
  }
}
