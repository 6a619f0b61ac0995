import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { EntityManager, Repository } from 'typeorm';
import { NIL } from 'uuid';
import { Actions } from '../actions/actions.service.js';
import { ChangeFeed } from '../change-feed/change-feed.service.js';
import { Consents } from '../consents/consents.service.js';
import { ConsentRequired } from '../consents/consents.errors.js';
import { Attachments } from '../attachments/attachments.service.js';
import type { AttachmentView } from '../contract/attachments.js';
import type { SkipReason } from '../contract/broadcasts.js';
import type { BroadcastState } from '../contract/events.js';
import { broadcastContext, broadcastMark } from '../conversations/broadcast-mark.js';
import {
  type AppendedEntry,
  BroadcastEntries,
  clientIdOfEntries,
  type LockedConversation,
  type NewEntry,
} from '../conversations/broadcast-entries.service.js';
import { messageContext } from '../conversations/message-texts.js';
import { Identities } from '../interlocutors/identities.js';
import { defineJob } from '../platform/jobs/job-kinds.js';
import { inTurns } from '../platform/jobs/in-turns.js';
import { Jobs } from '../platform/jobs/jobs.js';
import { Log } from '../platform/log.js';
import { UnknownOutcomes } from '../platform/realtime/unknown-outcomes.js';
import { Realtime } from '../platform/realtime/realtime.js';
import { type Room, rooms } from '../platform/realtime/rooms.js';
import { Vault } from '../platform/vault/vault.js';
import { Subscribers } from '../subscribers/subscribers.service.js';
import { Audiences } from './audiences.service.js';
import { Broadcast } from './broadcast.entity.js';
import {
  dueQuery,
  type LockedRow,
  lockQuery,
  type JudgedRow,
  judgeQuery,
  type ProgressRow,
  progressQuery,
  type SpelledAudience,
} from './broadcasts.queries.js';
import { mailHeld } from './held-mails.service.js';
import { filledIn } from '../contract/rules/personal-text.js';

/** Runs at once or at the scheduled time, and every minute to continue after a crash. */
const proceedWithBroadcasts = defineJob('broadcast.proceed', { cron: '* * * * *', expireInSeconds: 300 });

/** The outcome of a chunk that was to be sent with a text or an audience that is another one by now. */
const edited = Symbol('edited');

const contactsPerChunk = 500;

type BroadcastId = Pick<Broadcast, 'subscriberId' | 'id'>;

/** A broadcast that a job works on. */
interface Run extends BroadcastId {
  content?: Content;
  /** Consumers of changes were told of it. */
  hinted?: true;
}

/** The parts of a broadcast that do not change once it has begun. */
interface Content extends Pick<Broadcast, 'kind' | 'reason' | 'locale' | 'personal' | 'authorId' | 'edition'> {
  body: string;
  attachments: AttachmentView[];
  audience: SpelledAudience;
  businessName: string;
  /** By which policy its recipients say no to promotions. */
  promotionsPolicyId: string;
}

/** The decision about a contact: an entry, or the reason for none. */
interface Verdict extends NewEntry {
  skipped: SkipReason | null;
}

interface Chunk extends ProgressRow {
  entries: AppendedEntry[];
}

/** Sends broadcasts a chunk of recipients at a time: entries, ledger and checkpoint are written together or not at all. */
@Injectable()
export class BroadcastRuns {
  constructor(
    @InjectRepository(Broadcast) private readonly broadcasts: Repository<Broadcast>,
    private readonly actions: Actions,
    private readonly attachments: Attachments,
    private readonly audiences: Audiences,
    private readonly changes: ChangeFeed,
    private readonly consents: Consents,
    private readonly entries: BroadcastEntries,
    private readonly identities: Identities,
    private readonly jobs: Jobs,
    private readonly log: Log,
    private readonly unknownOutcomes: UnknownOutcomes,
    private readonly realtime: Realtime,
    private readonly subscribers: Subscribers,
    private readonly vault: Vault,
  ) {
    jobs.handle(proceedWithBroadcasts, () => this.proceed());
  }

  /** Must be called in the transaction that creates the broadcast. */
  async proceedAt(manager: EntityManager, sendAt: Date): Promise<void> {
    const later = sendAt > new Date() ? { startAfter: sendAt } : {};
    await this.jobs.add(manager, proceedWithBroadcasts, {}, later);
  }

