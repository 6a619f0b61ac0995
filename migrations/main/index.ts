import { Start1763856000000 } from './1763856000000-start.js';
import { Credentials1763859600000 } from './1763859600000-credentials.js';
import { Invitations1763859601000 } from './1763859601000-invitations.js';
import { Labels1763859602000 } from './1763859602000-labels.js';
import { Members1763859603000 } from './1763859603000-members.js';
import { Delivery1763863200000 } from './1763863200000-delivery.js';
import { SteadyClock1763872000000 } from './1763872000000-steady-clock.js';
import { Addresses1763874000000 } from './1763874000000-addresses.js';
import { Imports1763875000000 } from './1763875000000-imports.js';
import { Inbox1763876000000 } from './1763876000000-inbox.js';
import { LateBroadcasts1763876001000 } from './1763876001000-late-broadcasts.js';
import { ImportEncodings1763877000000 } from './1763877000000-import-encodings.js';
import { Watermarks1763878000000 } from './1763878000000-watermarks.js';
import { Attachments1763879000000 } from './1763879000000-attachments.js';
import { Archive1763879400000 } from './1763879400000-archive.js';
import { Erasures1763880000000 } from './1763880000000-erasures.js';
import { Rights1763881000000 } from './1763881000000-rights.js';
import { Leaving1763882000000 } from './1763882000000-leaving.js';
import { SearchKeys1763884000000 } from './1763884000000-search-keys.js';
import { Answered1763890000000 } from './1763890000000-answered.js';
import { SharedDevices1763895000000 } from './1763895000000-shared-devices.js';
import { Claims1763895001000 } from './1763895001000-claims.js';
import { QuickReplies1763895002000 } from './1763895002000-quick-replies.js';
import { CarryCodes1763895003000 } from './1763895003000-carry-codes.js';
import { Push1763911000000 } from './1763911000000-push.js';
import { Retention1795860000000 } from './1795860000000-retention.js';
import { PolicyPublications1795867200000 } from './1795867200000-policy-publications.js';
import { KnownDevices1795870800000 } from './1795870800000-known-devices.js';
import { UnreadMails1795872600000 } from './1795872600000-unread-mails.js';
import { Functions } from './functions.js';

export const mainMigrations = [
  Start1763856000000,
  Credentials1763859600000,
  Invitations1763859601000,
  Labels1763859602000,
  Members1763859603000,
  Delivery1763863200000,
  SteadyClock1763872000000,
  Addresses1763874000000,
  Imports1763875000000,
  Inbox1763876000000,
  LateBroadcasts1763876001000,
  ImportEncodings1763877000000,
  Watermarks1763878000000,
  Attachments1763879000000,
  Archive1763879400000,
  Erasures1763880000000,
  Rights1763881000000,
  Leaving1763882000000,
  SearchKeys1763884000000,
  Answered1763890000000,
  SharedDevices1763895000000,
  Claims1763895001000,
  QuickReplies1763895002000,
  CarryCodes1763895003000,
  Push1763911000000,
  Retention1795860000000,
  PolicyPublications1795867200000,
  KnownDevices1795870800000,
  UnreadMails1795872600000,
  Functions,
];
