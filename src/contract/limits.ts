/** Every limit a client may meet, in one place. Lengths count Unicode code points unless they say bytes. */
export const limits = {
  /** Longest text of a message. */
  messageLength: 10_000,
  /** Largest Socket.IO event, in bytes. */
  eventBytes: 64 * 1024,
  /** Largest JSON request, in bytes; a message of the greatest length fits even when a client escapes every character. */
  jsonBytes: 128 * 1024,
  clientIdLength: 64,
  logoBytes: 2 * 1024 * 1024,
  nameLength: 100,
  businessNameLength: 120,
  emailLength: 254,
  deviceLength: 100,
  searchLength: 200,
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
  personalInvitationDays: 14,
  invitationUsesMax: 100_000,
} as const;