  /** Takes every broadcast whose time has come a chunk further in turn. One that fails stops no other. */
  async proceed(): Promise<void> {
    const due = await this.broadcasts.query<Run[]>(dueQuery, [new Date()]);
    await inTurns(due, (run) => this.proceedWith(run), {
      log: this.log,
      then: () => this.broadcasts.manager.transaction((manager) => this.jobs.add(manager, proceedWithBroadcasts, {})),
    });
  }

  /** Tells the subscriber's devices how far a broadcast is. */
  tell(
    { subscriberId, id }: BroadcastId,
    { state, sent, skipped }: ProgressRow,
    entries: readonly AppendedEntry[] = [],
  ): void {
    this.realtime.tell(rooms.ofSubscriber(subscriberId), 'broadcast.progressed', {
      id,
      state,
      sent,
      skipped,
      entries: entries.map(({ conversationId, seq, revision }) => ({ conversationId, seq, revision })),
    });
  }

  /** @returns whether there is more to do */
  private async proceedWith(run: Run): Promise<boolean> {
    const content = (run.content ??= await this.open(run));
    const concerned: Room[] = [rooms.ofSubscriber(run.subscriberId)];
    const chunk = await this.unknownOutcomes.guard(
      () => concerned,
      () => this.broadcasts.manager.transaction((manager) => this.sendChunk(manager, run, { content, concerned })),
    );
    if (!chunk) return false;
    if (chunk === edited) {
      delete run.content;
      return true;
    }
    if (!run.hinted) this.changes.hintBroadcast();
    run.hinted = true;
    const { promotionsPolicyId: policyId, attachments } = content;
    const markOf = (contactId: string) => broadcastMark(content, { policyId, contactId });
    this.entries.tell({ id: run.id, attachments }, chunk.entries, markOf);
    this.tell(run, chunk, chunk.entries);
    return chunk.state === 'running';
  }

  private async open({ subscriberId, id }: BroadcastId): Promise<Content> {
    const broadcast = await this.broadcasts.findOneByOrFail({ subscriberId, id });
    const { kind, reason, locale, personal, authorId, edition, body, audience, files } = broadcast;
    const key = { scope: 'subscriber', id: subscriberId } as const;
    const stated = await this.audiences.open(subscriberId, id, audience);
    const { businessName } = await this.subscribers.get(subscriberId);
    const attachments =
      files === 0 ? new Map<string, AttachmentView[]>() : await this.attachments.ofBroadcasts(subscriberId, [id]);
    return {
      kind,
      reason,
      locale,
      personal,
      authorId,
      edition,
      attachments: attachments.get(id) ?? [],
      body: await this.vault.open(key, body, broadcastContext(subscriberId, id)),
      audience: await this.audiences.spelled(this.broadcasts.manager, subscriberId, stated),
      businessName,
      promotionsPolicyId: this.consents.promotionsPolicyId(locale),
    };
  }

  /**
   * @param concerned gets the rooms that are to be told of it
   * @returns undefined if it is over or another run has locked it; `edited` if it was edited since it was opened
   */
  private async sendChunk(
    manager: EntityManager,
    { subscriberId, id }: BroadcastId,
    { content, concerned }: { content: Content; concerned: Room[] },
  ): Promise<Chunk | typeof edited | undefined> {
    const now = new Date();
    const [locked] = await manager.query<LockedRow[]>(lockQuery, [subscriberId, id, now]);
    if (!locked) return undefined;
    if (locked.edition !== content.edition) return edited;
    if (locked.notAfter < now) return this.hold(manager, { subscriberId, id });
    const obstacle = await this.obstacle(manager, subscriberId, { ...content, ...locked });
    if (obstacle) {
      await manager.update(Broadcast, { subscriberId, id }, { stopReason: obstacle });
      return this.progress(manager, { subscriberId, id }, { state: 'stopped', verdicts: [], entries: [] });
    }
    if (locked.state === 'scheduled') await this.start(manager, { subscriberId, id }, content, now);
    const contactIds = await this.audiences.next(manager, subscriberId, {
      audience: content.audience,
      after: locked.checkpoint ?? NIL,
      joinedUntil: locked.startedAt ?? now,
      limit: contactsPerChunk,
    });
    const conversations = await this.entries.lock(manager, subscriberId, contactIds);
    const verdicts = await this.judge(manager, { subscriberId, id }, content, conversations);
    const common = { subscriberId, broadcastId: id, authorId: content.authorId };
    const wanted = verdicts.filter(({ skipped }) => !skipped);
    concerned.push(...wanted.map(({ interlocutorId }) => rooms.ofInterlocutor(interlocutorId)));
    const entries = await this.entries.append(manager, common, wanted);
    const state = contactIds.length < contactsPerChunk ? 'finished' : 'running';
    return this.progress(manager, { subscriberId, id }, { state, verdicts, entries });
  }

