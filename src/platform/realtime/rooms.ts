declare const made: unique symbol;

/**
 * Name of a set of sockets that hear the same events, as Socket.IO knows it. Only `rooms` makes one: a name that is spelled
 * elsewhere does not compile, because a misspelt room has no listeners and nothing would say so.
 */
export type Room = string & { readonly [made]: true };

const named = (kind: 'subscriber' | 'interlocutor' | 'account' | 'session') => (id: string) => `${kind}:${id}` as Room;

/** The four kinds of rooms. A socket is in those of its session, its account and its party. */
export const rooms = {
  /** All devices of a subscriber's members. */
  ofSubscriber: named('subscriber'),
  /** All devices of an interlocutor. */
  ofInterlocutor: named('interlocutor'),
  /** All devices of one account. */
  ofAccount: named('account'),
  /** All connections of one device. */
  ofSession: named('session'),
};
