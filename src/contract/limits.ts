/** Every limit a client may meet, in one place. Lengths count Unicode code points unless they say bytes. */
export const limits = {
  /** Contacts that one request can erase by their ids; by a filter it is any number. */
  contactsErased: 500,
  /** Erased conversations that a list of changes names; beyond that, a client must load everything again. */
  erasedTold: 2_000,
  /** Days for which a list of changes names erased conversations to an interlocutor. */
  erasedToldDays: 90,
  /** Hours without use after which a session on a shared device ends. */
  sharedSessionHours: 12,
  /** Minutes in which a code that carries a sign-in is good, and most codes of a session at a time. */
  carryMinutes: 15,
  carryCodesPerSession: 5,
  /** Most devices that an account is known to have been used on, and days after which one that was not used counts as new. */
  knownDevices: 20,
  knownDeviceDays: 400,
  /** Days for which the link that ends mails about unread messages is good, and most of these mails in a minute. */
  mailStopDays: 90,
  unreadMailsPerMinute: 300,
  /** Longest address of a push service that a browser names, in characters. */
  pushEndpointLength: 2_048,
  /** Subscriptions to notifications that a session may send in an hour, and test notifications in ten minutes. */
  pushSubscriptionsPerHour: 60,
  pushTestsPerTenMinutes: 5,
  /** Days without the app being opened after which a device gets no more notifications. */
  pushDays: 30,
  /** Conversations that an account can mute. */
  conversationsMuted: 500,
  /** Longest text of a message. */
  messageLength: 10_000,
  /** Largest Socket.IO event, in bytes. */
  eventBytes: 64 * 1024,
  /** Largest JSON request, in bytes; the longest text and the most contacts fit even when a client escapes every character. */
  jsonBytes: 256 * 1024,
  /** The address and the headers of a request together, in bytes. */
  headerBytes: 16 * 1024,
  /** Levels of objects and lists within each other in a JSON request or an event. */
  requestDepth: 20,
  /** Fields of one object in a JSON request or an event. */
  requestFields: 100,
  /** Values in a JSON request or an event, with those of all its lists and objects. */
  requestValues: 5_000,
  /** Field errors that one answer tells; the others wait until these are mended. */
  fieldErrors: 20,
  /** Days for which a new version of a policy is announced before it takes effect, and the most of them. */
  policyNoticeDays: 15,
  policyNoticeDaysMax: 366,
  /** Seconds after which a version that was published for at once takes effect, so that every node knows it by then. */
  policySettlingSeconds: 120,
  /** Acceptances that one request can give. */
  consentsGiven: 10,
  /** Columns of a file that the mapping of an import can name. */
  columnsMapped: 500,
  /** Large JSON bodies of one network that may wait to be parsed. */
  bodiesWaitingPerNetwork: 40,
  /** The same of all networks. */
  bodiesWaiting: 400,
  /** Bytes of bodies of one network that have not come whole. */
  bodyBytesOfNetwork: 16 * 1024 * 1024,
  /** The same of all networks. */
  bodyBytesOfAll: 64 * 1024 * 1024,
  /** Packets that a connection may send before a session is admitted on it. */
  packetsBeforeAdmission: 10,
  /** Ping and pong frames of a WebSocket in a minute; Engine.IO has pings of its own. */
  controlFramesPerMinute: 60,
  /** Events of one socket that may wait for their acknowledgement at once. */
  socketEventsUnderWay: 50,
  /** Messages that may wait to be stored at once, of all senders; beyond it the answer is `overloaded`. */
  sendsWaiting: 2_000,
  /** Receipts likewise. */
  receiptsWaiting: 10_000,
  /** Bytes that may wait to be sent to one socket before it is cut; its client comes back and catches up. */
  socketBytesWaiting: 4 * 1024 * 1024,
  /** Connected sockets of one session: browser tabs, say. */
  socketsPerSession: 20,
  /** Connections of one network that no session has been admitted on yet. */
  socketsEntering: 200,
  /** Connections of one network that may be cut in a minute for sending too many packets, before new ones are refused. */
  connectionsCutPerMinute: 40,
  /** Connections of one network that may end in a minute without a session, before new ones are refused. */
  connectionsFailedPerMinute: 600,
  /** Connections that a session may be admitted on in a minute. */
  admissionsPerMinute: 120,
  /** A connection on which no session is admitted for so long is closed. */
  admissionSeconds: 20,
  /** Connections of one network that have had no answer yet. */
  connectionsUnanswered: 500,
  /** Connections of one network in all, WebSockets apart; a new one closes the one that has been idle for longest. */
  connectionsPerNetwork: 1_000,
  /** A request that takes longer to come in, with its file, is cut. */
  requestSeconds: 120,
  /** A connection over which nothing comes or goes for so long while a request or an answer is under way is cut. */
  stalledSeconds: 120,
  /** Sessions of one account; a new one ends the one that has not been used for longest. */
  sessionsPerAccount: 50,
  /** Requests of one account that are answered at once; without a session, of one network. More of them wait. */
  requestsAtOnce: 6,
  /** Requests that may wait so; beyond it the answer is `rate_limited`. */
  requestsWaiting: 200,
  /** Requests of one HTTP/1.1 connection that may be without an answer at once (pipelining); one more closes it. */
  requestsPerConnection: 20,
  /** Tokens that are looked for at once, of those that were not in use of late. */
  tokensAtOnce: 2,
  /** Such tokens that may wait to be looked for, of one network and of all. */
  tokensWaitingPerNetwork: 200,
  tokensWaiting: 2_000,
  /** Tokens of no session that one network may present in a minute before others that are not in use are refused. */
  unknownTokensPerMinute: 100,
  /**
   * Passwords that may wait to be hashed or compared, for one asker (a network, an account) and in all; up to ten times as many
   * for askers with none waiting.
   */
  passwordsWaitingPerAsker: 20,
  passwordsWaiting: 100,
  clientIdLength: 64,
  logoBytes: 2 * 1024 * 1024,
  /** Longest side of an uploaded logo, in pixels: rows cost as much as pixels do. */
  logoSide: 10_000,
  logoPixels: 40_000_000,
  /** Pictures that may wait to be drawn, of one subscriber and of all. */
  picturesWaitingPerSubscriber: 2,
  picturesWaiting: 10,
  /** Largest picture or PDF that a preview is made of, in bytes. */
  previewBytes: 50 * 1024 * 1024,
  /** Exports of conversations that an account may ask for in an hour. */
  conversationExportsPerHour: 20,
  /** Exports of everything that an account may ask for in 24 hours. */
  exportsPerDay: 5,
  /** Exports of all accounts that are made at once. */
  exportsAtOnce: 2,
  /** Hours for which an export can be downloaded. */
  exportHours: 48,
  /** Minutes after signing in during which a download needs no further proof of the password. */
  exportProofMinutes: 10,
  /** Hours for which a session may download an export after such a proof, so that it can go on after an interruption. */
  exportDownloadHours: 6,
  /** Attempts at an export before it counts as failed. */
  exportAttempts: 5,
  /** Days in which a business has to answer a request about personal data (Art. 12(3) GDPR gives a month). */
  requestDays: 30,
  /** Days of the one possible extension. */
  requestExtensionDays: 60,
  /** Days before the end of that time on which the owner is reminded. */
  requestReminderDays: [10, 3, 0],
  /** Requests of a contact that may be open at once. */
  requestsOpen: 10,
  /** Requests that an account may make in 24 hours. */
  requestsPerDay: 20,
  requestWordsLength: 2_000,
  /** Days in which an owner who closes its business can change its mind. */
  closingDays: 7,
  /** Months for which a business can have its messages kept, if it does not keep them for good. */
  retentionMonthsMin: 1,
  retentionMonthsMax: 120,
  /** Days after a retention was set or shortened before anything is deleted by it. */
  retentionNoticeDays: 7,
  /** Days after which an account without any business goes. */
  aloneDays: 30,
  /** Months without signing in after which a person is asked whether its account is still wanted. */
  unusedMonths: 24,
  nameLength: 100,
  /** Region, province and sector of a contact. */
  segmentLength: 60,
  companyTypeLength: 60,
  businessNameLength: 120,
  emailLength: 254,
  deviceLength: 100,
  searchLength: 200,
  /** Longest text that an archive is searched for, and most words in it. */
  archiveQueryLength: 500,
  archiveQueryWords: 40,
  /** Searches that may wait for their turn, of one account and of all. */
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
  /** Contacts that one request may ask for by their ids. */
  contactsById: 200,
  /** Contacts that one request may label. */
  contactsLabelled: 500,
  passwordMinLength: 10,
  /** bcrypt reads no further. */
  passwordMaxBytes: 72,
  usernameMinLength: 3,
  usernameMaxLength: 32,
  /** This many accounts at most may verify one address: sign-in by it tries each. */
  accountsPerAddress: 5,
  /** Verification mails that an account may have sent in an hour: asked for, or by naming another address. */
  verificationMailsPerHour: 5,
  /** Verification mails that joinings and registrations may have sent to one address in an hour. */
  verificationMailsToAddress: 5,
  /** Verification mails that accounts may ask for to one address in an hour, from all networks; from one half as many. */
  verificationMailsAskedToAddress: 10,
  /** Mails that invite members, of one subscriber in 24 hours. */
  memberInvitationMailsPerDay: 50,
  /** Minutes in which a joining with the same address, names and password counts as a retry. */
  joiningRepeatedMinutes: 10,
  invitationNameLength: 60,
  pageSize: 50,
  /** Longest cursor: the longest filters of a list fit into it. */
  cursorLength: 8_000,
  pageMax: 200,
  previewLength: 120,
  /** Unread messages are counted up to here. */
  unreadMax: 999,
  /** Conversations with unread messages, likewise. */
  unreadConversationsMax: 999,
  /** A personal invitation holds this long, from its mail on. */
  personalInvitationDays: 14,
  /** One by letter, and one whose mail waits for its turn, holds this long. */
  waitingInvitationDays: 60,
  /** Days until the one reminder to a person who has not joined. */
  reminderDays: 7,
  /** Days for which an unverified contact delays the mail of an invitation to the same address. */
  unverifiedHoldDays: 14,
  /** Days after its end in which the link in an invitation's mail can still say "do not write to me again". */
  stopLinkDays: 90,
  /** Largest file of an import, in bytes. */
  importBytes: 5 * 1024 * 1024,
  /** Most columns of an import's table; empty ones at its end do not count. */
  importColumns: 200,
  /** Longest cell of an import, as in Excel. */
  importCellLength: 32_767,
  /** Longest line of an import, quoted line breaks included. */
  importLineLength: 100_000,
  /** Longest name of a sheet that an import can name; Excel's have at most 31 characters. */
  sheetNameLength: 100,
  /** Lines that the dry run of an import shows with their contents, of those that invite nobody or leave something out. */
  importProblems: 1_000,
  /** Bytes that an .xlsx file may hold once it is unpacked. */
  importUnpackedBytes: 50 * 1024 * 1024,
  /** Files a business may send in an hour, dry runs included. */
  importsPerHour: 120,
  /** Most lines of an import, without the header. */
  importLines: 10_000,
  invitationUsesMax: 100_000,
  /** Members of a subscriber, with those invited. */
  membersMax: 50,
  /** Contacts that a broadcast may choose one by one, and exclude one by one. */
  broadcastContacts: 1_000,
  /** Values of each kind (regions, labels …) that an audience may name. */
  audienceValues: 50,
  /** A broadcast can be planned this long ahead. */
  broadcastDaysAhead: 365,
  /** Hours after its time in which a broadcast may start or continue, unless it sets another limit. */
  broadcastLateHours: 6,
  /** The longest and the shortest such time that a broadcast may have. */
  broadcastLateHoursMax: 7 * 24,
  broadcastLateMinutesMin: 15,
  /** A field in a broadcast's text counts as many characters as the longest name. */
  broadcastFieldLength: 201,
  /** Days after its start in which the next entry of a recipient counts as a reply to a broadcast. */
  broadcastAnswerDays: 7,
  /** Hours of a broadcast of which its results are given over time. */
  broadcastResultsHours: 48,
  /** Broadcasts of a subscriber that may wait for their time or be under way. */
  broadcastsUnderWay: 50,
  memberInvitationDays: 7,
  /** Largest file, in bytes, unless the settings say otherwise. */
  fileBytes: 100 * 1024 * 1024,
  /** Files of one message or broadcast, unless the settings say otherwise. */
  filesPerMessage: 10,
  /** Maximum that the settings can allow. */
  filesPerMessageMax: 50,
  fileNameLength: 255,
  /** Points of a voice note's waveform, each from 0 to 100. */
  waveformPoints: 200,
  waveformHeight: 100,
  /** Longest duration that a client may state, in milliseconds: a day. */
  statedDuration: 24 * 60 * 60 * 1000,
  /** Hours after which a file that was not sent is erased. */
  unsentFileHours: 24,
  /** Files of one account that are uploaded and not sent, or still being uploaded. */
  unsentFilesPerAccount: 100,
  /** Uploads of one account that come in at once; more of them wait. */
  uploadsAtOnce: 6,
  /** The same of all accounts. */
  uploadsAtOnceOfAll: 40,
  /** Uploads that may wait so, of one account and of all; beyond it the answer is `rate_limited` or `overloaded`. */
  uploadsWaiting: 20,
  uploadsWaitingOfAll: 400,
  /** Pieces in which a resumable upload may come in. */
  uploadPieces: 1_000,
  /** Longest `Upload-Metadata` of a resumable upload, in bytes. */
  uploadMetadataBytes: 8_000,
  /** Downloads of one account that are under way at once; more of them wait. */
  downloadsAtOnce: 20,
  downloadsWaiting: 200,
} as const;
