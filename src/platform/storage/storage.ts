/** An object that should be there is not: it was lost, or the storage is another one than before. */
export class ObjectMissing extends Error {
  override readonly name = 'ObjectMissing';

  constructor(readonly object: string) {
    super(`the object ${object} is missing from the storage`);
  }
}

/** The storage has no room, or cannot be reached. */
export class StorageFailure extends Error {
  override readonly name = 'StorageFailure';

  constructor(
    readonly code: 'full' | 'away',
    cause: unknown,
  ) {
    super(`the storage is ${code}`, { cause });
  }
}

/**
 * Sealed objects, named by UUIDv7 ids, so that names in order are also in the order of their times. An object is written once
 * and never changed.
 */
export abstract class Storage {
  /**
   * Stores an object. When it resolves the object lasts; when it rejects nothing of it is left.
   * @throws StorageFailure; whatever the source throws
   */
  abstract write(name: string, source: AsyncIterable<Buffer>): Promise<void>;

  /**
   * Reads the bytes of an object from `start` up to `end`, which is not included.
   * @throws ObjectMissing, StorageFailure
   */
  abstract read(name: string, start: number, end: number): AsyncIterable<Buffer>;

  /** Removes an object. One that is gone already stays so. */
  abstract remove(name: string): Promise<void>;

  /** Names of the objects after one name and before another, in no particular order. */
  abstract list(after: string, before: string): AsyncIterable<string>;

  /** @throws StorageFailure when nothing can be stored at the moment */
  abstract check(): Promise<void>;

  /** Lets connections go when the service stops. */
  close(): void {
    // Most storages have none.
  }
}
