import type { Audience } from '../../../src/contract/broadcasts.js';
import type { BroadcastKind, BroadcastReason } from '../../../src/contract/events.js';
import { session } from '../../sync/session.svelte.js';

/** A broadcast that is being written. */
export interface BroadcastDraft {
  id: string;
  /** Under which it is sent, so that a retry sends it once. */
  clientId: string;
  kind?: BroadcastKind;
  reason?: BroadcastReason;
  body: string;
  attachmentIds: readonly string[];
  audience: Audience;
  isLater: boolean;
  /** Day and time on the clocks of the business; parts of it may be missing. */
  day: string;
  time: string;
  savedAt: string;
  /** Edition of the scheduled broadcast that is changed. */
  edition?: number;
}

/*
 * Drafts stay on this device, sealed as everything that it keeps: the business's other devices and its database hold nothing of a
 * text that nobody has decided to send. Their names in the store hold random ids alone.
 */
const prefix = 'broadcast/';
const testPersonKey = 'broadcast-test-person';
/** Drafts of changes to a broadcast that is scheduled. */
const editPrefix = 'edit-';

export const editDraftId = (broadcastId: string): string => `${editPrefix}${broadcastId}`;

export function emptyDraft(id: string): BroadcastDraft {
  return {
    id,
    clientId: crypto.randomUUID(),
    body: '',
    attachmentIds: [],
    audience: { all: true },
    ...{ isLater: false, day: '', time: '' },
    savedAt: new Date().toISOString(),
  };
}

/** @throws Error when this device cannot keep it */
export async function saveDraft(draft: BroadcastDraft): Promise<void> {
  await session.device.put([[prefix + draft.id, draft]]);
}

export async function loadDraft(id: string): Promise<BroadcastDraft | undefined> {
  return (await session.device.get(prefix + id).catch(() => undefined)) as BroadcastDraft | undefined;
}

/** Begun broadcasts, the latest first. */
export async function listDrafts(): Promise<BroadcastDraft[]> {
  const entries = await session.device.entries(prefix).catch(() => []);
  return entries
    .map(([, draft]) => draft as BroadcastDraft)
    .filter(({ id }) => !id.startsWith(editPrefix))
    .sort((one, other) => other.savedAt.localeCompare(one.savedAt));
}

export async function dropDraft(id: string): Promise<void> {
  await session.device.put([[prefix + id, undefined]]).catch(() => undefined);
}

/** The contact that a member sends tests to. */
export async function testPerson(): Promise<string | undefined> {
  return (await session.device.get(testPersonKey).catch(() => undefined)) as string | undefined;
}

export async function rememberTestPerson(contactId: string): Promise<void> {
  await session.device.put([[testPersonKey, contactId]]).catch(() => undefined);
}
