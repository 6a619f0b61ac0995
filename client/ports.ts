/*
 * Needs of the engine that its host provides: a browser page, a worker, Node, or a simulation. Each is shaped like something that
 * hosts have already, so that most of them are handed in as they are.
 */

/** Parts of a `fetch` response that the engine reads. */
export interface HttpAnswer {
  readonly status: number;
  text(): Promise<string>;
}

/** Asks the service, as `fetch` does, with a path such as `/api/conversations`; the host adds origin and token or cookie. */
export type Http = (
  path: string,
  request: { method: string; headers: Record<string, string>; body?: string },
) => Promise<HttpAnswer>;

/** A socket of socket.io-client, made with `autoConnect: false`. */
export interface Socket {
  readonly connected: boolean;
  /** False when the library has given up and waits for `connect()`. */
  readonly active: boolean;
  on(event: string, listener: (...values: never[]) => void): unknown;
  /** Rejects when the connection is lost before the acknowledgement. */
  emitWithAck(event: string, payload: unknown): Promise<unknown>;
  connect(): unknown;
  disconnect(): unknown;
}

/** Values by key, in a place that all tabs of an account share. Values are plain data, or files as the host has them. */
export interface Store {
  get(key: string): Promise<unknown>;
  /** All values whose keys have this prefix. */
  entries(prefix: string): Promise<[key: string, value: unknown][]>;
  /**
   * Writes all of them or none, in the order of the calls; `undefined` deletes. Resolves when they outlive the page.
   */
  put(entries: readonly (readonly [key: string, value: unknown])[]): Promise<void>;
}

export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  setTimeout(work: () => void, milliseconds: number): unknown;
  clearTimeout(timer: unknown): void;
}

export interface Random {
  /** At least 0, less than 1. */
  number(): number;
  /** An id that nothing else has, such as `crypto.randomUUID()` gives. */
  id(): string;
}

/** Lets one tab at a time do something, as `navigator.locks` does. A tab that goes lets the next one in. */
export interface Lock {
  request<Result>(name: string, work: () => Promise<Result>): Promise<Result>;
}

/**
 * Uploads a file for a conversation and returns the id of the attachment. `about` is the data queued with it. Rejects with
 * Refused if the service refuses, and with any other error if the outcome is unknown. It must end even if the network falls
 * silent.
 */
export type Upload = (conversationId: string, file: unknown, about: unknown) => Promise<string>;

export interface Ports {
  http: Http;
  socket: Socket;
  clock: Clock;
  random: Random;
  /** In memory unless given: what waits to be sent then does not outlive the page. */
  store?: Store;
  /** Needed to queue files that are not uploaded yet. */
  upload?: Upload;
  /** Needed when several tabs share a store; without it the engine is alone. */
  lock?: Lock;
}