  /** Late at night is no time for what was to be sent at noon: the business decides. */
  private async hold(manager: EntityManager, { subscriberId, id }: BroadcastId): Promise<Chunk> {
    await manager.update(Broadcast, { subscriberId, id }, { state: 'held' });
    const { sent, skipped } = await manager.findOneByOrFail(Broadcast, { subscriberId, id });
    await this.actions.record(manager, { subscriberId, memberId: null }, 'broadcast.held', id);
    await this.jobs.add(manager, mailHeld, { subscriberId, broadcastId: id });
    return { state: 'held', sent, skipped, entries: [] };
  }

  /** Why the broadcast cannot go on, if so. */
  private async obstacle(
    manager: EntityManager,
    subscriberId: string,
    {
      audience,
      seenTimesSince,
      ...accepted
    }: Pick<Content, 'audience'> & Pick<LockedRow, 'termsVersion' | 'privacyVersion' | 'seenTimesSince'>,
  ): Promise<Broadcast['stopReason']> {
    try {
      this.consents.requireAcceptance(accepted);
    } catch (error) {
      if (!(error instanceof ConsentRequired)) throw error;
      return 'consent_required';
    }
    if (audience.notSeenOf !== undefined && !seenTimesSince) return 'seen_times_off';
    return (await this.audiences.lockAudienceLabels(manager, subscriberId, audience)) ? null : 'label_gone';
  }

  private async start(
    manager: EntityManager,
    { subscriberId, id }: BroadcastId,
    content: Content,
    startedAt: Date,
  ): Promise<void> {
    const { recipients, skipped: leftOut } = await this.audiences.count(manager, subscriberId, content);
    await manager.update(Broadcast, { subscriberId, id }, { startedAt, recipients, leftOut });
  }

  /** Decides about each contact once its conversation is locked. A contact that is gone meanwhile has no verdict. */
  private async judge(
    manager: EntityManager,
    { subscriberId, id }: BroadcastId,
    { kind, personal, body, businessName }: Content,
    conversations: readonly LockedConversation[],
  ): Promise<Verdict[]> {
    const conversationOf = new Map(conversations.map((conversation) => [conversation.id, conversation]));
    const rows = await manager.query<JudgedRow[]>(judgeQuery(kind), [
      subscriberId,
      [...conversationOf.keys()],
      personal,
    ]);
    const verdicts = rows.map((row): Verdict => {
      const conversation = conversationOf.get(row.id)!;
      const skipped = conversation.restricted ? 'restricted' : row.unwilling ? 'no_promotions' : null;
      return { conversation, interlocutorId: row.interlocutor_id, skipped, body, sealedBody: null };
    });
    if (!personal) return verdicts;
    const identities = await this.identities.openCopies(
      subscriberId,
      rows.map((row) => ({ id: row.id, identity: row.identity! })),
    );
    for (const [index, verdict] of verdicts.entries()) {
      const identity = identities[index];
      if (identity) verdict.body = filledIn(body, { ...identity, businessName });
      else verdict.skipped ??= 'erased';
    }
    const wanted = verdicts.filter(({ skipped }) => !skipped);
    const clientId = clientIdOfEntries(id);
    const texts = wanted.map(({ conversation, body: text }) => ({
      id: conversation.id,
      text,
      context: messageContext(subscriberId, conversation.id, 'subscriber', clientId),
    }));
    const sealed = await this.vault.sealMany('contact', texts);
    for (const [index, verdict] of wanted.entries()) verdict.sealedBody = sealed[index]!;
    return verdicts;
  }

  private async progress(
    manager: EntityManager,
    { subscriberId, id }: BroadcastId,
    { state, verdicts, entries }: { state: BroadcastState; verdicts: readonly Verdict[]; entries: AppendedEntry[] },
  ): Promise<Chunk> {
    const [progress] = await manager.query<[ProgressRow]>(progressQuery, [
      subscriberId,
      id,
      verdicts.map(({ conversation }) => conversation.id),
      verdicts.map(({ conversation, skipped }) => (skipped ? null : conversation.lastSeq + 1)),
      verdicts.map(({ skipped }) => skipped),
      entries.length,
      verdicts.length - entries.length,
      state,
      state === 'running' ? null : new Date(),
    ]);
    return { ...progress, entries };
  }
}
