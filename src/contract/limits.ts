/** Every limit that a client may meet, in one place. Lengths count Unicode code points unless they say bytes. */
export const limits = {
  /** Maximum number of contacts that one request can erase by their ids; by a filter there is no limit. */
  contactsErased: 500,
  /** Maximum number of erased conversations in a list of changes; beyond that, a client must load everything again. */
  erasedTold: 2_000,
  /** Days for which a list of changes names erased conversations to an interlocutor. */
  erasedToldDays: 90,
  /** Hours without use after which a session on a shared device ends. */
  sharedSessionHours: 12,
  /** Minutes for which a code that carries a sign-in is valid, and maximum number of codes of a session at a time. */
  carryMinutes: 15,
  carryCodesPerSession: 5,
  /** Maximum number of known devices of an account, and days without use after which a device counts as new. */
  knownDevices: 20,
  knownDeviceDays: 400,
  /** Days for which the link to stop mails about unread messages is valid, and maximum number of these mails in a minute. */
  mailStopDays: 90,
  unreadMailsPerMinute: 300,
  /** Maximum length of the address of a push service, in characters. */
  pushEndpointLength: 2_048,
  /** Subscriptions to notifications that a session may send in an hour, and test notifications in ten minutes. */
  pushSubscriptionsPerHour: 60,
  pushTestsPerTenMinutes: 5,
  /** Days without the app being opened after which a device gets no more notifications. */
  pushDays: 30,
  /** Maximum number of conversations that an account can mute. */
  conversationsMuted: 500,
  /** Maximum length of a message. */
  messageLength: 10_000,
  /** Maximum size of a Socket.IO event, in bytes. */
  eventBytes: 64 * 1024,
  /** Maximum size of a JSON request, in bytes; the longest text and the most contacts fit even if every character is escaped. */
  jsonBytes: 256 * 1024,
  /** Maximum size of the address and the headers of a request together, in bytes. */
  headerBytes: 16 * 1024,
  /** Maximum nesting of objects and lists in a JSON request or an event. */
  requestDepth: 20,
  /** Maximum number of fields of one object in a JSON request or an event. */
  requestFields: 100,
  /** Maximum number of values in a JSON request or an event, including its lists and objects. */
  requestValues: 5_000,
  /** Maximum number of field errors in one answer; further ones are reported once these are corrected. */
  fieldErrors: 20,
  /** Minimum and maximum number of days for which a new version of a policy is announced before it takes effect. */
  policyNoticeDays: 15,
  policyNoticeDaysMax: 366,
  /** Seconds after which a version published for now takes effect, so that every node knows it by then. */
  policySettlingSeconds: 120,
  /** Maximum number of acceptances in one request. */
  consentsGiven: 10,
  /** Maximum number of columns in the mapping of an import. */
  columnsMapped: 500,
  /** Maximum number of large JSON bodies of one network that wait to be parsed. */
  bodiesWaitingPerNetwork: 40,
  /** The same of all networks. */
  bodiesWaiting: 400,
  /** Maximum number of bytes of incomplete bodies of one network. */
  bodyBytesOfNetwork: 16 * 1024 * 1024,
  /** The same of all networks. */
  bodyBytesOfAll: 64 * 1024 * 1024,
  /** Maximum number of packets that a connection may send before it is authenticated. */
  packetsBeforeAdmission: 10,
  /** Maximum number of ping and pong frames of a WebSocket in a minute; Engine.IO has pings of its own. */
  controlFramesPerMinute: 60,
  /** Maximum number of events of one socket that wait for their acknowledgement. */
  socketEventsUnderWay: 50,
  /** Capacity of the queue of messages to be stored, for all senders; beyond it the answer is `overloaded`. */
  sendsWaiting: 2_000,
  /** Receipts likewise. */
  receiptsWaiting: 10_000,
  /** Bytes that may wait to be sent to one socket before it is cut; its client reconnects and catches up. */
  socketBytesWaiting: 4 * 1024 * 1024,
  /** Maximum number of connected sockets of one session, such as browser tabs. */
  socketsPerSession: 20,
  /** Maximum number of connections of one network that are not authenticated yet. */
  socketsEntering: 200,
  /** Connections of one network that may be cut in a minute for too many packets before new ones are refused. */
  connectionsCutPerMinute: 40,
  /** Connections of one network that may end in a minute without authenticating before new ones are refused. */
  connectionsFailedPerMinute: 600,
  /** Maximum number of connections that a session may authenticate in a minute. */
  admissionsPerMinute: 120,
  /** Seconds after which a connection that is not authenticated is closed. */
  admissionSeconds: 20,
  /** Maximum number of connections of one network without a first answer. */
  connectionsUnanswered: 500,
  /** Maximum number of connections of one network, besides WebSockets; a further one replaces the one idle for longest. */
  connectionsPerNetwork: 1_000,
  /** Seconds after which an incomplete request, with its file, is cut. */
  requestSeconds: 120,
  /** Seconds after which a connection without traffic is cut during a request or an answer. */
  stalledSeconds: 120,
  /** Maximum number of sessions of one account; a further one ends the one unused for longest. */
  sessionsPerAccount: 50,
  /** Concurrent requests of one account, or without a session of one network; further ones wait. */
  requestsAtOnce: 6,
  /** Maximum number of such waiting requests; beyond it the answer is `rate_limited`. */
  requestsWaiting: 200,
  /** Maximum number of unanswered requests of one HTTP/1.1 connection (pipelining); one more closes it. */
  requestsPerConnection: 20,
  /** Concurrent look-ups of tokens that were not used recently. */
  tokensAtOnce: 2,
  /** Maximum number of such look-ups that wait, of one network and of all. */
  tokensWaitingPerNetwork: 200,
  tokensWaiting: 2_000,
  /** Unknown tokens that one network may present in a minute before other tokens not used recently are refused. */
  unknownTokensPerMinute: 100,
  /**
   * Maximum number of passwords that wait to be hashed or compared, for one asker (a network, an account) and in all; up to ten
   * times as many for askers with none waiting.
   */
  passwordsWaitingPerAsker: 20,
  passwordsWaiting: 100,
  clientIdLength: 64,
  logoBytes: 2 * 1024 * 1024,
  /** Maximum side of an uploaded logo, in pixels, because rows cost time as pixels do. */
  logoSide: 10_000,
  logoPixels: 40_000_000,
  /** Maximum number of logos that wait to be drawn, of one subscriber and of all. */
  picturesWaitingPerSubscriber: 2,
  picturesWaiting: 10,
  /** Maximum size of a picture or PDF with a preview, in bytes. */
  previewBytes: 50 * 1024 * 1024,
  /** Maximum number of exports of conversations for an account in an hour. */
  conversationExportsPerHour: 20,
  /** Maximum number of full exports for an account in 24 hours. */
  exportsPerDay: 5,
  /** Concurrent full exports of all accounts. */
  exportsAtOnce: 2,
  /** Hours for which an export can be downloaded. */
  exportHours: 48,
  /** Minutes after signing in during which a download needs no further proof of the password. */
  exportProofMinutes: 10,
  /** Hours for which a session may download an export after such a proof, so that an interrupted download can resume. */
  exportDownloadHours: 6,
  /** Attempts at an export before it counts as failed. */
  exportAttempts: 5,
  /** Days in which a business has to answer a request about personal data (Art. 12(3) GDPR gives a month). */
  requestDays: 30,
  /** Days of the one possible extension. */
  requestExtensionDays: 60,
  /** Days before the deadline on which the owner is reminded. */
  requestReminderDays: [10, 3, 0],
  /** Maximum number of open requests of a contact. */
  requestsOpen: 10,
  /** Maximum number of requests of an account in 24 hours. */
  requestsPerDay: 20,
  requestWordsLength: 2_000,
  /** Days in which an owner who closes a business can change their mind. */
  closingDays: 7,
  /** Minimum and maximum number of months after which a business can have its messages deleted. */
  retentionMonthsMin: 1,
  retentionMonthsMax: 120,
  /** Days between setting or shortening a retention and its first deletion. */
  retentionNoticeDays: 7,
  /** Days after which an account without any business is deleted. */
  aloneDays: 30,
  /** Months without signing in after which a person is asked whether they still want the account. */
  unusedMonths: 24,
  nameLength: 100,
  /** Region, province and sector of a contact. */
  segmentLength: 60,
  companyTypeLength: 60,
  businessNameLength: 120,
  emailLength: 254,
  deviceLength: 100,
  searchLength: 200,
  /** Maximum length of a search of the archive, and maximum number of words in it. */
  archiveQueryLength: 500,
  archiveQueryWords: 40,
  /** Maximum number of waiting searches, of one account and of all. */
  archiveSearchesWaitingPerAccount: 4,
  archiveSearchesWaiting: 100,
  labelNameLength: 40,
  labelsPerSubscriber: 200,
  labelsPerContact: 20,
  quickReplyTitleLength: 60,
  quickRepliesPerSubscriber: 200,
  noteLength: 2_000,
  externalIdLength: 64,
  phoneLength: 40,
  /** Maximum number of contacts that one request may load by their ids. */
  contactsById: 200,
  /** Maximum number of contacts that one request may label. */
  contactsLabelled: 500,
  passwordMinLength: 10,
  /** bcrypt ignores further bytes. */
  passwordMaxBytes: 72,
  usernameMinLength: 3,
  usernameMaxLength: 32,
  /** Maximum number of accounts that may verify one address, because signing in by it tries each. */
  accountsPerAddress: 5,
  /** Maximum number of verification mails for an account in an hour: requested, or caused by another address. */
  verificationMailsPerHour: 5,
  /** Maximum number of verification mails that joinings and registrations cause to one address in an hour. */
  verificationMailsToAddress: 5,
  /** Maximum number of verification mails that accounts request to one address in an hour; half as many from one network. */
  verificationMailsAskedToAddress: 10,
  /** Maximum number of mails that invite members, for one subscriber in 24 hours. */
  memberInvitationMailsPerDay: 50,
  /** Minutes in which a joining with the same address, names and password counts as a retry. */
  joiningRepeatedMinutes: 10,
  invitationNameLength: 60,
  pageSize: 50,
  /** Maximum length of a cursor, which contains the filters of its list. */
  cursorLength: 8_000,
  pageMax: 200,
  previewLength: 120,
  /** Maximum count of unread messages in a conversation. */
  unreadMax: 999,
  /** Maximum count of conversations with unread messages. */
  unreadConversationsMax: 999,
  /** Days for which a personal invitation is valid after its mail. */
  personalInvitationDays: 14,
  /** Days for which an invitation is valid by letter, or while its mail waits. */
  waitingInvitationDays: 60,
  /** Days after which a person who has not joined gets the one reminder. */
  reminderDays: 7,
  /** Days for which an unverified contact delays the mail of an invitation to the same address. */
  unverifiedHoldDays: 14,
  /** Days after an invitation's end for which the link "do not write to me again" in its mail still works. */
  stopLinkDays: 90,
  /** Maximum size of the file of an import, in bytes. */
  importBytes: 5 * 1024 * 1024,
  /** Maximum number of columns of an import's table; empty ones at its end do not count. */
  importColumns: 200,
  /** Maximum length of a cell of an import, as in Excel. */
  importCellLength: 32_767,
  /** Maximum length of a line of an import, including quoted line breaks. */
  importLineLength: 100_000,
  /** Maximum length of the name of a sheet; Excel's have at most 31 characters. */
  sheetNameLength: 100,
  /** Maximum number of lines shown with their contents by a dry run: those that invite nobody or leave something out. */
  importProblems: 1_000,
  /** Maximum size of an unpacked .xlsx file, in bytes. */
  importUnpackedBytes: 50 * 1024 * 1024,
  /** Maximum number of files of imports for a business in an hour, including dry runs. */
  importsPerHour: 120,
  /** Maximum number of lines of an import, without the header. */
  importLines: 10_000,
  invitationUsesMax: 100_000,
  /** Maximum number of members of a subscriber, including invited ones. */
  membersMax: 50,
  /** Maximum number of contacts that a broadcast may include one by one, and exclude one by one. */
  broadcastContacts: 1_000,
  /** Maximum number of values of each kind (regions, labels …) in an audience. */
  audienceValues: 50,
  /** Maximum number of days for which a broadcast can be scheduled ahead. */
  broadcastDaysAhead: 365,
  /** Hours after its time within which a broadcast may start or continue, unless it sets another limit. */
  broadcastLateHours: 6,
  /** Maximum and minimum of such a limit. */
  broadcastLateHoursMax: 7 * 24,
  broadcastLateMinutesMin: 15,
  /** Characters that a field in a broadcast's text counts as: the longest name. */
  broadcastFieldLength: 201,
  /** Days after its start within which the next entry of a recipient counts as a reply to a broadcast. */
  broadcastAnswerDays: 7,
  /** Hours of a broadcast that its results over time cover. */
  broadcastResultsHours: 48,
  /** Maximum number of scheduled and running broadcasts of a subscriber. */
  broadcastsUnderWay: 50,
  memberInvitationDays: 7,
  /** Maximum size of a file, in bytes, unless the settings say otherwise. */
  fileBytes: 100 * 1024 * 1024,
  /** Maximum number of files of one message or broadcast, unless the settings say otherwise. */
  filesPerMessage: 10,
  /** Maximum that the settings can allow. */
  filesPerMessageMax: 50,
  fileNameLength: 255,
  /** Points of a voice note's waveform, each from 0 to 100. */
  waveformPoints: 200,
  waveformHeight: 100,
  /** Maximum duration that a client may state, in milliseconds: a day. */
  statedDuration: 24 * 60 * 60 * 1000,
  /** Hours after which an unsent file is deleted. */
  unsentFileHours: 24,
  /** Maximum number of unsent files of one account, including uploads in progress. */
  unsentFilesPerAccount: 100,
  /** Concurrent uploads of one account; further ones wait. */
  uploadsAtOnce: 6,
  /** The same of all accounts. */
  uploadsAtOnceOfAll: 40,
  /** Maximum number of waiting uploads, of one account and of all; beyond it the answer is `rate_limited` or `overloaded`. */
  uploadsWaiting: 20,
  uploadsWaitingOfAll: 400,
  /** Maximum number of pieces of a resumable upload. */
  uploadPieces: 1_000,
  /** Maximum size of the `Upload-Metadata` of a resumable upload, in bytes. */
  uploadMetadataBytes: 8_000,
  /** Concurrent downloads of one account; further ones wait. */
  downloadsAtOnce: 20,
  downloadsWaiting: 200,
} as const;
