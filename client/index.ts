/** The sync engine, for any client of the service; see docs/client.md. */
export { Refused, Unanswered } from './api.js';
export { type Draft, Drafts } from './drafts.js';
export { type ConversationView, Engine, type EngineOptions, type EngineView } from './engine.js';
export { Heads } from './heads.js';
export { Link, type LinkState } from './link.js';
export { MemoryLock, MemoryStore } from './memory.js';
export { Observable } from './observable.js';
export {
  type Content,
  type LocalFile,
  Outbox,
  type OutboxView,
  type Outgoing,
  type QueuedFile,
  type Rest,
} from './outbox.js';
export type { Clock, Http, HttpAnswer, Lock, Ports, Random, Socket, Store, Upload } from './ports.js';
export type { Range } from './ranges.js';
export { Receipts } from './receipts.js';
export { Timeline, type TimelineView } from './timeline.js';
