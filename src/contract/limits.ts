/** Every limit a client may meet, in one place. Lengths count Unicode code points unless they say bytes. */
export const limits = {
  /** Longest text of a message. */
  messageLength: 10_000,
  /** Largest Socket.IO event, in bytes. */
  eventBytes: 64 * 1024,
  /** Largest JSON request, in bytes; a message of the greatest length fits even when a client escapes every character. */
  jsonBytes: 128 * 1024,
  /** Events of one socket that may wait for their acknowledgement at once. */
  socketEventsUnderWay: 50,
  /** Connected sockets of one session: browser tabs, say. */
  socketsPerSession: 20,
  clientIdLength: 64,
  logoBytes: 2 * 1024 * 1024,
  nameLength: 100,
  businessNameLength: 120,
  emailLength: 254,
  deviceLength: 100,
  searchLength: 200,
  labelNameLength: 40,
  labelsPerSubscriber: 200,
  labelsPerContact: 20,
  noteLength: 2_000,
  externalIdLength: 64,
  /** Contacts that one request may label. */
  contactsLabelled: 500,
  passwordMinLength: 10,
  /** bcrypt reads no further. */
  passwordMaxBytes: 72,
  usernameMinLength: 3,
  usernameMaxLength: 32,
  /** Sign-in by a verified address tries at most this many accounts that share it. */
  accountsPerAddress: 5,
  pageSize: 50,
  pageMax: 200,
  previewLength: 120,
  /** Unread messages are counted up to here. */
  unreadMax: 999,
  /** A personal invitation holds this long, from its mail on. */
  personalInvitationDays: 14,
  /** One by letter, and one whose mail waits for its turn, holds this long. */
  waitingInvitationDays: 60,
  /** When the one reminder goes to who has not joined. */
  reminderDays: 7,
  /** How long after its end the link in an invitation's mail can still say "do not write to me again". */
  stopLinkDays: 90,
  /** Largest file of an import, in bytes. */
  importBytes: 5 * 1024 * 1024,
  /** Most lines of an import, without the header. */
  importLines: 10_000,
  invitationUsesMax: 100_000,
  /** Members of a subscriber, with those invited. */
  membersMax: 50,
  memberInvitationDays: 7,
} as const;
